"""Read one member for a step: its owner, the elements around its records, and the loader."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archive import layout
from archive.errors import DamagedArchive
from archive.numbers import natural
from courses import structure
from courses.fields import plain_number
from courses.models import Course
from restore.context import RestoreContext
from restore.loader import Top
from restore.walk import NOTHING_SAME, Same, Wanted, everything


def load_member(
    context: RestoreContext,
    path: str,
    elements: tuple[Any, ...],
    *,
    root: tuple[str, ...] | None = None,
    joins: dict[str, str] | None = None,
    fixed: dict[str, str | None] | None = None,
    people: bool | None = None,
    skipped: frozenset[str] | None = None,
    wanted: Wanted = everything,
    same: Same = NOTHING_SAME,
    top: Top | None = None,
) -> Iterator[int]:
    """Load the records of a member into their tables; yield numbers of new records.

    `root` are the names of the elements around the records, by default that of the member's root if there are `joins`, else
    none. `joins` are values that join top records to their owner, by the owner's column; `fixed` are columns with one value;
    `people` says whether userdata is loaded (None: as the whole restore); `wanted`, `same`, `top` and `skipped` are those of
    `Loader.load`. Raises DamagedArchive if the member is missing, and whatever the loader raises.
    """
    if path not in context.archive:
        raise DamagedArchive("The member is missing.", where=path, hint="Get the archive again.")

    def owner(element: structure.Element) -> str:
        return (joins or {}).get(element.parent_column, "")

    loader = context.loaders.choose(userdata=people)
    loader.course = course_of(context).pk
    with context.archive.open(path) as stream:
        course = {"course_id": str(course_of(context).pk)}
        yield from loader.load(
            stream,
            member=path,
            elements=elements,
            root=root if root is not None or joins else (),
            owner=owner,
            fixed={**course, **(fixed or {})},
            wanted=wanted,
            skipped=skipped,
            same=same,
            top=top,
        )


def top_of(scope: layout.Scope, member: str, record: int | None, *, people: bool) -> Top | None:
    """Return the owner of opaque elements beside a member's records; None without `record` or for userdata without `people`."""
    if record is None or (not people and layout.find(scope, member).userdata):
        return None
    return Top(layout.top(scope, member), record)


def integer_in(attributes: dict[str, str], name: str, path: str) -> int:
    """Return an attribute of the root element of `path` as an id. Raises DamagedArchive if it is no number."""
    text = plain_number(attributes.get(name, ""))
    number = natural(text)
    if number is None:
        raise DamagedArchive(f"The activity's {name} should be a number, and is {text[:40]!r}.", where=path)
    return number


def course_of(context: RestoreContext) -> Course:
    """Return the course that a restore writes to. Only after `load_course`."""
    assert context.course is not None
    return context.course
