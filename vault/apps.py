"""The app of stored archives."""

from __future__ import annotations

import importlib

from django.apps import AppConfig


class VaultConfig(AppConfig):
    """Stored archives, their schedules, retention and checks."""

    name = "vault"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Name the module of an operation; import the one that watches the ends of jobs."""
        importlib.import_module("jobs.operations").registered_in("vault.checks")
        importlib.import_module("vault.schedules")
