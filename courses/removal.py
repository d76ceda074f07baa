"""Removals that can be undone: a course, section or activity is stored before it is deleted.

`removal` is the door for pages and commands. The functions `delete_course` and so on delete only, as a part of a larger
transaction. The recycle bin registers how things are stored, as this room knows no archives. Callers check permissions.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from django.db import connection, transaction

from archive.errors import NotFound, UsageError
from courses.changes import delete_activity, delete_section
from courses.models import Activity, Course, Section, User
from courses.services import delete_course

Removable = Course | Section | Activity


class StoredCopy(Protocol):
    """The copy of what is removed, which is no entry of the recycle bin yet."""

    def record(self) -> None:
        """Make the entry; called inside the transaction that deletes."""

    def discard(self) -> None:
        """Remove the copy, as the removal failed; called after the transaction."""


Store = Callable[[Removable, User | None], Generator[Any, None, StoredCopy]]
"""Stores what is to be removed, by a person or (None) by the site; yields progress. An error stops the removal."""

_stores: list[Store] = []


def stored_by(store: Store) -> Store:
    """Decorator: register the function that stores what is removed; it replaces an earlier one."""
    _stores[:] = [store]
    return store


def removal(
    owner: Removable, *, by: User | None = None, finish: Callable[[], None] | None = None
) -> Generator[Any, None, None]:
    """Store a course, section or activity, then delete it in one transaction; yield the progress of storing.

    Restores and other changes of the course wait meanwhile. `finish` is called at the end of the transaction. If storing fails,
    nothing is deleted. Raises NotFound if it was removed meanwhile, UsageError as `delete_activity` does and for a course whose
    questions others use, RuntimeError inside a transaction, and what the storing raises.
    """
    if connection.in_atomic_block:
        raise RuntimeError("What is removed is stored first, outside of any transaction.")
    if not _stores:
        raise RuntimeError("No installed app stores what is removed.")
    course = owner if isinstance(owner, Course) else owner.course
    with _course_locked(course.pk):
        if not type(owner)._default_manager.filter(pk=owner.pk).exists():
            raise NotFound("It was removed meanwhile.", hint="Look into the recycle bin.")
        if isinstance(owner, Course):
            _refuse_shared_questions(owner)
        stored = yield from _stores[0](owner, by)
        try:
            with transaction.atomic():
                _delete(owner)
                stored.record()
                if finish is not None:
                    finish()
        except BaseException:
            stored.discard()
            raise


def _refuse_shared_questions(course: Course) -> None:
    """Raise UsageError if an activity of another course uses questions that are removed with a course."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT r.usingcontextid FROM courses_questionreference r"
            " JOIN courses_questionbankentry e ON e.id = r.questionbankentryid"
            " JOIN courses_questioncategory c ON c.id = e.category_id WHERE c.course_id = %(course)s"
            " UNION SELECT r.usingcontextid FROM courses_questionsetreference r"
            " JOIN courses_questioncategory c ON c.contextid = r.questionscontextid WHERE c.course_id = %(course)s",
            {"course": course.pk},
        )
        users = Activity.objects.filter(contextid__in=[context for (context,) in cursor.fetchall()])
    others = users.exclude(course=course).select_related("course")[:3]
    if others:
        names = ", ".join(f"“{one.title}” of “{one.course.fullname}”" for one in others)
        raise UsageError(
            f"{names} uses questions of “{course.fullname}”, which would be removed.",
            hint="Remove these questions there first.",
        )


def remove(owner: Removable, *, by: User | None = None) -> None:
    """Store a course, section or activity, then delete it. Raises as `removal` does."""
    for _ in removal(owner, by=by):
        pass


def _delete(owner: Removable) -> None:
    if isinstance(owner, Course):
        delete_course(owner)
    elif isinstance(owner, Section):
        delete_section(owner)
    else:
        delete_activity(owner)


@contextmanager
def _course_locked(course: int) -> Iterator[None]:
    """Let restores and changes of a course's structure wait, over several transactions of this connection.

    It is the lock of `lock_course`, taken for the session.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended('course', %s))", [course])
    try:
        yield
    finally:
        if not connection.in_atomic_block and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended('course', %s))", [course])
