"""The app of stored archives."""

from __future__ import annotations

import importlib
from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class VaultConfig(AppConfig):
    """Stored archives, their schedules, retention and checks."""

    name = "vault"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Name the module of an operation, import those that register themselves, connect the handler of migrations."""
        importlib.import_module("jobs.operations").registered_in("vault.checks")
        importlib.import_module("vault.schedules")
        importlib.import_module("vault.storage")  # says which files its storage must have
        post_migrate.connect(install_indexes, sender=self)


def install_indexes(**_: Any) -> None:
    """Handle `post_migrate`: create the indexes of the search."""
    # Django loads this module before any model can be imported.
    from vault.text_indexes import install

    install()
