"""A choice: the options with how many chose them, and who chose what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Count

from courses.activities.choice import ChoiceAnswer, ChoiceOption
from viewer.page_context import Desk, table, when
from viewer.panels import Panel, Table
from viewer.presentation import Form

MANY = 100


def present(desk: Desk) -> Iterator[Panel]:
    """The options, then the answers person by person."""
    options = ChoiceOption._base_manager.filter(choice=desk.content).order_by("pk")
    yield desk.listed("Options", options, lambda rows: _options(desk, rows), size=MANY)
    answers = ChoiceAnswer._base_manager.filter(choice=desk.content).order_by("optionid", "pk")
    yield desk.listed(
        "Who chose what", answers, lambda rows: _answers(desk, rows), name="answers", size=50, work=True
    )


def _options(desk: Desk, rows: list[Any]) -> Table:
    answers = ChoiceAnswer._base_manager.filter(choice=desk.content).order_by()
    chosen = dict(answers.values_list("optionid").annotate(Count("pk")))
    return table(
        "Option | Chosen by | At most",
        (
            (row.text, chosen.get(row.pk, 0), row.maxanswers if desk.content.limitanswers else "")
            for row in rows
        ),
        numeric=[1, 2],
    )


def _answers(desk: Desk, rows: list[Any]) -> Table:
    return table(
        "Person | Chose | When",
        (
            (desk.person(row.userid), desk.named("choice_option", row.optionid), when(row.timemodified))
            for row in rows
        ),
    )


FORM = Form(present, covers=(ChoiceOption, ChoiceAnswer))
