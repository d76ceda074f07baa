"""A copy is a second course with names, dates and people as chosen; nothing else is left of it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from archive.errors import Cancelled, NotAllowed, NotFound, UsageError
from courses.capabilities import may
from courses.models import Activity, Course, File, Role, RoleAssignment, User, UserEnrolment
from courses.models.calendar import CalendarEvent
from courses.services import create_category
from jobs import runner
from jobs.models import Job
from tests.jobs_done import back_up, compared, row_counts
from tests.pages.places import make_place, person
from transfer.copies import WEEK, Choices, request_copy, start_of
from vault.models import LooseFile, StoredArchive

STEPS = 40
"""Events of a copy at which it is stopped; a copy of the small course has more."""

pytestmark = pytest.mark.django_db(transaction=True)


def copied(course: Course, choices: Choices, *, by: User | None = None) -> Course:
    """Copy a course and return the copy. Raises the error of the job."""
    job = request_copy(course, choices, by=by, notify=False)
    runner.run(job.pk, raising=True)
    job.refresh_from_db()
    assert (job.source, job.result["source_id"]) == (course, course.pk)
    assert job.course_id == job.result["course_id"]
    return Course.objects.get(pk=job.result["course_id"])


def test_a_copy_with_people_says_the_same_as_the_course(rich: Course, tmp_path: Path) -> None:
    before = back_up(rich, tmp_path / "before.mbz")
    copy = copied(rich, Choices(category=rich.category_id, people=True))
    difference = compared(before, back_up(copy, tmp_path / "after.mbz"))
    found = {one.path for one in difference.differences}
    assert found <= {"course/idnumber", "course/fullname", "course/shortname"}, found
    assert not StoredArchive.objects.exists()
    assert not LooseFile.objects.exists()


def test_a_copy_has_names_visibility_and_dates_as_chosen(rich: Course) -> None:
    elsewhere = create_category("Elsewhere")
    start = rich.startdate + 100 * 24 * 3600
    end = start + 1_000_000
    choices = Choices(
        category=elsewhere.pk,
        fullname="Next year",
        shortname="NEXT",
        idnumber="next-1",
        visible=False,
        startdate=start,
        enddate=end,
    )
    copy = copied(rich, choices)
    assert (copy.fullname, copy.shortname, copy.idnumber, copy.category) == (
        "Next year",
        "NEXT",
        "next-1",
        elsewhere,
    )
    assert (copy.visible, copy.startdate, copy.enddate) == (0, start, end)


def test_people_stay_away_unless_they_are_asked_for(rich: Course) -> None:
    people = User.objects.count()
    copy = copied(rich, Choices(category=rich.category_id))
    assert User.objects.count() == people
    assert not UserEnrolment.objects.filter(enrol__course=copy).exists()
    assert not RoleAssignment.objects.filter(contextid=copy.contextid).exists()
    assert Activity.objects.filter(course=copy).count() == Activity.objects.filter(course=rich).count()


def test_contents_of_files_are_shared_with_the_course(rich: Course) -> None:
    copy = copied(rich, Choices(category=rich.category_id))
    own = set(File.objects.filter(course=copy).values_list("contenthash", flat=True))
    assert own
    assert own <= set(File.objects.filter(course=rich).values_list("contenthash", flat=True))


def test_people_of_the_roles_that_are_kept_are_enrolled_without_their_work(rich: Course) -> None:
    role = Role.objects.get(shortname="editingteacher")
    teachers = RoleAssignment.objects.filter(contextid=rich.contextid, roleid=role.pk)
    expected = set(teachers.values_list("userid", flat=True))
    assert expected
    copy = copied(rich, Choices(category=rich.category_id, roles=(role.pk,)))
    held = RoleAssignment.objects.filter(contextid=copy.contextid)
    assert set(held.values_list("roleid", "userid")) == {(role.pk, user) for user in expected}
    enrolled = UserEnrolment.objects.filter(enrol__course=copy)
    assert set(enrolled.values_list("userid", flat=True)) == expected
    assert {one.enrol.enrol for one in enrolled} == {"manual"}


def test_with_people_those_of_other_roles_are_not_enrolled_and_their_work_stays(rich: Course) -> None:
    role = Role.objects.get(shortname="editingteacher")
    copy = copied(rich, Choices(category=rich.category_id, people=True, roles=(role.pk,)))
    held = RoleAssignment.objects.filter(contextid=copy.contextid)
    assert set(held.values_list("roleid", flat=True)) == {role.pk}
    enrolled = set(UserEnrolment.objects.filter(enrol__course=copy).values_list("userid", flat=True))
    assert enrolled == set(held.values_list("userid", flat=True))
    from courses.activities.forum import ForumPost

    posts = ForumPost.objects.filter(discussion__forum__owner__course=copy)
    assert posts.count() == ForumPost.objects.filter(discussion__forum__owner__course=rich).count()


def test_weekdays_are_kept_by_moving_whole_weeks() -> None:
    course = Course(startdate=1_725_235_200)  # a Monday
    asked = course.startdate + 365 * 24 * 3600  # a Tuesday
    moved = start_of(course, Choices(category=1, startdate=asked, keep_weekdays=True))
    assert moved is not None
    assert (moved - course.startdate) % WEEK == 0
    assert time.gmtime(moved).tm_wday == time.gmtime(course.startdate).tm_wday
    assert abs(moved - asked) <= WEEK // 2
    assert start_of(course, Choices(category=1, startdate=asked)) == asked
    assert start_of(course, Choices(category=1, keep_weekdays=True)) is None


def test_all_dates_that_move_move_by_the_same_weeks(rich: Course) -> None:
    asked = rich.startdate + 30 * 24 * 3600 + 3600
    copy = copied(rich, Choices(category=rich.category_id, people=True, startdate=asked, keep_weekdays=True))
    shift = copy.startdate - rich.startdate
    assert shift == 4 * WEEK

    def times(course: Course) -> list[int]:
        events = CalendarEvent.objects.filter(courseid=course.pk).order_by("timestart", "pk")
        return [event.timestart for event in events]

    assert times(rich)
    assert times(copy) == [moment + shift for moment in times(rich)]


@pytest.mark.parametrize("problem", [Cancelled("no"), RuntimeError("no"), KeyboardInterrupt()])
def test_a_copy_that_stops_at_any_step_leaves_nothing(problem: BaseException) -> None:
    place = make_place()
    choices = Choices(category=place.course.category_id, people=True)
    before, steps = row_counts(), 0
    while True:
        job = request_copy(place.course, choices, by=None, notify=False)
        left = steps

        def stop(_: object) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise problem

        if steps == STEPS:
            runner.run(job.pk)
            break
        with pytest.raises(type(problem)):
            runner.run(job.pk, watch=stop, raising=True)
        assert row_counts() == before
        assert Job.objects.get(pk=job.pk).over
        steps += 1
    assert Course.objects.count() == 2


def test_rights_are_asked_at_the_course_and_in_the_category() -> None:
    place = make_place()
    elsewhere = create_category("Elsewhere")
    own = Choices(category=place.course.category_id)
    with pytest.raises(NotAllowed, match="back up"):
        request_copy(place.course, own, by=place.student, notify=False)
    with pytest.raises(NotAllowed, match="in the category"):
        request_copy(place.course, own, by=place.teacher, notify=False)
    boss = person("boss", "editingteacher", place.course)
    manager = Role.objects.get(shortname="manager")
    RoleAssignment.objects.create(contextid=elsewhere.contextid, roleid=manager.pk, userid=boss.pk)
    there = Choices(category=elsewhere.pk)
    assert "moodle/backup:userinfo" not in may(boss, place.course)
    student = Role.objects.get(shortname="student")
    for people in ({"people": True}, {"roles": (student.pk,)}):
        with pytest.raises(NotAllowed, match="copy people"):
            request_copy(place.course, Choices(category=elsewhere.pk, **people), by=boss, notify=False)
    assert copied(place.course, there, by=boss).category == elsewhere
    with pytest.raises(NotFound, match="no category 0"):
        request_copy(place.course, Choices(category=0), by=boss, notify=False)
    with pytest.raises(NotFound, match="no role 0"):
        request_copy(place.course, Choices(category=elsewhere.pk, roles=(0,)), by=boss, notify=False)
    with pytest.raises(UsageError, match="end date"):
        request_copy(
            place.course, Choices(category=elsewhere.pk, startdate=500, enddate=100), by=boss, notify=False
        )


def test_the_worker_asks_for_the_rights_again() -> None:
    place = make_place()
    elsewhere = create_category("Elsewhere")
    boss = person("boss", "editingteacher", place.course)
    manager = Role.objects.get(shortname="manager")
    RoleAssignment.objects.create(contextid=elsewhere.contextid, roleid=manager.pk, userid=boss.pk)
    job = request_copy(place.course, Choices(category=elsewhere.pk), by=boss, notify=False)
    RoleAssignment.objects.filter(contextid=elsewhere.contextid).delete()
    with pytest.raises(NotAllowed):
        runner.run(job.pk, raising=True)
    assert Course.objects.count() == 1
