"""The Django app `restore`."""

from __future__ import annotations

import importlib

from django.apps import AppConfig


class RestoreConfig(AppConfig):
    """The configuration of the app that restores archives."""

    name = "restore"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Import the modules that register something when they are imported."""
        importlib.import_module("restore.services")
        importlib.import_module("restore.rehearsal_jobs")
        importlib.import_module("restore.people_jobs")
        importlib.import_module("restore.uploads")
