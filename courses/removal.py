"""Removals that can be undone: a course, section or activity is stored before it is deleted.

`removal` is the door for pages and commands. The functions `delete_course` and so on delete only, as a part of a larger
transaction. The recycle bin registers how things are stored, as this room knows no archives. Callers check permissions.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Generator
from typing import Any, Protocol

from django.db import connection, transaction

from archive.errors import NotFound, UsageError
from courses.changes import COURSE, delete_activity, delete_section
from courses.locks import locked
from courses.models import Activity, Course, Section, User
from courses.models.questions import QuestionCategory
from courses.services import delete_course
from courses.shared_questions import activities_using

Removable = Course | Section | Activity


def course_around(owner: Removable) -> Course:
    """Return the course that is removed, or that a section or activity is in."""
    return owner if isinstance(owner, Course) else owner.course


class StoredCopy(Protocol):
    """The copy of what is removed, which is no entry of the recycle bin yet."""

    def record(self) -> None:
        """Make the entry; called inside the transaction that deletes."""

    def discard(self) -> None:
        """Remove the copy, as the removal failed; called after the transaction."""


Store = Callable[[Removable, User | None], Generator[Any, None, StoredCopy]]
"""Stores what is to be removed, by a person or (None) by the site; yields progress. An error stops the removal."""

_stores: list[Store] = []

_modules: list[str] = []


def stored_by(store: Store) -> Store:
    """Decorator: register the function that stores what is removed; it replaces an earlier one."""
    _stores[:] = [store]
    return store


def stored_in(module: str) -> None:
    """Name the module that registers such a function; it is imported when something is removed, as it imports both engines."""
    _modules[:] = [module]


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
        for module in _modules:
            importlib.import_module(module)
    if not _stores:
        raise RuntimeError("No installed app stores what is removed.")
    with locked(COURSE, course_around(owner).pk):
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
    categories = QuestionCategory.objects.filter(course=course)
    users = activities_using(categories, set(categories.values_list("contextid", flat=True)))
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
