"""How a step reads a member: whose its records are, what stands around them, and whether it comes at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archive import layout, xml
from archive.errors import DamagedArchive
from courses import structure
from courses.models import Course
from restore.context import RestoreContext
from restore.loader import Top, Wanted, everything


def load_member(
    context: RestoreContext,
    path: str,
    elements: tuple[Any, ...],
    *,
    root: tuple[str, ...] | None = None,
    joins: dict[str, str] | None = None,
    fixed: dict[str, str | None] | None = None,
    people: bool | None = None,
    wanted: Wanted = everything,
    top: Top | None = None,
) -> Iterator[int]:
    """Reads the records of a member into their tables; the numbers of records, every so often.

    `joins` are the values of the columns that join the top records to their owner, by the owner's column; `fixed` are columns
    with one value. Raises DamagedArchive when the member is missing, and as the loader does.
    """
    if path not in context.archive:
        raise DamagedArchive("The member is missing.", where=path, hint="Get the archive again.")

    def owner(element: structure.Element) -> str:
        return (joins or {}).get(element.parent_column, "")

    around = root if root is not None else (root_of(context, path),) if joins else ()
    loader = context.loaders.choose(userdata=people)
    loader.course = course_of(context).pk
    with context.archive.open(path) as stream:
        course = {"course_id": str(course_of(context).pk)}
        yield from loader.load(
            stream,
            member=path,
            elements=elements,
            root=around,
            owner=owner,
            fixed={**course, **(fixed or {})},
            wanted=wanted,
            top=top,
        )


def top_of(scope: layout.Scope, member: str, record: int | None, *, people: bool) -> Top | None:
    """The owner of what stands in a member beside its records; none for a member of people's data that stay away."""
    if record is None or (not people and layout.find(scope, member).userdata):
        return None
    return Top(layout.top(scope, member), record)


def root_of(context: RestoreContext, path: str) -> str:
    """The name of a member's root element."""
    with context.archive.open(path) as stream:
        _, element = next(xml.events(stream, member=path, events=("start",)))
        return str(element.tag)


def integer_in(attributes: dict[str, str], name: str, path: str) -> int:
    """An attribute that has to be an id. Raises DamagedArchive."""
    text = attributes.get(name, "")
    if not xml.is_id(text):
        raise DamagedArchive(f"The activity's {name} should be a number, and is {text[:40]!r}.", where=path)
    return int(text)


def course_of(context: RestoreContext) -> Course:
    """The course that a restore writes to, which is there by now."""
    assert context.course is not None
    return context.course
