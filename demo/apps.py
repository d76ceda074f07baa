"""The Django app of the demonstration."""

from __future__ import annotations

from django.apps import AppConfig


class DemoConfig(AppConfig):
    """The app `demo`: the commands `demo` and `make_course`; it has no models."""

    name = "demo"
    default_auto_field = "django.db.models.BigAutoField"
