"""Lessons: pages lead to one another, and what people chose is still what they chose."""

from __future__ import annotations

from pathlib import Path

import pytest

from courses.activities.lesson import (
    Lesson,
    LessonAnswer,
    LessonAttempt,
    LessonBranch,
    LessonGrade,
    LessonOverride,
    LessonPage,
    LessonTimer,
)
from courses.models import Course, Group
from tests.courses.activities import scene
from tests.jobs_done import back_up, compared, restore

pytestmark = pytest.mark.django_db(transaction=True)

NEXT_PAGE, END = -1, -9


def _lesson(course: Course) -> Lesson:
    """Two pages: one with several right answers that leads to the other, and a short answer."""
    lesson = scene.activity(course, Lesson, name="L", available=1_700_000_100)
    first = LessonPage.objects.create(lesson=lesson, qtype=3, qoption=1, title="Several")
    second = LessonPage.objects.create(
        lesson=lesson, qtype=1, qoption=1, title="A number", prevpageid=first.pk
    )
    LessonPage.objects.filter(pk=first.pk).update(nextpageid=second.pk)
    for jump in (second.pk, NEXT_PAGE, END):
        LessonAnswer.objects.create(page=first, jumpto=jump, answer_text=f"to {jump}")
    LessonAnswer.objects.create(page=second, jumpto=0, answer_text=".*")
    assert isinstance(lesson, Lesson)
    return lesson


def test_a_lesson_of_moodle_comes_in_whole(fixtures: Path) -> None:
    path = fixtures / "rich1-users.mbz"
    expected = scene.numbers(path, "activities/lesson_706/lesson.xml")
    lesson = Lesson.objects.get(owner__course=restore(path).course)
    assert expected["page"] == LessonPage.objects.filter(lesson=lesson).count()
    assert expected["answer"] == LessonAnswer.objects.filter(page__lesson=lesson).count()
    assert expected["attempt"] == LessonAttempt.objects.filter(answer__page__lesson=lesson).count()
    assert expected["branch"] == LessonBranch.objects.filter(page__lesson=lesson).count()
    assert expected["timer"] == LessonTimer.objects.filter(lesson=lesson).count()
    assert expected["override"] == LessonOverride.objects.filter(lesson=lesson).count()
    grades = LessonGrade.objects.filter(lesson=lesson).order_by("grade")
    assert (grades.count(), grades[0].grade) == (expected["grade"], 34.33333)


def test_pages_and_answers_lead_where_they_led(tmp_path: Path) -> None:
    course = scene.course()
    old = _lesson(course)
    new = Lesson.objects.get(owner__course=scene.again(course, tmp_path))
    first, second = LessonPage.objects.filter(lesson=new).order_by("pk")
    assert not {first.pk, second.pk} & set(LessonPage.objects.filter(lesson=old).values_list("pk", flat=True))
    assert (first.prevpageid, first.nextpageid, second.prevpageid, second.nextpageid) == (
        0,
        second.pk,
        first.pk,
        0,
    )
    jumps = LessonAnswer.objects.filter(page__lesson=new).order_by("pk").values_list("jumpto", flat=True)
    assert list(jumps) == [second.pk, NEXT_PAGE, END, 0]


def test_chosen_answers_are_those_of_the_new_lesson_and_numbers_that_people_wrote_stay(
    tmp_path: Path,
) -> None:
    course, student = scene.course(), scene.person("sam")
    old = _lesson(course)
    several, one = LessonPage.objects.filter(lesson=old).order_by("pk")
    chosen = list(LessonAnswer.objects.filter(page=several).order_by("pk"))[:2]
    ids = f"{chosen[0].pk},{chosen[1].pk}"
    for answer, said in ((chosen[0], ids), (LessonAnswer.objects.get(page=one), ids)):
        LessonAttempt.objects.create(answer=answer, userid=student.pk, useranswer=said)
    LessonBranch.objects.create(page=several, userid=student.pk, nextpageid=one.pk)
    LessonBranch.objects.create(page=several, userid=student.pk, nextpageid=END)
    first = back_up(course, tmp_path / "first.mbz")
    restored = restore(first).course
    new = Lesson.objects.get(owner__course=restored)
    several, one = LessonPage.objects.filter(lesson=new).order_by("pk")
    expected = LessonAnswer.objects.filter(page=several).order_by("pk").values_list("pk", flat=True)[:2]
    attempts = LessonAttempt.objects.filter(answer__page__lesson=new).order_by("pk")
    assert [each.useranswer for each in attempts] == [f"{expected[0]},{expected[1]}", ids]
    branches = LessonBranch.objects.filter(page=several).order_by("pk").values_list("nextpageid", flat=True)
    assert list(branches) == [one.pk, END]
    assert compared(first, back_up(restored, tmp_path / "second.mbz")).equal


def test_a_lesson_depends_on_the_lesson_that_came_with_it_and_leads_to_the_activity_that_did(
    tmp_path: Path,
) -> None:
    course = scene.course()
    before = _lesson(course)
    after = scene.activity(course, Lesson, name="After", dependency=before.pk, activitylink=before.owner_id)
    restored = scene.again(course, tmp_path)
    new = Lesson.objects.get(owner__course=restored, name="After")
    other = Lesson.objects.get(owner__course=restored, name="L")
    assert (new.dependency, new.activitylink) == (other.pk, other.owner_id)
    assert other.pk != before.pk != after.pk


def test_exceptions_for_groups_come_without_people_and_those_for_people_do_not(tmp_path: Path) -> None:
    course, student = scene.course(), scene.person("sam")
    lesson = _lesson(course)
    group = Group.objects.create(course=course, name="G")
    LessonOverride.objects.create(lesson=lesson, userid=student.pk, retake=1, deadline=1_700_000_200)
    LessonOverride.objects.create(lesson=lesson, groupid=group.pk, maxattempts=3, deadline=1_700_000_300)
    start = str(1_700_000_000 + 1000)
    restored = scene.again(course, tmp_path, users="0", course_startdate=start)
    [override] = LessonOverride.objects.filter(lesson__owner__course=restored)
    assert (override.userid, override.maxattempts, override.deadline) == (None, 3, 1_700_001_300)
    assert override.groupid == Group.objects.get(course=restored).pk
    assert Lesson.objects.get(owner__course=restored).available == 1_700_001_100
