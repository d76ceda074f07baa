"""Survey: the answers of each person, and the teachers' notes on them. The questions are Moodle's own, by number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from courses.activities.survey import SurveyAnalysis, SurveyAnswer
from viewer.page_context import PageContext, fact
from viewer.panels import Entry, Panel
from viewer.presentation import Presentation

TEMPLATES = {
    1: "COLLES (actual)",
    2: "COLLES (preferred)",
    3: "COLLES (preferred and actual)",
    4: "ATTLS",
    5: "Critical incidents",
}


def present(page: PageContext) -> Iterator[Panel]:
    """Yield the survey's template, and the answers of each person."""
    survey = page.content
    yield Panel(
        "Questions",
        facts=(
            fact("Survey", TEMPLATES.get(survey.template, f"Template {survey.template}")),
            fact("Numbers", survey.questions.replace(",", ", ")),
        ),
        note="The questions themselves belong to Moodle, not to the course; the archive names them by number.",
    )
    people = (
        SurveyAnswer._base_manager.filter(survey=survey)
        .order_by("userid")
        .values_list("userid", flat=True)
        .distinct()
    )
    yield page.listed("Answers", people, lambda users: _answers(page, users), userdata=True)
    notes = SurveyAnalysis._base_manager.filter(survey=survey).order_by("pk")
    yield page.listed(
        "Notes of teachers", notes, lambda rows: _notes(page, rows), name="notes", userdata=True
    )


def _answers(page: PageContext, users: list[Any]) -> Iterable[Entry]:
    found: dict[int, list[Any]] = {}
    for row in SurveyAnswer._base_manager.filter(survey=page.content, userid__in=users).order_by(
        "question", "pk"
    ):
        found.setdefault(row.userid, []).append(row)
    for user in users:
        rows = found.get(user, [])
        yield Entry(
            title=page.person(user),
            when=max(row.time for row in rows),
            facts=tuple(fact(f"Question {row.question}", _answer_text(row)) for row in rows),
        )


def _answer_text(row: Any) -> str:
    """Return an answer in words: the actual state, and the preferred one where the survey asks for it."""
    return f"{row.answer1} (preferred: {row.answer2})" if row.answer2 else str(row.answer1)


def _notes(page: PageContext, rows: list[Any]) -> Iterable[Entry]:
    for row in rows:
        yield Entry(title=page.person(row.userid), texts=(page.text("", row.notes, 2),))


PRESENTATION = Presentation(
    present, covers=(SurveyAnswer, SurveyAnalysis), own=frozenset({"template", "questions"})
)
