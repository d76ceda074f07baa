"""Lesson: its pages in the order of their chain, with answers and jumps, and the attempts of people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from courses.activities.lesson import (
    LessonAnswer,
    LessonAttempt,
    LessonBranch,
    LessonGrade,
    LessonOverride,
    LessonPage,
    LessonTimer,
)
from viewer import unserialised
from viewer.clean_html import LONG, plain
from viewer.page_context import PageContext, fact, facts, marks, table, when
from viewer.panels import Entry, Location, Panel, Table
from viewer.presentation import Presentation
from viewer.words import DASH, duration_text, number

ESSAY, CONTENT = 10, 20
PAGES = {
    1: "Short answer",
    2: "True or false",
    3: "Multiple choice",
    5: "Matching",
    8: "Numerical",
    10: "Essay",
    20: "Content",
    21: "End of branch",
    30: "Cluster",
    31: "End of cluster",
}
JUMPS = {
    0: "this page",
    -1: "the next page",
    -9: "the end of the lesson",
    -40: "the page before",
    -50: "an unseen question within a branch",
    -60: "a random question within a branch",
    -70: "a random branch",
    -80: "an unseen question within a cluster",
}


def present(page: PageContext) -> Iterator[Panel]:
    """Yield the pages, then the answers, grades and times of people."""
    lesson = page.content
    yield page.listed("Pages", _chain(lesson), lambda numbers: _pages(page, numbers))
    attempts = LessonAttempt._base_manager.filter(answer__page__lesson=lesson).order_by(
        "userid", "retry", "timeseen", "pk"
    )
    yield page.listed(
        "Answers of people",
        attempts,
        lambda rows: _attempts(page, rows),
        name="answers",
        size=50,
        userdata=True,
    )
    branches = LessonBranch._base_manager.filter(page__lesson=lesson).order_by(
        "userid", "retry", "timeseen", "pk"
    )
    yield page.listed(
        "Branches taken",
        branches,
        lambda rows: _branches(page, rows),
        name="branches",
        size=50,
        userdata=True,
    )
    grades = LessonGrade._base_manager.filter(lesson=lesson).order_by("pk")
    yield page.listed("Grades", grades, lambda rows: _grades(page, rows), size=50, userdata=True)
    timers = LessonTimer._base_manager.filter(lesson=lesson).order_by("pk")
    yield page.listed(
        "Time spent", timers, lambda rows: _timers(page, rows), name="times", size=50, userdata=True
    )
    overrides = LessonOverride._base_manager.filter(lesson=lesson).order_by("pk")
    if not page.people:
        overrides = overrides.filter(userid=None)
    yield page.listed(
        "Other times for some", overrides, lambda rows: _overrides(page, rows), name="overrides"
    )


def _chain(lesson: Any) -> list[int]:
    """Return the ids of the pages in the order of their chain; pages outside of it come last."""
    rows = dict(LessonPage._base_manager.filter(lesson=lesson).order_by("pk").values_list("pk", "nextpageid"))
    following = set(rows.values())
    ordered: dict[int, None] = {}
    for first in [page for page in rows if page not in following]:
        page = first
        while page in rows and page not in ordered:
            ordered[page] = None
            page = rows[page]
    return [*ordered, *(page for page in rows if page not in ordered)]


def _pages(page: PageContext, numbers: list[int]) -> Iterable[Entry]:
    pages = LessonPage._base_manager.in_bulk(numbers)
    answers = page.below(LessonAnswer, "page", pages.values())
    for pk in numbers:
        row = pages[pk]
        yield Entry(
            title=row.title,
            name=f"page{row.pk}",
            marks=(
                PAGES.get(row.qtype, f"Type {row.qtype}"),
                *marks(Several_answers=row.qoption and row.qtype == 3),
            ),
            texts=(page.rich("", row, "contents"),),
            below=tuple(_answer(page, row, one) for one in answers.get(pk, ())),
        )


def _answer(page: PageContext, lesson_page: Any, row: Any) -> Entry:
    leads = JUMPS.get(row.jumpto) or (page.named("lesson_page", row.jumpto) if row.jumpto > 0 else row.jumpto)
    question = lesson_page.qtype < CONTENT
    return Entry(
        title="Answer" if question else "Button",
        texts=(
            page.rich("", row, "answer_text", area="mod_lesson/page_answers", item=row.pk),
            page.text(
                "Response",
                row.response,
                row.responseformat,
                f"{page.contextid}/mod_lesson/page_responses/{row.pk}",
            ),
        ),
        facts=facts(
            fact("Leads to", leads),
            fact("Score", row.score if question else ""),
            fact("Grade", row.grade or ""),
        ),
    )


def _attempts(page: PageContext, rows: list[Any]) -> Table:
    pages = dict(
        LessonAnswer._base_manager.filter(pk__in=[row.answer_id for row in rows]).values_list("pk", "page")
    )
    page_types = dict(LessonPage._base_manager.filter(pk__in=pages.values()).values_list("pk", "qtype"))
    return table(
        "Person | Way | Page | Answer | Right | When",
        (
            (
                page.person(row.userid),
                row.retry + 1,
                page.named("lesson_page", pages[row.answer_id]),
                _answer_text(page, row, page_types.get(pages[row.answer_id], 0)),
                "Right" if row.correct else "Wrong",
                when(row.timeseen),
            )
            for row in rows
        ),
        numeric=[1],
    )


def _answer_text(page: PageContext, row: Any, page_type: int) -> Any:
    """Return an answer as text; an essay is a serialised record of the text, the score and the marker's response."""
    if page_type == ESSAY:
        said = unserialised.read(row.useranswer or "")
        if isinstance(said, dict):
            given, back = (plain(str(said.get(name) or ""), LONG) for name in ("answer", "response"))
            return f"{given} (score {said.get('score', 0)})" + (f" {DASH} response: {back}" if back else "")
    return row.useranswer or page.named("lesson_answer", row.answer_id)


