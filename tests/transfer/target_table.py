"""The table of targets: who may do what in each mode, with and without people.

The web, the commands and the worker are held against it (`tests/transfer/test_target_table.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from courses.models import Course
from selection.option import Mode

Outcome = Literal["refused", "without people", "with people"]
TARGETS: dict[str, Callable[[Course], dict[str, Any]]] = {
    "new": lambda course: {"category": course.category_id},
    "merge": lambda course: {"course": course.pk},
    "replace": lambda course: {"course": course.pk, "replace": True},
    "section": lambda course: {"course": course.pk, "section": course.sections.get(number=1).pk},
    "position": lambda course: {"course": course.pk, "position": 1},
    "section and position": lambda course: {
        "course": course.pk,
        "section": course.sections.get(number=1).pk,
        "position": 1,
    },
    "section without a course": lambda course: {"section": course.sections.get(number=1).pk},
    "replaced section": lambda course: {
        "course": course.pk,
        "replace": True,
        "section": course.sections.get(number=1).pk,
    },
    "category and course": lambda course: {"course": course.pk, "category": course.category_id},
}
MEANINGFUL = {
    "course": ("new", "merge", "replace"),
    "section": ("new", "merge", "section", "position"),
    "activity": ("new", "merge", "section", "position", "section and position"),
}
"""The targets that have an effect, by type of archive."""

PEOPLE = {
    "admin": "is an administrator of the site",
    "manager": "is manager of the category",
    "teacher": "is an editing teacher of the target and of the source",
    "teacher of the target": "is an editing teacher of the target only",
    "teacher of the source": "is an editing teacher of the source only",
    "assistant": "is a teacher who may not edit, of the target and of the source",
    "student": "is a student of the target and of the source",
    "creator": "is course creator and editing teacher in the category",
}
ADMINISTRATION = frozenset({"admin", "manager"})
CREATORS = ADMINISTRATION | {"creator"}
TEACHERS = CREATORS | {"teacher"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: in these modes, for these types and targets, `may` do it, and `may_people` bring people and their work.

    `people` are the answers to "with people?" that can be given. `not_offered` is what comes of the web if who may not bring
    people asks for them: the box is locked, so they stay away, or the whole is refused.
    """

    modes: tuple[Mode, ...]
    archive_type: str
    targets: tuple[str, ...]
    may: frozenset[str]
    may_people: frozenset[str] = ADMINISTRATION
    people: tuple[bool, ...] = (False, True)
    not_offered: Outcome = "without people"


RESTORES: tuple[Mode, ...] = ("general", "automated", "samesite")
"""Modes of an archive that somebody restores. Only the first has archives of other sites and of parts of a course."""

INTO = TEACHERS | {"teacher of the target"}
TABLE = (
    Row(modes=("general",), archive_type="course", targets=("new",), may=CREATORS),
    Row(modes=("general",), archive_type="course", targets=("merge", "replace"), may=INTO),
    Row(modes=("general",), archive_type="section", targets=("new",), may=CREATORS),
    Row(modes=("general",), archive_type="section", targets=("merge", "section", "position"), may=INTO),
    Row(modes=("general",), archive_type="activity", targets=("new",), may=CREATORS),
    Row(modes=("general",), archive_type="activity", targets=MEANINGFUL["activity"][1:], may=INTO),
    # These archives are of the target itself, and only who may restore there sees them.
    Row(modes=("automated", "samesite"), archive_type="course", targets=("new",), may=CREATORS),
    Row(modes=("automated", "samesite"), archive_type="course", targets=("merge", "replace"), may=INTO),
    Row(modes=("copy",), archive_type="course", targets=("new",), may=CREATORS, not_offered="refused"),
    *(
        Row(modes=("import",), archive_type=kind, targets=targets, may=TEACHERS, may_people=frozenset())
        for kind, targets in (
            ("course", ("merge",)),
            ("section", ("merge",)),
            ("activity", ("merge", "section")),
        )
    ),
    # What was removed comes back with all that it had; nobody is asked.
    Row(
        modes=("bin",),
        archive_type="course",
        targets=("new",),
        may=CREATORS,
        may_people=CREATORS,
        people=(True,),
    ),
    *(
        Row(modes=("bin",), archive_type=kind, targets=("merge",), may=INTO, may_people=INTO, people=(True,))
        for kind in ("section", "activity")
    ),
)


NOT_ON_THE_PAGES = frozenset({("activity", "position")})
"""Types and targets that the pages do not offer: there a position is always one in a section that is named."""


class Cell(NamedTuple):
    """One way to ask: who asks, and with or without people; the outcome on the web, and elsewhere."""

    who: str
    people: bool
    on_web: Outcome
    elsewhere: Outcome


class Line(NamedTuple):
    """One mode, type of archive and target, with the cells for everybody."""

    mode: Mode
    archive_type: str
    target: str
    cells: tuple[Cell, ...]

    def __str__(self) -> str:
        return f"{self.mode}: {self.archive_type}, {self.target}"


def lines() -> Iterator[Line]:
    """Yield the table line by line."""
    for row in TABLE:
        for mode in row.modes:
            for target in row.targets:
                yield Line(mode, row.archive_type, target, tuple(_cells(row)))


def _cells(row: Row) -> Iterator[Cell]:
    for who in PEOPLE:
        if who not in row.may:
            yield Cell(who, row.people[0], "refused", "refused")
            continue
        for people in row.people:
            if people and who not in row.may_people:
                yield Cell(who, people, row.not_offered, "refused")
            else:
                outcome: Outcome = "with people" if people else "without people"
                yield Cell(who, people, outcome, outcome)
