"""The addresses of the backup wizard."""

from __future__ import annotations

from django.urls import path

from backup import views

urlpatterns = [
    path("backup/again/<int:pk>/", views.again, name="backup-again"),
    path("backup/<slug:archive_type>/<int:pk>/now/", views.now, name="backup-now"),
    path("backup/<slug:archive_type>/<int:pk>/", views.settings, name="backup-settings"),
    path("backup/<slug:archive_type>/<int:pk>/schema/", views.schema, name="backup-schema"),
    path("backup/<slug:archive_type>/<int:pk>/confirm/", views.confirm, name="backup-confirm"),
    path("backup/<slug:archive_type>/<int:pk>/reset/", views.reset, name="backup-reset"),
]
