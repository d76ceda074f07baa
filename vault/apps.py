"""The app of stored archives."""

from __future__ import annotations

import importlib

from django.apps import AppConfig


class VaultConfig(AppConfig):
    """Stored archives, their schedules, retention and checks."""

    name = "vault"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Import the modules that register something when they are imported."""
        importlib.import_module("vault.checks")
        importlib.import_module("vault.schedules")
