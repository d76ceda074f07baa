"""The address of the administrator's page of options."""

from __future__ import annotations

from django.urls import path

from selection import views

urlpatterns = [
    path("administration/options/", views.options, name="administration-options"),
]
