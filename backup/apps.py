"""The Django app `backup`."""

from __future__ import annotations

import importlib
from typing import Any

from django.apps import AppConfig
from django.core import checks


class BackupConfig(AppConfig):
    """The configuration of the app that backs up courses."""

    name = "backup"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the check, and name the module of the operation and the function that schedules ask for backups."""
        checks.register(check_completeness)
        importlib.import_module("jobs.operations").registered_in("backup.services")
        importlib.import_module("vault.schedules").requested_by("backup.scheduled.request_all")


def check_completeness(**facts: Any) -> list[checks.CheckMessage]:
    """Return what a backup would lose of what the models have, as errors of Django's system check."""
    # Only this check needs the compiled elements of the archive; Django loads this module for every command.
    from backup.completeness import check

    return check(**facts)
