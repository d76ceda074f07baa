"""The addresses of the backup wizard."""

from __future__ import annotations

from django.urls import path

from backup import views

urlpatterns = [
    path("backup/<slug:kind>/<int:pk>/now/", views.now, name="backup-now"),
    path("backup/<slug:kind>/<int:pk>/", views.settings, name="backup-settings"),
    path("backup/<slug:kind>/<int:pk>/schema/", views.schema, name="backup-schema"),
    path("backup/<slug:kind>/<int:pk>/confirm/", views.confirm, name="backup-confirm"),
    path("backup/<slug:kind>/<int:pk>/reset/", views.reset, name="backup-reset"),
]
