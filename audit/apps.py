"""The app `audit`: installs the triggers that refuse changes of the trail after each migration."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AuditConfig(AppConfig):
    """Django's configuration of the app `audit`."""

    name = "audit"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect the handler of migrations."""
        post_migrate.connect(protect_trail, sender=self)


def protect_trail(**_: Any) -> None:
    """Handle `post_migrate`: install the triggers that make the trail append-only."""
    # Django loads this module before any model can be imported.
    from audit.protection import install_triggers

    install_triggers()
