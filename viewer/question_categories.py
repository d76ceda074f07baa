"""Question categories as trees, and the questions of one category: on the course's page of questions and on that of a bank."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Count

from courses.models.questions import Question, QuestionBankEntry, QuestionCategory
from viewer.page_context import PageContext, fact, facts
from viewer.panels import Detail, Entry, Sheet
from viewer.questions import entries
from viewer.words import many


def numbers_of_questions(page: PageContext) -> dict[int, int]:
    """Return the number of questions in each category of the course, by its id; categories without one are left out."""
    held = QuestionBankEntry._base_manager.filter(category__course=page.course).order_by()
    return dict(held.values_list("category").annotate(Count("pk")))


def category_tree(page: PageContext, rows: list[Any], numbers: dict[int, int]) -> Iterable[Entry]:
    """Return the categories of one context as entries, each with those below it; `numbers` are those of questions."""
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


def category_sheet(page: PageContext, number: int) -> Sheet:
    """Return the sheet of all questions of one category, with all their versions."""
    row = page.one(QuestionCategory._base_manager.filter(course=page.course), number)
    held = (
        Question._base_manager.filter(version__entry__category=row)
        .select_related("version__entry__category")
        .order_by("version__entry", "-version__version", "parent", "pk")
    )
    return Sheet(row.name, (page.listed("Questions", held, lambda rows: entries(page, rows), size=10),))


CATEGORY = Detail(category_sheet, userdata=False)
"""The detail of a page that shows categories: one category with its questions."""
