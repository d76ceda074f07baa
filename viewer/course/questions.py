"""The question bank: its categories as a tree, and the questions of each category."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import Count

from courses.models.questions import Question, QuestionBankEntry, QuestionCategory
from viewer.page_context import PageContext, fact, facts
from viewer.panels import Detail, Entry, Panel, Sheet
from viewer.presentation import Presentation
from viewer.questions import entries
from viewer.words import many

ACTIVITY = 70
NEAREST = {50: 0, 70: 1, 40: 2, 10: 3}
LEVELS = {10: "Of the site", 40: "Of a category of courses", 50: "Of the course", 70: "Of an activity"}


def present(page: PageContext) -> Iterator[Panel]:
    """Yield the question categories as trees, one per context, with the number of questions in each."""
    held_here = QuestionCategory._base_manager.filter(course=page.course).order_by(
        "contextid", "sortorder", "name", "pk"
    )
    categories = sorted(held_here, key=lambda one: NEAREST.get(one.contextlevel, len(NEAREST)))
    held = QuestionBankEntry._base_manager.filter(category__course=page.course).order_by()
    numbers = dict(held.values_list("category").annotate(Count("pk")))
    by_context: dict[int, list[Any]] = {}
    for one in categories:
        by_context.setdefault(one.contextid, []).append(one)
    for rows in by_context.values():
        level = LEVELS.get(rows[0].contextlevel, "Elsewhere")
        total = sum(numbers.get(one.pk, 0) for one in rows)
        if total or len(rows) > 1 or rows[0].parent:
            of = (
                page.named("course_module", rows[0].contextinstanceid)
                if rows[0].contextlevel == ACTIVITY
                else ""
            )
            yield Panel(
                level,
                total or None,
                entries=tuple(_tree(page, rows, numbers)),
                facts=facts(fact("Activity", of)),
                style="outline",
            )


def _tree(page: PageContext, rows: list[Any], numbers: dict[int, int]) -> Iterable[Entry]:
    known = {one.pk for one in rows}
    inside: dict[int, list[Any]] = {}
    for one in rows:
        inside.setdefault(one.parent if one.parent in known else 0, []).append(one)

    def shown(one: Any) -> Entry:
        place = f"{one.contextid}/question/info/{one.pk}"
        number = numbers.get(one.pk, 0)
        return Entry(
            title="All" if one.name == "top" and not one.parent else one.name,
            address=page.address("category", one.pk) if number else "",
            marks=(many(number, "question"),) if number else (),
            texts=(page.text("", one.info, one.infoformat, place),),
            facts=facts(fact("ID number", one.idnumber)),
            below=tuple(shown(child) for child in inside.pop(one.pk, [])),
        )

    return [shown(one) for one in inside.pop(0, [])]


def category(page: PageContext, number: int) -> Sheet:
    """Return the sheet of all questions of one category, with all their versions."""
    row = page.one(QuestionCategory._base_manager.filter(course=page.course), number)
    held = (
        Question._base_manager.filter(version__entry__category=row)
        .select_related("version__entry__category")
        .order_by("version__entry", "-version__version", "parent", "pk")
    )
    return Sheet(row.name, (page.listed("Questions", held, lambda rows: entries(page, rows), size=10),))


PRESENTATION = Presentation(
    present,
    details={"category": Detail(category, userdata=False)},
    title="Questions",
    order=20,
    holds=lambda: QuestionCategory._base_manager.order_by(),
)
