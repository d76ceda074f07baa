"""Scheduled backups of a course that has not changed store nothing; each change of its content makes a new archive."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client, override_settings
from django.urls import reverse

from backup import services
from courses import pool
from courses.activities.forum import ForumPost
from courses.changes import change_activity, change_section, delete_activity, move_activity
from courses.models import Activity, Course, File, Section, User
from courses.models.grades import GradeGrade
from courses.models.groups import GroupMember
from courses.services import create_course
from jobs import queue, runner
from jobs.models import Job
from tests.jobs_done import back_up, restore
from tests.people_made import PASSWORD, person
from vault import schedules, storage
from vault.models import Schedule, ScheduleEntry, StoredArchive

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


@pytest.fixture
def transactional_db(standing: None) -> None:
    """The tests of this module share a course that was restored."""


@pytest.fixture(scope="module")
def course(standing: None, fixtures: Path) -> Course:
    """The rich course that Moodle made."""
    return restore(fixtures / "rich1-users.mbz").course


@pytest.fixture
def schedule(transactional_db: None, course: Course) -> Schedule:
    """A schedule of the course that has made an archive."""
    owner = User.objects.filter(username="keeper").first() or person("keeper", "manager")
    made = Schedule(name="Nightly", weekdays=[0], hour=2, owner=owner, scope="list", keep_count=0)
    made.save()
    made.courses.set([course])
    assert ran(made) == ("succeeded", 1)
    return made


def ran(schedule: Schedule) -> tuple[str, int]:
    """Run the schedule now; return the state of its entry, and the number of archives that it has then."""
    run = schedules.start_run(schedule)
    for job in Job.objects.filter(schedule_entry__run=run):
        runner.run(job.pk, raising=True)
    return run.entries.get().state, StoredArchive.objects.filter(schedule=schedule).count()


def activity_of(course: Course, modulename: str) -> Activity:
    return Activity.objects.filter(course=course, modulename=modulename).order_by("pk")[0]


def hide_an_activity(course: Course) -> None:
    activity = activity_of(course, "page")
    Activity.objects.filter(pk=activity.pk).update(visible=not activity.visible)


def change_a_condition(course: Course) -> None:
    rule = '{"op":"&","c":[{"type":"date","d":">=","t":1900000000}],"showc":[true]}'
    Activity.objects.filter(pk=activity_of(course, "page").pk).update(availability=rule)


def delete_a_post(course: Course) -> None:
    post = ForumPost.objects.filter(discussion__forum__owner__course=course).order_by("-pk")[0]
    post.delete()


def rename_a_section(course: Course) -> None:
    change_section(Section.objects.filter(course=course, number=1)[0], name="Renamed")


def rename_an_activity(course: Course) -> None:
    change_activity(activity_of(course, "page"), name="Renamed")


def change_a_grade(course: Course) -> None:
    grade = GradeGrade.objects.filter(item__course=course, finalgrade__isnull=False).order_by("pk")[0]
    GradeGrade.objects.filter(pk=grade.pk).update(finalgrade=12.5)


def leave_a_group(course: Course) -> None:
    GroupMember.objects.filter(group__course=course).order_by("pk")[0].delete()


def change_the_content_of_a_file(course: Course) -> None:
    file = File.objects.filter(course=course, component="mod_page").exclude(filename=".").order_by("pk")[0]
    content = b"another content"
    with pool.in_use():
        sha1, _ = pool.put(io.BytesIO(content))
    File.objects.filter(pk=file.pk).update(contenthash=sha1, filesize=len(content))


def rename_a_file(course: Course) -> None:
    file = File.objects.filter(course=course, component="mod_page").exclude(filename=".").order_by("pk")[0]
    File.objects.filter(pk=file.pk).update(filename="renamed.png")


def move_one_activity(course: Course) -> None:
    forum = activity_of(course, "forum")
    section = Section.objects.filter(course=course, component=None).exclude(pk=forum.section_id)[0]
    move_activity(forum, section)


def delete_one_activity(course: Course) -> None:
    delete_activity(activity_of(course, "label"))


def change_a_name_of_a_person(course: Course) -> None:
    User.objects.filter(username="rich1_s02").update(city="Elsewhere")


CHANGES: tuple[Callable[[Course], None], ...] = (
    hide_an_activity,
    change_a_condition,
    delete_a_post,
    rename_a_section,
    rename_an_activity,
    change_a_grade,
    leave_a_group,
    change_the_content_of_a_file,
    rename_a_file,
    move_one_activity,
    delete_one_activity,
    change_a_name_of_a_person,
)


def test_a_second_attempt_does_not_miss_what_was_deleted_after_the_first(
    schedule: Schedule, course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_section(Section.objects.filter(course=course)[0], name="Changed")
    run = schedules.start_run(schedule)
    job = Job.objects.get(schedule_entry__run=run)
    with monkeypatch.context() as patched:
        patched.setattr(services, "write", stumble)
        runner.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempts) == ("queued", 1)
    activity = activity_of(course, "page")
    assert any(f"page_{activity.pk}" in name for name in job.options)

    delete_activity(activity)
    runner.run(job.pk, raising=True)
    job.refresh_from_db()
    assert (job.state, job.attempts) == ("succeeded", 2)
    assert not any(f"page_{activity.pk}" in name for name in job.options)


def test_an_attempt_that_was_given_up_leaves_the_options_of_the_next_one(
    schedule: Schedule, course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = schedules.start_run(schedule)
    job = Job.objects.get(schedule_entry__run=run)
    given_up = queue.claim(job.pk, worker="one")
    assert given_up is not None
    Job.objects.filter(pk=job.pk).update(attempts=2, options={"users": "1"})
    monkeypatch.setattr(services, "write", stumble)
    with pytest.raises(ZeroDivisionError):
        list(services.perform(given_up))
    job.refresh_from_db()
    assert job.options == {"users": "1"}
    queue.end(queue.mine(job), "failed")


def stumble(*_: Any, **__: Any) -> Any:
    """Stand for the writing of an archive, with a fault of the program."""
    raise ZeroDivisionError


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_change_makes_a_new_archive(
    schedule: Schedule, course: Course, change: Callable[[Course], None]
) -> None:
    change(course)
    assert ran(schedule) == ("succeeded", 2)
    assert ran(schedule) == ("skipped", 2)


def test_nothing_is_stored_if_nothing_has_changed_and_the_report_says_so(
    schedule: Schedule, course: Course
) -> None:
    files = set(Path(storage.archives().path("")).rglob("*.mbz"))
    assert ran(schedule) == ("skipped", 1)
    assert set(Path(storage.archives().path("")).rglob("*.mbz")) == files
    archive = StoredArchive.objects.get(schedule=schedule)
    entry = ScheduleEntry.objects.latest("pk")
    assert entry.reason.startswith(
        f"It has not changed since the archive of {archive.created:%Y-%m-%d %H:%M}"
    )
    job = Job.objects.get(schedule_entry=entry)
    assert (job.state, job.archive, job.result["unchanged"]) == ("succeeded", archive, True)
    client = Client()
    assert client.login(username="keeper", password=PASSWORD)
    page = client.get(reverse("job", args=[job.pk])).content.decode()
    assert "Nothing has changed" in page
    assert "no new one was stored" in page
    assert "The backup is complete" not in page
    page = client.get(reverse("run", args=[entry.run_id])).content.decode()
    assert "It has not changed since the archive of" in page


def test_what_is_read_changes_nothing(schedule: Schedule, course: Course, tmp_path: Path) -> None:
    """Sign-ins, pages, backups by hand, another restore of the same archive and other courses leave the content as it is."""
    client = Client()
    assert client.login(username="keeper", password=PASSWORD)
    client.get(reverse("course", args=[course.pk]))
    restore(back_up(course, tmp_path / "a.mbz"))
    create_course("Z", "Another course")
    assert ran(schedule) == ("skipped", 1)


def test_the_same_archive_restored_is_a_course_of_its_own(
    schedule: Schedule, course: Course, tmp_path: Path
) -> None:
    other = restore(back_up(course, tmp_path / "a.mbz")).course
    schedule.courses.set([other])
    assert ran(schedule) == ("succeeded", 2)
    assert ran(schedule) == ("skipped", 2)
    schedule.courses.set([course])
    assert ran(schedule) == ("skipped", 2)


@pytest.mark.parametrize("options", [{"users": "0"}, {"anonymize": "1"}, {"logs": "1", "container": "zip"}])
def test_other_ways_of_backing_up_are_recognised_too(
    schedule: Schedule, course: Course, options: dict[str, Any]
) -> None:
    schedule.options = options
    schedule.save()
    assert ran(schedule) == ("succeeded", 2)
    assert ran(schedule) == ("skipped", 2)


def test_another_key_of_the_site_changes_pseudonyms_but_no_other_content(
    schedule: Schedule, course: Course
) -> None:
    with override_settings(SITE_KEY="another"):
        assert ran(schedule) == ("skipped", 1)
        schedule.options = {"anonymize": "1"}
        schedule.save()
        assert ran(schedule) == ("succeeded", 2)
    assert ran(schedule) == ("succeeded", 3)


def test_the_timetable_does_the_same(schedule: Schedule, course: Course) -> None:
    Schedule.objects.filter(pk=schedule.pk).update(next_run=NOW)
    [run] = schedules.queue_due(now=NOW + timedelta(minutes=1))
    runner.run(Job.objects.get(schedule_entry__run=run).pk, raising=True)
    assert run.entries.get().state == "skipped"
