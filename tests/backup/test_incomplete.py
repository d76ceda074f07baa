"""An archive that lacks a content is incomplete: never good, never a reason to skip, and the run of its schedule is red."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from backup.services import request_backup
from courses import pool
from courses.models import Course, File
from jobs import runner
from jobs.models import Job
from tests.archive import sample
from tests.archives_made import small
from tests.jobs_done import restore
from tests.people_made import person
from vault import schedules
from vault.models import Schedule, ScheduleRun, StoredArchive

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def course(own_storages: Path, tmp_path: Path) -> Course:
    """A course with one file."""
    return restore(small(tmp_path / "a.mbz")).course


def lose_the_content() -> None:
    pool.storage().delete(pool.name_of(sample.PICTURE_HASH))


def backed_up(course: Course) -> StoredArchive:
    """Back up a course and return the archive."""
    job = request_backup(course, by=None, notify=False)
    runner.run(job.pk, raising=True)
    archive = Job.objects.get(pk=job.pk).archive
    assert archive is not None
    return archive


def night(schedule: Schedule, number: int) -> ScheduleRun:
    """Run a schedule on a night and return the run when it has ended."""
    run = schedules.start_run(schedule, now=timezone.now() + timedelta(days=number))
    for job in Job.objects.filter(state=Job.State.QUEUED):
        runner.run(job.pk, raising=True)
    run.refresh_from_db()
    return run


@pytest.fixture
def schedule(course: Course) -> Schedule:
    schedule = Schedule.objects.create(
        name="Nightly",
        scope="list",
        weekdays=[0],
        owner=person("root", is_superuser=True),
        options={},
        keep_count=1,
    )
    schedule.courses.add(course)
    return schedule


@pytest.mark.parametrize("content", [None, b"rotten"])
def test_an_archive_without_a_content_is_not_good(course: Course, content: bytes | None) -> None:
    assert backed_up(course).good
    lose_the_content()
    if content is not None:
        pool.storage().save(pool.name_of(sample.PICTURE_HASH), io.BytesIO(content))
    archive = backed_up(course)
    assert (archive.missing_contents, archive.good) == (1, False)


def test_a_content_that_two_files_have_is_missing_once(course: Course) -> None:
    second = File.objects.get(course=course, contenthash=sample.PICTURE_HASH)
    second.pk, second.filename = None, "again.png"
    second.save()
    lose_the_content()
    assert backed_up(course).missing_contents == 1


def test_a_backup_that_leaves_contents_out_by_choice_lacks_none(course: Course) -> None:
    lose_the_content()
    job = request_backup(course, by=None, options={"files": "0"}, notify=False)
    runner.run(job.pk, raising=True)
    assert StoredArchive.objects.get().good


def test_the_run_is_red_and_its_entry_says_what_is_missing(schedule: Schedule) -> None:
    lose_the_content()
    run = night(schedule, 1)
    assert (run.report["succeeded"], run.report["incomplete"]) == (1, 1)
    assert run.entries.get().reason.startswith("The archive is incomplete: 1 content is missing")


def test_an_incomplete_archive_is_no_reason_to_skip_the_course(schedule: Schedule) -> None:
    lose_the_content()
    assert [night(schedule, number).entries.get().state for number in (1, 2)] == ["succeeded"] * 2


def test_an_incomplete_archive_costs_no_good_one(schedule: Schedule) -> None:
    night(schedule, 1)
    good = StoredArchive.objects.get()
    lose_the_content()
    for number in (2, 3, 4):
        night(schedule, number)
    left = StoredArchive.objects.order_by("pk")
    assert [archive.good for archive in left] == [True, False]
    assert left[0] == good


def test_pages_and_lists_say_incomplete(schedule: Schedule, course: Course) -> None:
    lose_the_content()
    run = night(schedule, 1)
    archive = StoredArchive.objects.get()
    client = Client()
    client.force_login(person("admin", is_superuser=True))
    pages = [
        ("archives", []),
        ("archive", [archive.pk]),
        ("courses", []),
        ("course", [course.pk]),
        ("run", [run.pk]),
        ("schedule", [schedule.pk]),
        ("schedules", []),
        ("jobs", []),
        ("administration", []),
        ("job", [Job.objects.get(operation="backup").pk]),
    ]
    for name, arguments in pages:
        page = client.get(reverse(name, args=arguments), follow=True).content.decode()
        assert "Incomplete" in page.partition("</nav>")[2], name
    assert course.fullname in client.get("/?state=damaged").content.decode()
