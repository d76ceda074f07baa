"""The restore app: an archive becomes a course."""

from __future__ import annotations

import importlib

from django.apps import AppConfig


class RestoreConfig(AppConfig):
    """Registers the operation of this app."""

    name = "restore"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Import the module that registers itself with `backup.jobs`."""
        importlib.import_module("restore.services")
