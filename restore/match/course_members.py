"""Find the records of the course's members that the target has, member by member, before any of them is loaded.

A member comes after those that its records refer to: a calendar event of a group is the same only if the group is.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from graphlib import TopologicalSorter

from archive import layout
from courses import structure
from courses.fields import Ref
from courses.models import Course
from restore.context import RestoreContext
from restore.match.archived_rows import elements_compared
from restore.match.banks import BankComparison
from restore.match.compared_files import ComparedFiles
from restore.match.rows import RecordComparison, areas_of, find_same
from restore.match.values import ComparedColumns, is_matched
from restore.unneeded_banks import QUESTIONS
from restore.walk import Same


def same_in_course(context: RestoreContext) -> Generator[int, None, Mapping[str, Same]]:
    """Return the records that the target has, by the path of their member, and give their ids to the id map.

    Empty for a new course. Yields 0 now and then, so that a job can be cancelled. Raises what loading the members raises.
    """
    if context.target.course is None:
        return {}
    found: dict[str, Same] = {}
    bodies = {path: structure.elements_in(Course, path) for path in _in_order() if comes(context, path)}
    areas = (area for body in bodies.values() for area in areas_of(elements_compared(body)))
    files = ComparedFiles(context, frozenset(areas))
    for path, body in bodies.items():
        found[path] = yield from find_same(
            context,
            path,
            body,
            files=files,
            compare=BankComparison if path == QUESTIONS else RecordComparison,
            wanted=lambda element, old: is_needed(context, element, old),
        )
    return found


def comes(context: RestoreContext, path: str) -> bool:
    """Whether a member of the course is in the archive and restored."""
    chosen = context.selection.comes(layout.find(scope_of(path), path))
    return path in context.archive and chosen and context.needed.member_comes(path)


def scope_of(path: str) -> layout.Scope:
    """Return the scope of a member of the course by its path."""
    return "course" if path.startswith("course/") else "archive"


def is_needed(context: RestoreContext, element: structure.Element, old: int) -> bool | None:
    """True for a top record that the chosen activities need, and for all of a whole course; None for one that is left out."""
    return context.needed.comes(element.item_type, old) or None


def _in_order() -> Iterator[str]:
    """Yield the members of the course, each after those to whose records its own are compared by."""
    holders: dict[str, str] = {}
    needed: dict[str, set[str]] = {}
    for path in structure.members_of(Course):
        elements = [
            inner
            for top in structure.elements_of(structure.elements_in(Course, path))
            for inner in top.walk()
        ]
        inside = frozenset(element.item_type for element in elements)
        holders.update(dict.fromkeys(inside, path))
        needed[path] = {
            field.refers or ""
            for element in elements
            for field in ComparedColumns(element, (), inside).fields
            if isinstance(field, Ref) and field.refers not in inside and is_matched(field.refers or "")
        }
    graph = {path: {holders[one] for one in types if one in holders} for path, types in needed.items()}
    return iter(TopologicalSorter(graph).static_order())
