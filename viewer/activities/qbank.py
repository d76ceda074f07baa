"""Question bank: its categories as a tree, and the questions of each category."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from courses.models.questions import QuestionCategory
from viewer.page_context import PageContext
from viewer.panels import Panel
from viewer.presentation import Presentation
from viewer.question_categories import CATEGORY, category_tree, numbers_of_questions


def present(page: PageContext) -> Iterator[Panel]:
    """Yield the categories of the bank, each with the number of its questions."""
    held = QuestionCategory._base_manager.filter(course=page.course, contextid=page.contextid)
    rows = list(held.order_by("sortorder", "name", "pk"))
    numbers = numbers_of_questions(page)
    total = sum(numbers.get(one.pk, 0) for one in rows)
    yield Panel(
        "Questions", total or None, entries=tuple(category_tree(page, rows, numbers)), style="outline"
    )


MEANINGS: dict[str, dict[Any, str]] = {
    "qbank.type": {
        "standard": "made by a person",
        "system": "made when questions were moved",
        "preview": "for previews",
    },
}

PRESENTATION = Presentation(
    present,
    details={"category": CATEGORY},
    labels={"type": "Type"},
    meanings=MEANINGS,
)
