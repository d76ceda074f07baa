"""The gradebook of the course in the archive of one activity: only if nothing else in the course is graded."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db.models import QuerySet

from courses.models import Activity, Course
from courses.models.grades import GradeCategory, GradeItem, GradeSetting
from tests.archives_made import small, texts
from tests.jobs_done import back_up, faults, restore

pytestmark = pytest.mark.django_db(transaction=True)

MEMBERS = {"gradebook.xml", "grade_history.xml"}


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """A course with a gradebook, in which the page is graded."""
    course = restore(small(tmp_path / "source.mbz")).course
    GradeItem.objects.filter(course=course).delete()
    GradeCategory.objects.filter(course=course).delete()
    top = GradeCategory.objects.create(course=course, depth=1, fullname="?")
    GradeItem.objects.create(course=course, itemtype="course", iteminstance=top.pk)
    GradeSetting.objects.create(course=course, name="minmaxtouse", value="1")
    grade(activities(course).get(modulename="page"))
    return course


def activities(course: Course) -> QuerySet[Activity]:
    return Activity.objects.filter(course=course)


def grade(activity: Activity) -> None:
    GradeItem.objects.create(
        course=activity.course, activity=activity, itemtype="mod", itemmodule=activity.modulename,
        iteminstance=activity.instance, itemname=activity.title,
    )  # fmt: skip


def archive_of(course: Course, modulename: str, folder: Path) -> dict[str, str]:
    """The members of a whole archive of one activity."""
    activity = activities(course).get(modulename=modulename)
    path = back_up(course, folder / "activity.mbz", archive_type="activity", item=activity.pk)
    assert faults(path) == []
    return texts(path)


def test_it_comes_with_the_one_graded_activity_and_is_restored_with_it(
    course: Course, tmp_path: Path
) -> None:
    members = archive_of(course, "page", tmp_path)
    assert members.keys() >= MEMBERS
    assert "<name>minmaxtouse</name>" in members["gradebook.xml"]
    assert "<itemtype>course</itemtype>" in members["gradebook.xml"]
    new = restore(tmp_path / "activity.mbz").course
    assert GradeSetting.objects.get(course=new).value == "1"
    assert GradeItem.objects.filter(course=new, activity=None).count() == 1


def test_it_stays_away_when_something_graded_does(course: Course, tmp_path: Path) -> None:
    assert not MEMBERS & archive_of(course, "forum", tmp_path).keys()
    grade(activities(course).get(modulename="forum"))
    assert not MEMBERS & archive_of(course, "page", tmp_path).keys()


def test_a_course_without_a_gradebook_writes_none_for_a_part(course: Course, tmp_path: Path) -> None:
    GradeCategory.objects.filter(course=course).delete()
    assert not MEMBERS & archive_of(course, "page", tmp_path).keys()


def test_a_course_that_exists_keeps_its_own(course: Course, tmp_path: Path) -> None:
    archive_of(course, "page", tmp_path)
    section = course.sections.first()
    assert section is not None
    restore(tmp_path / "activity.mbz", target={"course": course.pk, "section": section.pk})
    assert GradeSetting.objects.filter(course=course).count() == 1
    assert GradeItem.objects.filter(course=course, itemtype="course").count() == 1
