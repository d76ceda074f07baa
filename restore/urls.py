"""The addresses of the restore wizard."""

from __future__ import annotations

from django.urls import path

from restore import views

urlpatterns = [
    path("restore/", views.start, name="restore"),
    path("restore/upload/", views.upload, name="restore-upload"),
    path("restore/upload/<int:pk>/", views.looking, name="restore-looking"),
    path("restore/<int:pk>/", views.inside, name="restore-inside"),
    path("restore/<int:pk>/destination/", views.destination, name="restore-destination"),
    path("restore/<int:pk>/settings/", views.settings, name="restore-settings"),
    path("restore/<int:pk>/schema/", views.schema, name="restore-schema"),
    path("restore/<int:pk>/review/", views.review, name="restore-review"),
]
