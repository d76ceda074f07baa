"""The app `sign_in`."""

from __future__ import annotations

import importlib

from django.apps import AppConfig


class SignInConfig(AppConfig):
    """The configuration of the app with passwords, identity providers and second factors."""

    name = "sign_in"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Import the module that records sign-ins when it is imported."""
        importlib.import_module("sign_in.trail")
