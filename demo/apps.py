"""The app of the demonstration."""

from __future__ import annotations

from django.apps import AppConfig


class DemoConfig(AppConfig):
    """Sample courses, the demonstration and the benchmark."""

    name = "demo"
    default_auto_field = "django.db.models.BigAutoField"
