"""Changes while a job waits or runs end it with one sentence that says what changed, and does not blame the archive."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection

from archive.errors import Busy, CoursekeepError, NotFound
from backup.services import request_backup
from courses.models import Category, Course, User
from courses.services import create_course, delete_course
from jobs import queue, runner
from jobs.events import Event, Progress
from jobs.models import Job
from restore.services import request_restore
from tests.archives_made import small
from tests.jobs_done import back_up
from tests.people_made import person
from vault import storage
from vault.models import StoredArchive

pytestmark = pytest.mark.django_db(transaction=True)


def beside(change: Callable[[], object]) -> None:
    """Make a change on another connection, and wait for it."""

    def run() -> None:
        try:
            change()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()


def run_with(job: Job, step: str, change: Callable[[], object]) -> CoursekeepError:
    """Run a job, make a change when the step begins, and return the error with which the job ends."""
    done: list[str] = []

    def watch(event: Event) -> None:
        if isinstance(event, Progress) and event.step == step and not done:
            done.append(step)
            beside(change)

    with pytest.raises(CoursekeepError) as refused:
        runner.run(job.pk, raising=True, watch=watch)
    assert done
    job.refresh_from_db()
    assert job.state == Job.State.FAILED
    assert "archive was changed" not in job.error_hint
    return refused.value


def test_a_target_course_that_is_deleted_meanwhile_is_named(tmp_path: Path) -> None:
    course = create_course("TARGET", "Target")
    path = small(tmp_path / "a.mbz", {"moodle_backup.xml": ("<type>course", "<type>section")})
    job = request_restore(path, by=None, target={"course": course.pk}, notify=False)
    error = run_with(job, "Match the roles", lambda: delete_course(course))
    assert isinstance(error, NotFound)
    assert "The course that the archive goes into was deleted" in error.message


def test_a_category_that_is_deleted_meanwhile_is_named(tmp_path: Path) -> None:
    category = Category.objects.create(name="Short-lived", contextid=987_654)
    path = small(tmp_path / "a.mbz")
    job = request_restore(path, by=None, target={"category": category.pk}, notify=False)
    error = run_with(job, "Match the roles", category.delete)
    assert isinstance(error, NotFound)
    assert "The category that the archive goes into was deleted" in error.message


def test_an_account_that_is_made_meanwhile_is_no_fault_of_the_archive(tmp_path: Path) -> None:
    job = request_restore(small(tmp_path / "a.mbz"), by=None, notify=False)
    error = run_with(job, "Match the people", lambda: person("anna"))
    assert isinstance(error, Busy)
    assert "Somebody else made or changed the account “anna”" in error.message
    assert "decide about this person" in error.hint


def test_an_account_of_the_same_person_that_is_made_meanwhile_is_matched(tmp_path: Path) -> None:
    job = request_restore(small(tmp_path / "a.mbz"), by=None, notify=False)
    made: list[User] = []

    def watch(event: Event) -> None:
        if isinstance(event, Progress) and event.step == "Match the people" and not made:
            beside(lambda: made.append(User.objects.create_user("anna", "anna@example.com")))

    runner.run(job.pk, raising=True, watch=watch)
    job.refresh_from_db()
    assert job.result["people_created"] == 1
    assert User.objects.filter(username="anna").get() == made[0]


def test_a_course_that_is_deleted_while_it_is_backed_up_leaves_no_archive(tmp_path: Path) -> None:
    course = create_course("SOURCE", "Source")
    job = request_backup(course, by=None, notify=False)
    error = run_with(job, "Write the files", lambda: delete_course(course))
    assert "The course was deleted while it was backed up" in error.message
    assert not StoredArchive.objects.exists()


def test_a_course_that_is_deleted_before_its_backup_is_named() -> None:
    course = create_course("SOURCE", "Source")
    job = request_backup(course, by=None, notify=False)
    delete_course(course)
    with pytest.raises(NotFound, match="The course of this job is not there any more"):
        runner.run(job.pk, raising=True)


def test_an_archive_that_is_removed_while_its_restore_waits_is_named(tmp_path: Path) -> None:
    course = create_course("SOURCE", "Source")
    runner.run(request_backup(course, by=None, notify=False).pk, raising=True)
    stored = StoredArchive.objects.get()
    job = request_restore(stored, by=None, notify=False)
    stored.delete()
    with pytest.raises(NotFound, match="The archive of this job is not there any more"):
        runner.run(job.pk, raising=True)


def test_the_stored_file_of_an_archive_that_is_gone_is_named(tmp_path: Path) -> None:
    course = create_course("SOURCE", "Source")
    runner.run(request_backup(course, by=None, notify=False).pk, raising=True)
    stored = StoredArchive.objects.get()
    job = request_restore(stored, by=None, notify=False)
    storage.archives().delete(stored.file)
    with pytest.raises(NotFound, match="is gone from the storage"):
        runner.run(job.pk, raising=True)


def test_a_file_that_is_removed_while_its_restore_waits_is_named(tmp_path: Path) -> None:
    path = small(tmp_path / "a.mbz")
    job = request_restore(path, by=None, notify=False)
    path.unlink()
    with pytest.raises(NotFound, match="There is no such file"):
        runner.run(job.pk, raising=True)


def test_a_file_that_is_replaced_while_its_restore_waits_is_named(tmp_path: Path) -> None:
    path = small(tmp_path / "a.mbz")
    job = request_restore(path, by=None, notify=False)
    back_up(create_course("OTHER", "Another course"), path)
    with pytest.raises(NotFound, match="was replaced"):
        runner.run(job.pk, raising=True)
    assert not Course.objects.filter(fullname="A sample").exists()


def test_a_cancelled_job_says_that_it_was_cancelled(tmp_path: Path) -> None:
    job = request_restore(small(tmp_path / "a.mbz"), by=None, notify=False)
    queue.cancel(job, by=None)
    assert job.error == "The job was cancelled before it began."
