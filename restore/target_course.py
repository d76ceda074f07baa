"""The course that a restore goes into: wait for it, empty it, and keep the access of the person to it."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import OperationalError, connection, transaction
from psycopg2.errors import LockNotAvailable

from archive.findings import Finding
from courses.changes import lock_course
from courses.models import Course
from jobs.events import Line
from jobs.plan import StepEvent
from restore.access import access_of, give_back
from restore.context import RestoreContext
from restore.emptying import empty_course
from restore.members import course_of
from restore.replaced_activities import CourseActivities

PATIENCE = "500ms"
"""How long a statement waits for the lock of a course; less than PostgreSQL's `deadlock_timeout`."""


def lock_target(context: RestoreContext) -> Iterator[StepEvent]:
    """Wait until no other restore or change of the target course is under way, and keep others from it until this one ends."""
    course = context.target.course
    if course is None:
        return
    if context.rehearsed:
        # Its statements do not wait for long.
        lock_course(course.pk)
    elif not _locked(course):
        yield Line("Somebody else is changing the course; this restore goes on when that has ended.")
        while not _locked(course):
            yield 0
    course.refresh_from_db()


def _locked(course: Course) -> bool:
    """Wait a moment for the lock of a course; whether it is locked now. Between two attempts a job can be cancelled."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('lock_timeout')")
            usual = cursor.fetchone()[0]
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [PATIENCE])
            lock_course(course.pk)
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [usual])
    except OperationalError as error:
        if not isinstance(error.__cause__, LockNotAvailable):
            raise
        return False
    return True


def empty_target(context: RestoreContext) -> None:
    """Remove and count the content of the course that the archive replaces; note the access of the person to it.

    Raises UsageError if another course uses questions of it.
    """
    course = context.target.course
    assert course is not None
    settings = context.selection.settings
    context.access = access_of(context.by, course)
    context.replaced = CourseActivities.of(course)
    with context.row_counts.removing():
        empty_course(
            course,
            keep_enrolments=settings.on("keep_roles_and_enrolments"),
            keep_groups=settings.on("keep_groups_and_groupings"),
        )


def keep_access(context: RestoreContext) -> Iterator[Finding]:
    """Give the person who replaces a course's content the roles in it again; yield a finding if they would be gone."""
    course = course_of(context)
    if give_back(context.by, course, context.access):
        yield Finding(
            "info",
            "access-kept",
            f"You keep your role in “{course.fullname}”; the archive does not give you one.",
        )
