"""Turn the database's refusal of rows into an error with the true reason: another change of the site, or the archive itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from django.core.exceptions import ObjectDoesNotExist
from django.db import DataError, IntegrityError
from psycopg2.errors import UniqueViolation

from archive.errors import Busy, CoursekeepError, DamagedArchive, NotFound
from courses.models import Category, Course, Role, Section, User
from restore.targets import Target

UNFIT_ANYWHERE = (IntegrityError, DataError, psycopg2.IntegrityError, psycopg2.DataError)
"""The errors that PostgreSQL raises for rows that do not fit, through Django and through COPY."""

OF_SITE = frozenset({User._meta.db_table, Role._meta.db_table})
"""Tables whose rows belong to the whole site, so that somebody else may add the same ones during a restore."""


@contextmanager
def rows_that_fit(target: Target) -> Iterator[None]:
    """Context manager around the transaction of a restore into `target`.

    If the database refuses rows in it or at its end, raises NotFound if the target is gone, Busy if somebody else has made the
    same people or roles, else DamagedArchive.
    """
    try:
        yield
    except UNFIT_ANYWHERE as error:
        raise (_gone(target) or _taken(error) or _damaged(error)) from error
    except ObjectDoesNotExist as error:
        if gone := _gone(target):
            raise gone from error
        raise


def _gone(target: Target) -> CoursekeepError | None:
    """Return the error for a target that was deleted during the restore; None if it is there."""
    for model, number, what in (
        (Course, target.course.pk if target.course else None, "course"),
        (Category, target.category.pk if target.category else None, "category"),
        (Section, target.section, "section"),
    ):
        if number is not None and not model._base_manager.filter(pk=number).exists():
            return NotFound(
                f"The {what} that the archive goes into was deleted during the restore; nothing was restored.",
                hint="Choose another destination and restore again.",
            )
    return None


def _taken(error: BaseException) -> CoursekeepError | None:
    """Return the error for people or roles that were made meanwhile; None if the error is another one."""
    text = str(error)
    unique = isinstance(error, UniqueViolation) or isinstance(error.__cause__, UniqueViolation)
    if unique and any(f'"{table}_' in text for table in OF_SITE):
        return people_taken()
    return None


def people_taken() -> Busy:
    """Return the error for people or roles that somebody else has made during the restore."""
    return Busy(
        "Somebody else made the same people or roles on this site during the restore; nothing was restored.",
        hint="Restore again: they are matched then.",
    )


def _damaged(error: BaseException) -> CoursekeepError:
    """Return the error about the archive, with the first line of the database's message."""
    reason = str(error).strip().splitlines()[0]
    return DamagedArchive(
        f"The records in it do not fit together, or a value does not fit: {reason}.",
        hint="The archive was changed or damaged after it was made; get it again.",
    )
