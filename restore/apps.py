"""The app of restores."""

from __future__ import annotations

import importlib

from django.apps import AppConfig


class RestoreConfig(AppConfig):
    """An archive becomes a course."""

    name = "restore"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Import the modules that register something when they are imported."""
        importlib.import_module("restore.services")
