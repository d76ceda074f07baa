"""The Django app of `config`: commands, counters of jobs, and checks of settings, deployment and database."""

from __future__ import annotations

import importlib
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.db.backends.signals import connection_created

from config import timeouts
from config.database import refuse_old_database


class SiteConfig(AppConfig):
    """The site itself: its settings and addresses."""

    name = "config"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register checks and what records jobs and faults; look at each new connection."""
        checks.register(check_identity, deploy=True)
        checks.register(check_variables)
        importlib.import_module("config.tallies")  # which registers a watcher of jobs
        if settings.SENTRY_DSN:
            importlib.import_module("config.error_reports").start(settings.SENTRY_DSN)
        connection_created.connect(refuse_old_database, dispatch_uid="config.refuse_old_database")
        connection_created.connect(timeouts.set_timeouts, dispatch_uid="config.timeouts")


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


def check_variables(**_: Any) -> list[checks.CheckMessage]:
    """Return a warning for each variable that begins with COURSEKEEP_ and that nothing reads, such as a misspelt one."""
    return [
        checks.Warning(
            f"Nothing reads the variable {name}.",
            hint=f"Did you mean {nearest}? Else remove it."
            if nearest
            else "Remove it; docs/settings.md lists all variables.",
            id="config.W002",
        )
        for name, nearest in settings.UNKNOWN_VARIABLES
    ]
