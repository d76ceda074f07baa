"""The app `courses`: creates what every site has after each migration, and registers the system checks."""

from __future__ import annotations

import importlib
from typing import Any

from django.apps import AppConfig
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.db.models.signals import post_migrate

FIRST = ("courses", "0001_initial")
"""The migration that makes a site."""


class CoursesConfig(AppConfig):
    """Django's configuration of the app `courses`."""

    name = "courses"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        post_migrate.connect(create_missing_basics, sender=self)
        importlib.import_module("courses.completeness")
        # What the storage must have is asked for by processes that neither back up nor restore, such as `doctor`.
        importlib.import_module("courses.pool")


def create_missing_basics(plan: Any = None, **_: Any) -> None:
    """Handle `post_migrate`: create what is missing in the database, and mark the storages of a new site.

    `flush` sends it without a plan.
    """
    # Django loads this module before any model can be imported.
    from courses import sentinel
    from courses.database_functions import create_functions
    from courses.sequences import raise_sequences
    from courses.services import ensure_site

    create_functions()
    raise_sequences()
    ensure_site()
    made = any((one.app_label, one.name) == FIRST and not backwards for one, backwards in plan or ())
    # The migration that made the site may have been stopped before it came here.
    if made or (plan is not None and _was_migrated() and sentinel.is_new_site()):
        sentinel.mark_new_site()
    else:
        sentinel.make_all()


def _was_migrated() -> bool:
    """Whether the tables were made by migrations; those of a test may not be."""
    return FIRST in MigrationRecorder(connection).applied_migrations()
