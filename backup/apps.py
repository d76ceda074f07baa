"""The app of backups."""

from __future__ import annotations

import importlib

from django.apps import AppConfig


class BackupConfig(AppConfig):
    """A course becomes an archive."""

    name = "backup"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Import the modules that register something, and tell the schedules how a backup is asked for."""
        importlib.import_module("backup.completeness")
        services = importlib.import_module("backup.services")
        importlib.import_module("vault.schedules").requested_by(services.request_backup)
