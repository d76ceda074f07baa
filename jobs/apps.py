"""The Django app `jobs`."""

from __future__ import annotations

import importlib

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """The configuration of the app with the queue of jobs."""

    name = "jobs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Import the module that records the ends of jobs in the audit trail."""
        importlib.import_module("jobs.trail")