def _branches(page: PageContext, rows: list[Any]) -> Table:
    return table(
        "Person | Way | On | Went to | When",
        (
            (
                page.person(row.userid),
                row.retry + 1,
                page.named("lesson_page", row.page_id),
                JUMPS.get(row.nextpageid) or page.named("lesson_page", row.nextpageid),
                when(row.timeseen),
            )
            for row in rows
        ),
        numeric=[1],
    )


def _grades(page: PageContext, rows: list[Any]) -> Table:
    return table(
        "Person | Grade | Completed | Late",
        (
            (
                page.person(row.userid),
                f"{number(row.grade, 2)} %",
                when(row.completed),
                "late" if row.late else "",
            )
            for row in rows
        ),
        numeric=[1],
    )


def _timers(page: PageContext, rows: list[Any]) -> Table:
    return table(
        "Person | Begun | Last seen | Time | Completed",
        (
            (
                page.person(row.userid),
                when(row.starttime),
                when(row.lessontime),
                duration_text(max(0, row.lessontime - row.starttime)),
                "yes" if row.completed else "no",
            )
            for row in rows
        ),
    )


def _overrides(page: PageContext, rows: list[Any]) -> Table:
    return table(
        "For | Opens | Closes | Time limit | Attempts | Retake | Review | Reason",
        (
            (
                page.person(row.userid) if row.userid else page.group(row.groupid),
                when(row.available),
                when(row.deadline),
                duration_text(row.timelimit) if row.timelimit else "",
                row.maxattempts or "",
                {None: "", 0: "no"}.get(row.retake, "yes"),
                {None: "", 0: "no"}.get(row.review, "yes"),
                page.text("", row.reason, row.reasonformat),
            )
            for row in rows
        ),
    )


def _location(page: PageContext, number: int) -> Location:
    return page.location(page.here, "Pages", _chain(page.content), number, anchor=f"page{number}")


MEANINGS: dict[str, dict[Any, str]] = {
    "lesson.nextpagedefault": {1: "an unseen page", 2: "an unanswered page"},
}

PRESENTATION = Presentation(
    present,
    locations={"lesson_page": _location},
    covers=(LessonPage, LessonAnswer, LessonAttempt, LessonBranch, LessonGrade, LessonTimer, LessonOverride),
    meanings=MEANINGS,
)
