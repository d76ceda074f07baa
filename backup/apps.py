"""The backup app: a course becomes an archive."""

from __future__ import annotations

import importlib

from django.apps import AppConfig


class BackupConfig(AppConfig):
    """Registers the operations of this app and the ends of jobs that schedules care about."""

    name = "backup"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Import the modules that register themselves with `backup.jobs` and with Django's checks."""
        importlib.import_module("backup.checking")
        importlib.import_module("backup.completeness")
        importlib.import_module("backup.schedules")
        importlib.import_module("backup.services")
