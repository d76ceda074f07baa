"""The addresses of the restore wizard."""

from __future__ import annotations

from django.urls import path

from restore import name_views, people_views, start_views, views

urlpatterns = [
    path("restore/", start_views.start, name="restore"),
    path("restore/upload/", start_views.upload, name="restore-upload"),
    path("restore/upload/<int:pk>/", start_views.looking, name="restore-looking"),
    path("restore/again/<int:pk>/", start_views.again, name="restore-again"),
    path("course/<int:pk>/restore/", start_views.of_course, name="restore-course"),
    path("restore/<int:pk>/", views.inside, name="restore-inside"),
    path("restore/<int:pk>/destination/", views.destination, name="restore-destination"),
    path("restore/<int:pk>/settings/", views.settings, name="restore-settings"),
    path("restore/<int:pk>/names/", name_views.names, name="restore-names"),
    path("restore/<int:pk>/schema/", views.schema, name="restore-schema"),
    path("restore/<int:pk>/people/", people_views.people, name="restore-people"),
    path("restore/<int:pk>/review/", views.review, name="restore-review"),
    path("restore/<int:pk>/reset/", start_views.reset, name="restore-reset"),
]
