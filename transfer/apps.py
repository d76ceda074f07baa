"""The Django app `transfer`."""

from __future__ import annotations

import importlib

from django.apps import AppConfig


class TransferConfig(AppConfig):
    """The configuration of the app with the operations that use both engines."""

    name = "transfer"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Name the modules that register operations, and the one that stores what is removed."""
        modules = ("copies", "imports", "looks", "person_returns", "removals", "returns")
        importlib.import_module("jobs.operations").registered_in(
            *(f"transfer.{module}" for module in modules)
        )
        importlib.import_module("courses.removal").stored_in("transfer.removals")
