"""A course is as it was when what was removed from it is back: each type of activity, with all that names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from courses import removal
from courses.models import Activity, Course, Section, User
from courses.models.completion import CompletionCriterion, CriterionCompletion
from courses.models.grades import GradeCategory, GradeItem
from jobs import runner
from tests.jobs_done import back_up, compared
from transfer import returns

pytestmark = pytest.mark.django_db(transaction=True)

ACTIVITY_DONE = 4
"""The type of a criterion for completing a course that names an activity."""


def of_each_type(course: Course) -> list[Activity]:
    """The first activity of each type, in the order of ids."""
    found: dict[str, Activity] = {}
    for one in Activity.objects.filter(course=course).select_related("course", "section").order_by("pk"):
        found.setdefault(one.modulename, one)
    return list(found.values())


def name_everywhere(activities: list[Activity], person: User) -> None:
    """Let the course's completion name activities, and give their grades a weight and a category of their own."""
    course = activities[0].course
    top = GradeCategory.objects.filter(course=course, parent=None).get()
    own = GradeCategory.objects.create(course=course, parent=top.pk, depth=2, fullname="Own", path="")
    GradeCategory.objects.filter(pk=own.pk).update(path=f"/{top.pk}/{own.pk}/")
    for activity in activities:
        criterion = CompletionCriterion.objects.create(
            within=course,
            course=course.pk,
            criteriatype=ACTIVITY_DONE,
            module=activity.modulename,
            moduleinstance=activity.pk,
        )
        CriterionCompletion.objects.create(criterion=criterion, userid=person.pk, timecompleted=1_700_000_000)
        items = GradeItem.objects.filter(activity=activity)
        items.update(weightoverride=1, aggregationcoef2="0.25", sortorder=90, categoryid=own.pk)
    named = (
        GradeItem.objects.filter(activity=activities[0]).first()
        or GradeItem.objects.filter(activity__in=activities).first()
    )
    assert named is not None
    manual = GradeItem.objects.filter(course=course, itemtype="manual").first()
    assert manual is not None
    GradeItem.objects.filter(pk=manual.pk).update(calculation=f"=##gi{named.pk}##*2")


def rows_of(course: Course) -> list[object]:
    """The grade items and criteria of a course, with who has met them."""
    met = CriterionCompletion.objects.filter(criterion__within=course)
    return [
        list(GradeItem.objects.filter(course=course).order_by("pk").values()),
        list(CompletionCriterion.objects.filter(within=course).order_by("pk").values()),
        list(met.order_by("criterion", "userid").values("criterion", "userid", "timecompleted")),
    ]


def differences(first: Path, second: Path) -> list[str]:
    """The differences of two archives of the course, without the moments of the run."""
    found = compared(first, second).differences
    return [
        f"{one.kind} {one.member} {one.path}: {one.message[:300]}"
        for one in found
        if not one.path.endswith("/timemodified")
    ]


def remove_and_bring_back(owner: Activity | Section) -> None:
    """Remove a section or activity through the door, and bring it back from the recycle bin."""
    removal.remove(owner)
    [item] = returns.items_of(owner.course)
    runner.run(returns.request_return(item, by=None, notify=False).pk, raising=True)


@pytest.mark.parametrize("what", ["activity", "section"])
def test_a_course_is_as_before_when_an_activity_of_any_type_or_a_section_is_back(
    rich: Course, tmp_path: Path, what: str
) -> None:
    activities = of_each_type(rich)
    name_everywhere(activities, User.objects.filter(deleted=0).order_by("pk")[1])
    rows = rows_of(rich)
    before = back_up(rich, tmp_path / "before.mbz", logs="1", grade_histories="1")
    owners: list[Activity | Section] = list(activities)
    if what == "section":
        owners = list(Section.objects.filter(course=rich, component=None, number__gt=0))
    for owner in owners:
        remove_and_bring_back(owner)
    after = back_up(rich, tmp_path / "after.mbz", logs="1", grade_histories="1")
    assert not differences(before, after)
    assert rows_of(rich) == rows
