"""The Django app `backup`."""

from __future__ import annotations

import importlib
from functools import partial

from django.apps import AppConfig


class BackupConfig(AppConfig):
    """The configuration of the app that backs up courses."""

    name = "backup"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Import the modules that register something, and register `request_backup` with the schedules."""
        importlib.import_module("backup.completeness")
        services = importlib.import_module("backup.services")
        importlib.import_module("vault.schedules").requested_by(
            partial(services.request_backup, mode="automated")
        )
