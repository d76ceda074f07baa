"""The Django app `restore`."""

from __future__ import annotations

import importlib

from django.apps import AppConfig


class RestoreConfig(AppConfig):
    """The configuration of the app that restores archives."""

    name = "restore"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Name the modules that register operations."""
        importlib.import_module("jobs.operations").registered_in(
            "restore.services", "restore.rehearsal_jobs", "restore.people_jobs", "restore.uploads"
        )
