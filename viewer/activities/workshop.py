"""A workshop: what is looked at, the work of each person, and what others say of it, aspect by aspect."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from courses.activities.workshop import examples, grades, strategies, submissions
from viewer.clean_html import LONG, plain
from viewer.lookups import Phrase
from viewer.page_context import Desk, fact, facts, marks, table, when
from viewer.panels import Entry, Panel, Table, Value
from viewer.presentation import Form
from viewer.words import number, points

PHASES = {
    0: "Closed",
    10: "Set-up",
    20: "Submission",
    30: "Assessment",
    40: "Grading evaluation",
    50: "Closed",
}
DIMENSIONS: dict[str, Any] = {
    "accumulative": strategies.WorkshopAccumulativeDimension,
    "comments": strategies.WorkshopCommentsDimension,
    "numerrors": strategies.WorkshopNumerrorsDimension,
    "rubric": strategies.WorkshopRubricDimension,
}
GIVEN = {
    submissions.WorkshopAssessment: "Workshop{}Grade",
    examples.WorkshopExampleAssessment: "Workshop{}ExampleGrade",
    examples.WorkshopReferenceAssessment: "Workshop{}ReferenceGrade",
}
"""What the models of the grades of each kind of assessment are called, by strategy."""

NAMES = {
    "accumulative": "Accumulative grading",
    "comments": "Comments",
    "numerrors": "Number of errors",
    "rubric": "Rubric",
}


def present(desk: Desk) -> Iterator[Panel]:
    """The assessment form, the submissions with their assessments, examples, and the grades for assessing."""
    workshop = desk.content
    yield Panel("Phase", facts=(fact("Now", PHASES.get(workshop.phase or 0, workshop.phase)),))
    for name, model in DIMENSIONS.items():
        rows = model._base_manager.filter(workshop=workshop).order_by("sort", "pk")
        show = partial(_form, desk, name)
        yield desk.listed(f"Assessment form: {NAMES[name]}", rows, show, name=name, size=50)
    handed = submissions.WorkshopSubmission._base_manager.filter(workshop=workshop).order_by("pk")
    yield desk.listed("Submissions", handed, lambda rows: _submissions(desk, rows), size=10, work=True)
    shown = examples.WorkshopExampleSubmission._base_manager.filter(workshop=workshop).order_by("pk")
    yield desk.listed(
        "Example submissions", shown, lambda rows: _examples(desk, rows), name="examples", size=10
    )
    worth = submissions.WorkshopAggregation._base_manager.filter(workshop=workshop).order_by("pk")
    yield desk.listed(
        "Grades for assessing", worth, lambda rows: _worth(desk, rows), name="assessing", size=50, work=True
    )


def _form(desk: Desk, strategy: str, rows: list[Any]) -> Iterable[Entry]:
    levels = (
        desk.below(strategies.WorkshopRubricLevel, "dimension", rows, order=("grade", "pk"))
        if strategy == "rubric"
        else {}
    )
    for n, row in enumerate(rows, 1):
        yield Entry(
            title=f"{n}.",
            texts=(desk.rich("", row, "description"),),
            facts=facts(
                fact("Grade", _most(desk, row.grade) if strategy == "accumulative" else ""),
                fact("Words", f"{row.grade0} / {row.grade1}" if strategy == "numerrors" else ""),
                fact("Weight", getattr(row, "weight", "")),
                *(fact(points(one.grade), plain(one.definition, LONG)) for one in levels.get(row.pk, ())),
            ),
        )


def _most(desk: Desk, scale: int) -> Any:
    return Phrase("scale ", desk.named("scale", -scale)) if scale < 0 else f"up to {scale}"


def _submissions(desk: Desk, rows: list[Any]) -> Iterable[Entry]:
    assessments = desk.below(submissions.WorkshopAssessment, "submission", rows)
    said = _said(desk, submissions.WorkshopAssessment, [one for some in assessments.values() for one in some])
    for row in rows:
        yield Entry(
            title=row.title,
            who=desk.person(row.authorid),
            when=row.timemodified,
            marks=(
                f"{number(row.grade, 2)} %" if row.grade is not None else "no grade yet",
                *marks(Published=row.published, Late=row.late),
            ),
            texts=(
                desk.rich("", row, "content"),
                desk.text("Feedback", row.feedbackauthor, row.feedbackauthorformat),
            ),
            files=desk.files(row.pk, "mod_workshop/submission_attachment"),
            facts=facts(
                fact("Overridden to", f"{number(row.gradeover, 2)} %" if row.gradeover is not None else ""),
                fact("Overridden by", desk.person(row.gradeoverby)),
                fact("Graded", row.timegraded or "", "moment"),
            ),
            below=tuple(_assessment(desk, one, said.get(one.pk, ())) for one in assessments.get(row.pk, ())),
        )


def _examples(desk: Desk, rows: list[Any]) -> Iterable[Entry]:
    references = desk.below(examples.WorkshopReferenceAssessment, "submission", rows)
    said = _said(
        desk, examples.WorkshopReferenceAssessment, [one for some in references.values() for one in some]
    )
    practised: dict[int, list[Any]] = {}
    tried: dict[int, list[Value]] = {}
    if desk.people:
        practised = desk.below(examples.WorkshopExampleAssessment, "submission", rows)
        tried = _said(
            desk, examples.WorkshopExampleAssessment, [one for some in practised.values() for one in some]
        )
    for row in rows:
        yield Entry(
            title=row.title,
            when=row.timemodified,
            texts=(desk.rich("", row, "content"),),
            files=desk.files(row.pk, "mod_workshop/submission_attachment"),
            below=(
                *(_assessment(desk, one, said.get(one.pk, ())) for one in references.get(row.pk, ())),
                *(_assessment(desk, one, tried.get(one.pk, ())) for one in practised.get(row.pk, ())),
            ),
        )


def _assessment(desk: Desk, row: Any, said: Sequence[Value]) -> Entry:
    reviewer = getattr(row, "reviewerid", None)
    return Entry(
        title="Assessment" if reviewer else "Assessment by the teacher",
        who=desk.person(reviewer),
        when=row.timemodified or 0,
        marks=(f"{number(row.grade, 2)} %" if row.grade is not None else "not assessed yet",),
        texts=(
            *(value for value in said if value.written),
            desk.rich(
                "Feedback", row, "feedbackauthor", area="mod_workshop/overallfeedback_content", item=row.pk
            ),
            desk.text(
                "To the reviewer",
                getattr(row, "feedbackreviewer", ""),
                getattr(row, "feedbackreviewerformat", 1),
            ),
        ),
        files=desk.files(row.pk, "mod_workshop/overallfeedback_attachment"),
        facts=facts(
            *(value for value in said if value.shape == "text"), *(_opinion(desk, row) if reviewer else ())
        ),
    )


def _opinion(desk: Desk, row: Any) -> tuple[Value, ...]:
    """What the assessment itself is worth."""
    return (
        fact("Weight", row.weight if row.weight != 1 else ""),
        fact("Grade for assessing", number(row.gradinggrade, 2)),
        fact("Overridden to", number(row.gradinggradeover, 2)),
        fact("Overridden by", desk.person(row.gradinggradeoverby)),
    )


def _said(desk: Desk, kind: Any, rows: list[Any]) -> dict[int, list[Value]]:
    """What the assessments say to each dimension."""
    found: dict[int, list[Value]] = {}
    for strategy, model in DIMENSIONS.items():
        given = getattr(grades, GIVEN[kind].format(strategy.capitalize()))
        said = desk.below(given, "assessment", rows, order=("dimensionid", "pk"))
        asked = {one.dimensionid for some in said.values() for one in some}
        order = {row.pk: row for row in model._base_manager.filter(pk__in=asked)}
        for parent, some in said.items():
            found.setdefault(parent, []).extend(
                value for one in some for value in _point(desk, one, order.get(one.dimensionid))
            )
    return found


def _point(desk: Desk, one: Any, dimension: Any) -> tuple[Value, ...]:
    """The grade for an aspect, and the comment on it."""
    place = f"Aspect {dimension.sort if dimension else '?'}"
    grade = getattr(one, "grade", None)
    comment = getattr(one, "peercomment", "")
    return (
        *((fact(place, desk.graded(grade, getattr(dimension, "grade", None))),) if grade is not None else ()),
        *((desk.text(f"{place}: comment", comment, one.peercommentformat),) if comment else ()),
    )


def _worth(desk: Desk, rows: list[Any]) -> Table:
    return table(
        "Person | Grade for assessing | Given",
        ((desk.person(row.userid), number(row.gradinggrade, 2), when(row.timegraded)) for row in rows),
        numeric=[1],
    )


FORM = Form(
    present,
    covers=(
        *DIMENSIONS.values(),
        strategies.WorkshopRubricLevel,
        submissions.WorkshopSubmission,
        submissions.WorkshopAssessment,
        submissions.WorkshopAggregation,
        examples.WorkshopExampleSubmission,
        examples.WorkshopReferenceAssessment,
        examples.WorkshopExampleAssessment,
        *(
            getattr(grades, pattern.format(strategy.capitalize()))
            for pattern in GIVEN.values()
            for strategy in DIMENSIONS
        ),
    ),
    own=frozenset({"phase"}),
)
