"""The Django app `transfer`."""

from __future__ import annotations

import importlib

from django.apps import AppConfig


class TransferConfig(AppConfig):
    """The configuration of the app with the operations that use both engines."""

    name = "transfer"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Import the modules that register something when they are imported."""
        for module in ("copies", "imports", "looks", "person_returns", "removals", "returns"):
            importlib.import_module(f"transfer.{module}")
