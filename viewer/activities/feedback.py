"""Feedback: its questions, and the answers of each person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from archive.numbers import whole_or
from courses.activities.feedback import FeedbackCompleted, FeedbackItem, FeedbackValue
from viewer.page_context import PageContext, fact, facts, marks
from viewer.panels import Entry, Panel
from viewer.presentation import Presentation

QUESTION_TYPES = {
    "captcha": "Captcha",
    "info": "Information",
    "label": "Text",
    "multichoice": "Multiple choice",
    "multichoicerated": "Multiple choice, rated",
    "numeric": "Number",
    "pagebreak": "Page break",
    "textarea": "Longer text",
    "textfield": "Short text",
}
ANONYMOUS = 1


def present(page: PageContext) -> Iterator[Panel]:
    """Yield the questions in their order, then the responses."""
    items = FeedbackItem._base_manager.filter(feedback=page.content).order_by("position", "pk")
    yield page.listed("Questions", items, lambda rows: _items(page, rows), size=100)
    completed = FeedbackCompleted._base_manager.filter(feedback=page.content).order_by("pk")
    yield page.listed("Responses", completed, lambda rows: _responses(page, rows), userdata=True)


def _items(page: PageContext, rows: list[Any]) -> Iterable[Entry]:
    names = {row.pk: row.name or row.label for row in rows}
    for row in rows:
        own = row.typ == "label"
        depends = (
            f"“{names.get(row.dependitem, row.dependitem)}” is “{row.dependvalue}”" if row.dependitem else ""
        )
        yield Entry(
            title="" if own else row.name or QUESTION_TYPES.get(row.typ, row.typ),
            marks=(QUESTION_TYPES.get(row.typ, row.typ), *marks(Required=row.required)),
            texts=(page.rich("", row, "presentation", area="mod_feedback/item"),) if own else (),
            facts=facts(
                fact("Label", row.label),
                fact("Answers", " · ".join(choices(row)) or ("" if own else _bounds(row))),
                fact("Only when", depends),
            ),
        )


def _bounds(row: Any) -> str:
    """Return the bounds of a number question, or the length of a text question, from its `presentation`."""
    parts = row.presentation.split("|")
    if row.typ == "numeric":
        return " to ".join(parts)
    return f"up to {parts[1]} characters" if row.typ == "textfield" and len(parts) > 1 else ""


def choices(row: Any) -> list[str]:
    """Return the choices of a multiple-choice question, from its `presentation`.

    `presentation` is `r>>>>>first|second<<<<<1`; in a rated question each choice begins with its value, as in `1####first`.
    """
    if row.typ not in ("multichoice", "multichoicerated"):
        return []
    chosen = row.presentation.partition(">>>>>")[2].partition("<<<<<")[0]
    return [part.strip().replace("####", " = ", 1) for part in chosen.split("|")]


def _responses(page: PageContext, rows: list[Any]) -> Iterable[Entry]:
    items = FeedbackItem._base_manager.filter(feedback=page.content).in_bulk()
    values = page.below(FeedbackValue, "of", rows, order=("item", "pk"))
    for row in rows:
        hidden = row.anonymous_response == ANONYMOUS
        yield Entry(
            title=f"Response {row.random_response or row.pk}, without a name"
            if hidden
            else page.person(row.userid),
            when=row.timemodified,
            facts=tuple(
                fact(
                    (items[one.item].name or items[one.item].label)
                    if one.item in items
                    else "Question that is gone",
                    _answer(one.value, items.get(one.item)),
                )
                for one in sorted(values.get(row.pk, ()), key=lambda one: _position(items.get(one.item)))
            ),
        )


def _position(item: Any) -> int:
    return item.position if item else 0


def _answer(value: str, item: Any) -> str:
    """Return an answer as text: chosen options are stored as their numbers, from 1, with bars between."""
    found = choices(item) if item else []
    if not found:
        return value
    words = [
        found[number - 1] if (number := whole_or(part, least=1, most=len(found))) else part
        for part in value.split("|")
    ]
    return ", ".join(words)


MEANINGS: dict[str, dict[Any, str]] = {
    "feedback.anonymous": {1: "without names", 2: "with names"},
}

PRESENTATION = Presentation(
    present, covers=(FeedbackItem, FeedbackCompleted, FeedbackValue), meanings=MEANINGS
)
