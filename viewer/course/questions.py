"""The question bank: its categories as a tree, and the questions of each category."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from courses import registry
from courses.models import Activity
from courses.models.questions import QuestionCategory
from viewer.page_context import PageContext, fact, facts
from viewer.panels import Panel
from viewer.presentation import Presentation
from viewer.question_categories import CATEGORY, category_tree, numbers_of_questions

ACTIVITY = 70
NEAREST = {50: 0, 70: 1, 40: 2, 10: 3}
LEVELS = {10: "Of the site", 40: "Of a category of courses", 50: "Of the course", 70: "Of an activity"}


def present(page: PageContext) -> Iterator[Panel]:
    """Yield the question categories as trees, one per context, with the number of questions in each."""
    held_here = QuestionCategory._base_manager.filter(course=page.course).order_by(
        "contextid", "sortorder", "name", "pk"
    )
    categories = sorted(held_here, key=lambda one: NEAREST.get(one.contextlevel, len(NEAREST)))
    numbers = numbers_of_questions(page)
    banks = Activity.objects.filter(course=page.course, modulename=registry.type_of_banks())
    of_banks = set(banks.values_list("contextid", flat=True))
    by_context: dict[int, list[Any]] = {}
    for one in categories:
        by_context.setdefault(one.contextid, []).append(one)
    for rows in by_context.values():
        bank = rows[0].contextid in of_banks
        level = "Question bank" if bank else LEVELS.get(rows[0].contextlevel, "Elsewhere")
        total = sum(numbers.get(one.pk, 0) for one in rows)
        if bank or total or len(rows) > 1 or rows[0].parent:
            of = (
                page.named("course_module", rows[0].contextinstanceid)
                if rows[0].contextlevel == ACTIVITY
                else ""
            )
            yield Panel(
                level,
                total or None,
                entries=tuple(category_tree(page, rows, numbers)),
                facts=facts(fact("Bank" if bank else "Activity", of)),
                style="outline",
            )


PRESENTATION = Presentation(
    present,
    details={"category": CATEGORY},
    title="Questions",
    order=20,
    holds=lambda: QuestionCategory._base_manager.order_by(),
)
