"""Completion: the criteria for completing the course, and the progress of each person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from courses.models import Activity, User
from courses.models.completion import (
    ActivityCompletion,
    CompletionAggregation,
    CompletionCriterion,
    CompletionDefault,
    CourseCompletion,
    CriterionCompletion,
)
from courses.registry import activity_label
from viewer.lookups import Phrase
from viewer.page_context import PageContext, table, when
from viewer.panels import Panel, Table, Value
from viewer.presentation import Presentation
from viewer.words import COMPLETION, DASH, duration_text, number

CRITERIA = {
    1: "Marked complete by the person",
    2: "Until a date",
    3: "No longer enrolled",
    4: "Activity",
    5: "Enrolled for some time",
    6: "Grade of the course",
    7: "Marked complete by a role",
    8: "Another course",
}
METHODS = {1: "All", 2: "Any"}
MOST = 60

NOT_HERE = "An activity that is not here"
"""The name of an activity that a criterion is about and that a restore did not bring."""


def present(page: PageContext) -> Iterator[Panel]:
    """Yield the criteria, the people with the criteria that they meet, and the activities that they completed."""
    criteria = CompletionCriterion._base_manager.filter(within=page.course).order_by("criteriatype", "pk")
    yield page.listed(
        "What it takes", criteria, lambda rows: _criteria(page, rows), name="criteria", size=100
    )
    ways = CompletionAggregation._base_manager.filter(within=page.course).order_by("criteriatype", "pk")
    yield page.listed("How many of them", ways, _ways, name="ways")
    done = CourseCompletion._base_manager.filter(within=page.course).order_by("pk")
    yield page.listed(
        "The course", done, lambda rows: _course(page, rows), name="course", size=25, userdata=True
    )
    tracked = list(
        Activity.objects.filter(course=page.course, completion__gt=0).order_by("section__number", "pk")[:MOST]
    )
    some = ActivityCompletion._base_manager.filter(activity__course=page.course).values("userid")
    people = User.objects.filter(pk__in=some).order_by("lastname", "firstname", "pk")
    yield page.listed(
        "The activities",
        people,
        lambda rows: _activities(page, tracked, rows),
        name="activities",
        size=25,
        userdata=True,
    )
    defaults = CompletionDefault._base_manager.filter(course=page.course).order_by("modulename", "pk")
    yield page.listed("What new activities begin with", defaults, _defaults, name="defaults", size=50)


def _criteria(page: PageContext, rows: list[Any]) -> Table:
    return table(
        "Criterion | What",
        ((CRITERIA.get(row.criteriatype, row.criteriatype), _criterion_value(page, row)) for row in rows),
    )


def _criterion_value(page: PageContext, row: Any) -> Any:
    if row.criteriatype == 4:
        return page.named("course_module", row.moduleinstance, instead=NOT_HERE)
    if row.criteriatype == 2:
        return when(row.timeend)
    if row.criteriatype == 5:
        return duration_text(row.enrolperiod)
    if row.criteriatype == 6:
        return f"at least {number(row.gradepass, 2)}"
    return row.courseinstanceshortname or row.roleshortname or page.named("role", row.role)


def _ways(rows: list[Any]) -> Table:
    return table(
        "Of | How many",
        (
            (CRITERIA.get(row.criteriatype, "All criteria together"), METHODS.get(row.method, row.method))
            for row in rows
        ),
    )


def _course(page: PageContext, rows: list[Any]) -> Table:
    people = [row.userid for row in rows]
    met: dict[int, list[Any]] = {}
    for one in CriterionCompletion._base_manager.filter(
        criterion__within=page.course, userid__in=people
    ).select_related("criterion"):
        criterion = CRITERIA.get(one.criterion.criteriatype, "Criterion")
        name = (
            page.named("course_module", one.criterion.moduleinstance, instead=NOT_HERE)
            if one.criterion.moduleinstance
            else criterion
        )
        grade = f" ({number(one.gradefinal, 2)})" if one.gradefinal is not None else ""
        met.setdefault(one.userid, []).append(Phrase(name, grade))
    return table(
        "Person | Enrolled | Begun | Completed | Criteria met",
        (
            (
                page.person(row.userid),
                when(row.timeenrolled),
                when(row.timestarted),
                when(row.timecompleted),
                Phrase(*[part for one in met.get(row.userid, ()) for part in ("; ", one)][1:]),
            )
            for row in rows
        ),
    )


def _activities(page: PageContext, activities: list[Any], people: list[Any]) -> Table:
    found = {
        (row.userid, row.activity_id): row.completionstate
        for row in ActivityCompletion._base_manager.filter(
            activity__in=activities, userid__in=[one.pk for one in people]
        )
    }
    heads = [one.title for one in activities]
    rows = tuple(
        (
            Value("Person", str(person)),
            *(
                Value(
                    one.title,
                    COMPLETION.get(found.get((person.pk, one.pk), 0), "")
                    if (person.pk, one.pk) in found
                    else DASH,
                )
                for one in activities
            ),
        )
        for person in people
    )
    return Table(("Person", *heads), rows, wide=True)


def _defaults(rows: list[Any]) -> Table:
    tracking = {0: "none", 1: "by hand", 2: "when conditions are met"}
    return table(
        "Type | Completion | Must be seen | Must be graded | Must be passed",
        (
            (
                activity_label(row.modulename),
                tracking.get(row.completion, row.completion),
                "yes" if row.completionview else "",
                "yes" if row.completionusegrade else "",
                "yes" if row.completionpassgrade else "",
            )
            for row in rows
        ),
    )


PRESENTATION = Presentation(present, title="Completion", order=50, holds=lambda: _CompletionsOfCourse())


class _CompletionsOfCourse:
    """Has a `filter` like a manager, which finds the activity completions of a course."""

    def filter(self, course: Any) -> Any:
        return ActivityCompletion._base_manager.filter(activity__course=course).order_by()
