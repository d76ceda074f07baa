"""The Django app `backup`."""

from __future__ import annotations

import importlib

from django.apps import AppConfig


class BackupConfig(AppConfig):
    """The configuration of the app that backs up courses."""

    name = "backup"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Import the modules that register something, and register `request_all` with the schedules."""
        importlib.import_module("backup.completeness")
        importlib.import_module("backup.services")
        scheduled = importlib.import_module("backup.scheduled")
        importlib.import_module("vault.schedules").requested_by(scheduled.request_all)
