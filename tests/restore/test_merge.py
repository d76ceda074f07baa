"""A course archive that goes into a course: it is added to what is there, or replaces it."""

from __future__ import annotations

from pathlib import Path

import pytest

from courses.models import Course
from courses.models.grades import GradeCategory, GradeItem
from tests.archives_made import small
from tests.jobs_done import back_up, compared, restore

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """A course that exists, with a section, a forum and a page."""
    return restore(small(tmp_path / "whole.mbz")).course


def test_a_course_is_added_to_the_course_it_came_from(tmp_path: Path, course: Course) -> None:
    path = back_up(course, tmp_path / "a.mbz")
    for times in (2, 3):
        restored = restore(path, target={"course": course.pk})
        assert restored.course == course
        assert course.sections.count() == 1
        assert course.activities.count() == 2 * times
        assert GradeCategory.objects.filter(course=course, parent=None).count() <= 1
        assert GradeItem.objects.filter(course=course, itemtype="course").count() <= 1


def test_a_course_whose_content_is_replaced_by_its_own_backup_is_the_same(
    tmp_path: Path, course: Course
) -> None:
    path = back_up(course, tmp_path / "a.mbz")
    course.activities.first()
    restored = restore(path, target={"course": course.pk, "replace": True})
    assert restored.course == course
    again = back_up(course, tmp_path / "b.mbz")
    assert set(compared(path, again).totals) <= {"value course/course.xml course/timemodified"}
