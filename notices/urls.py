"""Addresses of notices: a person's choices, and the administrator's page of web hooks and deliveries."""

from __future__ import annotations

from django.urls import path

from notices import views

urlpatterns = [
    path("notices/", views.choices, name="notice-choices"),
    path("administration/notices/", views.overview, name="notices"),
    path("administration/notices/test/", views.send_test, name="notice-test"),
    path("administration/notices/hooks/<int:pk>/", views.change_hook, name="hook"),
]
