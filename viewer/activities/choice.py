"""Choice: the options with their number of answers, and the answer of each person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Count

from courses.activities.choice import ChoiceAnswer, ChoiceOption
from viewer.page_context import PageContext, table, when
from viewer.panels import Panel, Table
from viewer.presentation import Presentation

MANY = 100


def present(page: PageContext) -> Iterator[Panel]:
    """Yield the options, then the answers of each person."""
    options = ChoiceOption._base_manager.filter(choice=page.content).order_by("pk")
    yield page.listed("Options", options, lambda rows: _options(page, rows), size=MANY)
    answers = ChoiceAnswer._base_manager.filter(choice=page.content).order_by("optionid", "pk")
    yield page.listed(
        "Who chose what", answers, lambda rows: _answers(page, rows), name="answers", size=50, userdata=True
    )


def _options(page: PageContext, rows: list[Any]) -> Table:
    answers = ChoiceAnswer._base_manager.filter(choice=page.content).order_by()
    chosen = dict(answers.values_list("optionid").annotate(Count("pk")))
    return table(
        "Option | Chosen by | At most",
        (
            (row.text, chosen.get(row.pk, 0), row.maxanswers if page.content.limitanswers else "")
            for row in rows
        ),
        numeric=[1, 2],
    )


def _answers(page: PageContext, rows: list[Any]) -> Table:
    return table(
        "Person | Chose | When",
        (
            (page.person(row.userid), page.named("choice_option", row.optionid), when(row.timemodified))
            for row in rows
        ),
    )


MEANINGS: dict[str, dict[Any, str]] = {
    "choice.display": {1: "one below the other"},
    "choice.publish": {0: "without names", 1: "with names"},
    "choice.showresults": {1: "after answering", 2: "after closing", 3: "always"},
}

PRESENTATION = Presentation(present, covers=(ChoiceOption, ChoiceAnswer), meanings=MEANINGS)
