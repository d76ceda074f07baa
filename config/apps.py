"""The Django app of `config`: the command `migrate`, the counters of sign-ins, and a check of the deployment."""

from __future__ import annotations

import importlib
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core import checks


class SiteConfig(AppConfig):
    """The site itself: its settings, addresses and sign-in."""

    name = "config"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the check for `manage.py check --deploy`, and record attempts to sign in."""
        checks.register(check_identity, deploy=True)
        importlib.import_module("config.sign_in_trail")


def check_identity(**_: Any) -> list[checks.CheckMessage]:
    """Return a warning if machines may share the database but not the site's identity, so that sessions fail."""
    if not settings.DATABASE_URL or settings.SITE_IDENTITY_IS_SHARED:
        return []
    return [
        checks.Warning(
            f"This machine keeps the site's keys in {settings.COURSEKEEP_HOME / 'site.json'}.",
            hint="With more than one machine, set COURSEKEEP_SITE_IDENTIFIER, COURSEKEEP_SITE_KEY and "
            "COURSEKEEP_SECRET_KEY to its three values on all of them.",
            id="config.W001",
        )
    ]
