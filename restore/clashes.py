"""ID numbers that must tell records apart, and that another record of the course has already after a restore.

Names that two records have are told where records are matched (`restore/match/matches.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, cast

from django.db.models import Count

from archive.findings import Finding
from courses.models import Activity, Course, Group, Grouping
from courses.models.grades import GradeItem
from courses.structure import Model, item_type_of
from restore.context import RestoreContext

NAMED = 20
"""So many values of one column are named; the others are counted."""


class Unique(NamedTuple):
    """A column that tells the records of a model apart inside a course, and the noun for it."""

    model: Model
    column: str
    noun: str


OF_COURSE = (
    Unique(Group, "idnumber", "ID number of a group"),
    Unique(Grouping, "idnumber", "ID number of a grouping"),
    Unique(Activity, "idnumber", "ID number of an activity"),
    Unique(GradeItem, "idnumber", "ID number of a grade item"),
)


def clashes(context: RestoreContext, course: Course) -> Iterator[Finding]:
    """Yield a finding for each ID number that a restored record and one that the target course had before have in common."""
    if context.target.course is None:
        return
    for unique in OF_COURSE:
        values = list(_shared_values(context, course, unique))
        for value in values[:NAMED]:
            yield _finding(
                f"“{value}” is the {unique.noun} in this course already, and of a restored one too."
            )
        if len(values) > NAMED:
            yield _finding(f"{len(values) - NAMED} more values are the {unique.noun} in this course already.")


def _shared_values(context: RestoreContext, course: Course, unique: Unique) -> Iterator[str]:
    """Yield the values of a column that a restored record and an earlier one have, in alphabetical order."""
    rows = cast(Any, unique.model._base_manager).filter(course=course).exclude(**{unique.column: ""})
    rows = rows.exclude(**{unique.column: None})
    twice = rows.values(unique.column).annotate(number=Count("pk")).filter(number__gt=1)
    names = list(twice.order_by(unique.column).values_list(unique.column, flat=True))
    found: dict[str, set[bool]] = {}
    there = list(rows.filter(**{f"{unique.column}__in": names}).values_list(unique.column, "pk"))
    arrived = context.ids.olds_of(item_type_of(unique.model), (pk for _, pk in there))
    for value, pk in there:
        found.setdefault(value, set()).add(pk in arrived)
    yield from (value for value in names if len(found[value]) == 2)


def _finding(message: str) -> Finding:
    return Finding("info", "same-idnumber", message, hint="Change one of them in the course.")
