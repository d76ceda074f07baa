"""The gradebook of a course archive that goes into a course: one tree of categories, with one course item.

As in Moodle (`restore_gradebook_structure_step`), the archive's course category and course item are those of the target. So are
categories of the same name below the same category, and items that a teacher added by hand with the same name and ID number.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import NamedTuple

from archive import xml
from archive.numbers import natural
from courses.fields import NULL, plain_number
from courses.models import Course
from courses.models.grades import GRADEBOOK, GradeCategory, GradeItem
from courses.structure import Model, item_type_of
from restore.arrivals import arriving
from restore.context import RestoreContext
from restore.match.candidates import outer_first

NATURAL = 13
"""The aggregation of grades as Moodle's natural weights."""

TAKEN: dict[Model, tuple[str, ...]] = {
    GradeCategory: (
        "aggregation",
        "keephigh",
        "droplow",
        "aggregateonlygraded",
        "aggregateoutcomes",
        "hidden",
    ),
    GradeItem: (
        "grademax",
        "grademin",
        "gradepass",
        "display",
        "decimals",
        "hidden",
        "multfactor",
        "plusfactor",
    ),
}
"""Columns of categories and items of the course that the archive's replace with the option `overwrite_conf`."""


class _Category(NamedTuple):
    parent: int
    name: str


class _Item(NamedTuple):
    """Key by which an item of no activity is found: its kind, its category (or the one it is the total of), name, ID number."""

    kind: str
    category: int
    name: str
    idnumber: str


def arriving_gradebook(context: RestoreContext) -> AbstractContextManager[None]:
    """Give the id map the categories and items that the target has; return the context manager to load the gradebook in."""
    course = context.target.course
    if course is not None and GRADEBOOK in context.archive:
        categories = _match_categories(context, course)
        context.ids.give(item_type_of(GradeCategory), dict(categories))
        context.ids.give(item_type_of(GradeItem), dict(_match_items(context, course, categories)))
    taken = TAKEN if context.selection.overwrites_settings else {}
    return arriving(context, GradeCategory, GradeItem, taken=lambda model, _: taken.get(model, ()))


def _match_categories(context: RestoreContext, course: Course) -> dict[int, int]:
    """Return the categories of the target by the old ids of the archive's that are the same."""
    there = {
        _Category(parent or 0, "" if parent is None else name): pk
        for pk, parent, name in GradeCategory.objects.filter(course=course)
        .order_by("-pk")
        .values_list("pk", "parent", "fullname")
    }
    archived = dict(_categories(context))

    def above(old: int) -> int | None:
        return archived[old].parent if archived[old].parent in archived else None

    found: dict[int, int] = {}
    taken: set[int] = set()
    # The category above is matched first; in a circle of them there is none, and so no match.
    for old in outer_first(archived, above):
        parent, name = archived[old]
        outer = found.get(parent) if parent else 0
        new = None if outer is None else there.get(_Category(outer, name if parent else ""))
        if new is not None and new not in taken:
            taken.add(new)
            found[old] = new
    return found


def _categories(context: RestoreContext) -> Iterator[tuple[int, _Category]]:
    """Yield the old ids of the archive's categories, each with its parent's (0 for none) and its name."""
    with context.archive.open(GRADEBOOK) as stream:
        for record in xml.records(stream, member=GRADEBOOK, tags=("grade_category",)):
            old = natural(plain_number(record.get("id", "")))
            if old is not None:
                parent = natural(plain_number(record.findtext("parent") or "")) or 0
                yield old, _Category(parent, record.findtext("fullname") or "")


def _match_items(
    context: RestoreContext, course: Course, categories: dict[int, int]
) -> Iterator[tuple[int, int]]:
    """Yield the old ids of the archive's items that the target has, each with the id of that item."""
    rows = GradeItem.objects.filter(course=course, activity=None).order_by("-pk")
    there = {}
    for pk, kind, category, instance, name, idnumber in rows.values_list(
        "pk", "itemtype", "categoryid", "iteminstance", "itemname", "idnumber"
    ):
        of = instance if kind in ("course", "category") else category
        there[_Item(kind, of or 0, name or "", idnumber or "")] = pk
    with context.archive.open(GRADEBOOK) as stream:
        # The grades are named so that each is forgotten when it was read.
        for record in xml.records(stream, member=GRADEBOOK, tags=("grade_item", "grade_grade")):
            if record.tag != "grade_item":
                continue
            old = natural(plain_number(record.get("id", "")))
            texts = {str(child.tag): child.text for child in record if child.text != NULL}
            kind = texts.get("itemtype") or ""
            above = texts.get("iteminstance" if kind in ("course", "category") else "categoryid") or ""
            category = categories.get(natural(plain_number(above)) or 0)
            item = _Item(kind, category or 0, texts.get("itemname") or "", texts.get("idnumber") or "")
            if old is not None and category is not None and item in there:
                yield old, there.pop(item)


def hang_items(context: RestoreContext, course: Course) -> None:
    """Put the grade items of restored activities whose category did not come into the course's own category, as in Moodle.

    A course that exists and has no category gets one. All rows must have been sent.
    """
    if context.target.course is None:
        return
    restored = [context.ids.known("course_module", one.moduleid) for one in context.activities]
    own = GradeCategory.objects.filter(course=course)
    loose = GradeItem.objects.filter(
        course=course, activity__in=[pk for pk in restored if pk], itemtype="mod"
    )
    loose = loose.exclude(categoryid__in=own.values("pk"), categoryid__isnull=False)
    if not loose.exists():
        return
    top = own.filter(parent=None).order_by("pk").first() or _make_tree(course)
    loose.update(categoryid=top.pk)


def _make_tree(course: Course) -> GradeCategory:
    """Create the category of the course and the item of its total, with Moodle's defaults."""
    now = int(time.time())
    top = GradeCategory.objects.create(
        course=course,
        depth=1,
        fullname="?",
        aggregation=NATURAL,
        aggregateonlygraded=1,
        timecreated=now,
        timemodified=now,
    )
    GradeCategory.objects.filter(pk=top.pk).update(path=f"/{top.pk}/")
    GradeItem.objects.create(
        course=course, itemtype="course", iteminstance=top.pk, sortorder=1, timecreated=now, timemodified=now
    )
    return top
