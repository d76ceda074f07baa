"""The wiring as an application: the commands `demo` and `embedded`, and a check of the deployment."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core import checks


class Wiring(AppConfig):
    """`config`; it has no models."""

    name = "config"

    def ready(self) -> None:
        """Register the check for `manage.py check --deploy`."""
        checks.register(check_identity, deploy=True)


def check_identity(**_: Any) -> list[checks.CheckMessage]:
    """Machines that share a database must share who the site is, or sign-ins on one fail on the other."""
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
