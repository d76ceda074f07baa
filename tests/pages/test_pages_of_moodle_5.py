"""The pages of a course of Moodle 5: its question banks, and what 5.0 to 5.3 added to assignments and quizzes."""

from __future__ import annotations

from pathlib import Path

import pytest

from courses.activities.assign import AssignMark
from courses.activities.qbank import Qbank
from courses.activities.quiz import QuizOverride
from courses.models import Course
from courses.models.questions import QuestionCategory
from tests.jobs_done import restore
from tests.pages.rich import Rich, words
from tests.people_made import person

pytestmark = pytest.mark.django_db(transaction=True)


def of(course: Course) -> Rich:
    """The course with people who look at it."""
    return Rich(
        course, person("page.manager", "manager"), person("page.teacher", "editingteacher", at=course)
    )


def test_a_bank_shows_its_categories_and_they_their_questions(fixtures: Path) -> None:
    rich = of(restore(fixtures / "moodle5" / "real-5.0.3-coderunner.mbz").course)
    bank = Qbank.objects.get(owner__course=rich.course, name="SecondQuestionBank")
    category = QuestionCategory.objects.get(contextid=bank.owner.contextid, name__startswith="Default for")
    page = rich.page(f"/activity/{bank.owner_id}/")
    assert "Another question bank" in words(page)
    assert "Default for SecondQuestionBank 2 questions" in words(page)
    address = f"/activity/{bank.owner_id}/category/{category.pk}/"
    assert f'href="{address}"' in page
    assert "C Program: reversing lines" in words(rich.page(address))
    of_course = words(rich.page(f"/course/{rich.course.pk}/questions/"))
    assert "SecondQuestionBank" in of_course
    assert of_course.count("Question bank") >= 2


def test_marks_markers_penalties_and_reasons_stand_on_the_pages(fixtures: Path) -> None:
    rich = of(restore(fixtures / "moodle5" / "synthetic-5.3-short-names.mbz").course)
    mark = AssignMark.objects.filter(assign__owner__course=rich.course).order_by("pk")[0]
    address = f"/activity/{mark.assign.owner_id}/"
    said = words(rich.page(address))
    assert "Markers" in said
    assert "55.5 being marked" in said
    assert "Penalty for late work" in said
    override = QuizOverride.objects.filter(quiz__owner__course=rich.course).exclude(reason=None)[0]
    said = words(rich.page(f"/activity/{override.quiz.owner_id}/"))
    assert "Password Reason" in said
    assert words(override.reason or "") in said
