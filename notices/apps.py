"""The Django app `notices`."""

from __future__ import annotations

import importlib

from django.apps import AppConfig


class NoticesConfig(AppConfig):
    """The configuration of the app with notices by e-mail and web hook."""

    name = "notices"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Import the modules that register something when they are imported."""
        importlib.import_module("notices.failures")
        importlib.import_module("notices.outbox")
