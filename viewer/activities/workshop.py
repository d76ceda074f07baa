"""Workshop: the assessment form, the submissions, and their assessments aspect by aspect."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from courses.activities.workshop import examples, grades, strategies, submissions
from viewer.clean_html import LONG, plain
from viewer.lookups import Phrase
from viewer.page_context import PageContext, fact, facts, marks, table, when
from viewer.panels import Entry, Panel, Table, Value
from viewer.presentation import Presentation
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
"""Names of the grade models of each assessment model; {} is the strategy."""

NAMES = {
    "accumulative": "Accumulative grading",
    "comments": "Comments",
    "numerrors": "Number of errors",
    "rubric": "Rubric",
}


def present(page: PageContext) -> Iterator[Panel]:
    """Yield the assessment form, the submissions with their assessments, examples, and the grades for assessing."""
    workshop = page.content
    yield Panel("Phase", facts=(fact("Now", PHASES.get(workshop.phase or 0, workshop.phase)),))
    for name, model in DIMENSIONS.items():
        rows = model._base_manager.filter(workshop=workshop).order_by("sort", "pk")
        show = partial(_form, page, name)
        yield page.listed(f"Assessment form: {NAMES[name]}", rows, show, name=name, size=50)
    handed = submissions.WorkshopSubmission._base_manager.filter(workshop=workshop).order_by("pk")
    yield page.listed("Submissions", handed, lambda rows: _submissions(page, rows), size=10, userdata=True)
    shown = examples.WorkshopExampleSubmission._base_manager.filter(workshop=workshop).order_by("pk")
    yield page.listed(
        "Example submissions", shown, lambda rows: _examples(page, rows), name="examples", size=10
    )
    worth = submissions.WorkshopAggregation._base_manager.filter(workshop=workshop).order_by("pk")
    yield page.listed(
        "Grades for assessing",
        worth,
        lambda rows: _assessing_grades(page, rows),
        name="assessing",
        size=50,
        userdata=True,
    )


def _form(page: PageContext, strategy: str, rows: list[Any]) -> Iterable[Entry]:
    levels = (
        page.below(strategies.WorkshopRubricLevel, "dimension", rows, order=("grade", "pk"))
        if strategy == "rubric"
        else {}
    )
    for n, row in enumerate(rows, 1):
        yield Entry(
            title=f"{n}.",
            texts=(page.rich("", row, "description"),),
            facts=facts(
                fact("Grade", _maximum(page, row.grade) if strategy == "accumulative" else ""),
                fact("Words", f"{row.grade0} / {row.grade1}" if strategy == "numerrors" else ""),
                fact("Weight", getattr(row, "weight", "")),
                *(fact(points(one.grade), plain(one.definition, LONG)) for one in levels.get(row.pk, ())),
            ),
        )


def _maximum(page: PageContext, scale: int) -> Any:
    return Phrase("scale ", page.named("scale", -scale)) if scale < 0 else f"up to {scale}"


def _submissions(page: PageContext, rows: list[Any]) -> Iterable[Entry]:
    assessments = page.below(submissions.WorkshopAssessment, "submission", rows)
    said = _grades_by_assessment(
        page, submissions.WorkshopAssessment, [one for some in assessments.values() for one in some]
    )
    for row in rows:
        yield Entry(
            title=row.title,
            who=page.person(row.authorid),
            when=row.timemodified,
            marks=(
                f"{number(row.grade, 2)} %" if row.grade is not None else "no grade yet",
                *marks(Published=row.published, Late=row.late),
            ),
            texts=(
                page.rich("", row, "content"),
                page.text("Feedback", row.feedbackauthor, row.feedbackauthorformat),
            ),
            files=page.files(row.pk, "mod_workshop/submission_attachment"),
            facts=facts(
                fact("Overridden to", f"{number(row.gradeover, 2)} %" if row.gradeover is not None else ""),
                fact("Overridden by", page.person(row.gradeoverby)),
                fact("Graded", row.timegraded or "", "moment"),
            ),
            below=tuple(_assessment(page, one, said.get(one.pk, ())) for one in assessments.get(row.pk, ())),
        )


def _examples(page: PageContext, rows: list[Any]) -> Iterable[Entry]:
    references = page.below(examples.WorkshopReferenceAssessment, "submission", rows)
    said = _grades_by_assessment(
        page, examples.WorkshopReferenceAssessment, [one for some in references.values() for one in some]
    )
    practised: dict[int, list[Any]] = {}
    tried: dict[int, list[Value]] = {}
    if page.people:
        practised = page.below(examples.WorkshopExampleAssessment, "submission", rows)
        tried = _grades_by_assessment(
            page, examples.WorkshopExampleAssessment, [one for some in practised.values() for one in some]
        )
    for row in rows:
        yield Entry(
            title=row.title,
            when=row.timemodified,
            texts=(page.rich("", row, "content"),),
            files=page.files(row.pk, "mod_workshop/submission_attachment"),
            below=(
                *(_assessment(page, one, said.get(one.pk, ())) for one in references.get(row.pk, ())),
                *(_assessment(page, one, tried.get(one.pk, ())) for one in practised.get(row.pk, ())),
            ),
        )


def _assessment(page: PageContext, row: Any, said: Sequence[Value]) -> Entry:
    reviewer = getattr(row, "reviewerid", None)
    return Entry(
        title="Assessment" if reviewer else "Assessment by the teacher",
        who=page.person(reviewer),
        when=row.timemodified or 0,
        marks=(f"{number(row.grade, 2)} %" if row.grade is not None else "not assessed yet",),
        texts=(
            *(value for value in said if value.written),
            page.rich(
                "Feedback", row, "feedbackauthor", area="mod_workshop/overallfeedback_content", item=row.pk
            ),
            page.text(
                "To the reviewer",
                getattr(row, "feedbackreviewer", ""),
                getattr(row, "feedbackreviewerformat", 1),
            ),
        ),
        files=page.files(row.pk, "mod_workshop/overallfeedback_attachment"),
        facts=facts(
            *(value for value in said if value.shape == "text"),
            *(_assessment_facts(page, row) if reviewer else ()),
        ),
    )


def _assessment_facts(page: PageContext, row: Any) -> tuple[Value, ...]:
    """Return the weight and the grades of an assessment itself."""
    return (
        fact("Weight", row.weight if row.weight != 1 else ""),
        fact("Grade for assessing", number(row.gradinggrade, 2)),
        fact("Overridden to", number(row.gradinggradeover, 2)),
        fact("Overridden by", page.person(row.gradinggradeoverby)),
    )


def _grades_by_assessment(
    page: PageContext, assessment_model: Any, rows: list[Any]
) -> dict[int, list[Value]]:
    """Return the grades and comments of each assessment, by assessment id."""
    found: dict[int, list[Value]] = {}
    for strategy, model in DIMENSIONS.items():
        given = getattr(grades, GIVEN[assessment_model].format(strategy.capitalize()))
        said = page.below(given, "assessment", rows, order=("dimensionid", "pk"))
        asked = {one.dimensionid for some in said.values() for one in some}
        order = {row.pk: row for row in model._base_manager.filter(pk__in=asked)}
        for parent, some in said.items():
            found.setdefault(parent, []).extend(
                value for one in some for value in _aspect_values(page, one, order.get(one.dimensionid))
            )
    return found


def _aspect_values(page: PageContext, one: Any, dimension: Any) -> tuple[Value, ...]:
    """Return the grade for an aspect, and the comment on it."""
    place = f"Aspect {dimension.sort if dimension else '?'}"
    grade = getattr(one, "grade", None)
    comment = getattr(one, "peercomment", "")
    return (
        *((fact(place, page.graded(grade, getattr(dimension, "grade", None))),) if grade is not None else ()),
        *((page.text(f"{place}: comment", comment, one.peercommentformat),) if comment else ()),
    )


def _assessing_grades(page: PageContext, rows: list[Any]) -> Table:
    return table(
        "Person | Grade for assessing | Given",
        ((page.person(row.userid), number(row.gradinggrade, 2), when(row.timegraded)) for row in rows),
        numeric=[1],
    )


MEANINGS: dict[str, dict[Any, str]] = {
    "workshop.examplesmode": {1: "before handing in", 2: "before assessing"},
    "workshop.evaluation": {"best": "comparison with the best"},
    "workshop.overallfeedbackmode": {1: "as people like", 2: "required"},
    "workshop.strategy": {"numerrors": "number of errors"},
    "workshop.submissiontypefile": {1: "allowed", 2: "required"},
    "workshop.submissiontypetext": {1: "allowed", 2: "required"},
}

PRESENTATION = Presentation(
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
    meanings=MEANINGS,
)
