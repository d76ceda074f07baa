"""Failures at every step, of restores and of backups: as if nothing had been, and the next attempt works."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages

from archive.container import open_archive
from archive.errors import Cancelled, InvalidValue, NoSpace, NotAllowed
from backup.services import request_backup
from courses import sentinel
from courses.models import Course, RoleAssignment
from courses.services import create_course, default_category
from jobs import events, operations, runner
from jobs.models import Job
from restore.old_content import NotBackedUp
from restore.services import request_restore
from tests.archive import sample
from tests.archives_made import members, packed, small, texts
from tests.jobs_done import back_up, faults, restore, row_counts
from tests.people_made import person
from vault.models import StoredArchive


class Mishap(RuntimeError):
    """An error that no code of the site expects."""


@pytest.fixture
def transactional_db(standing: None) -> None:
    """The tests of this module share a database in which failures may leave nothing."""


def failing(monkeypatch: pytest.MonkeyPatch, operation: str, step: int, error: Exception) -> list[Any]:
    """Makes an operation fail at its n-th event; the list gets all events that came."""
    true = operations.operations[operation]
    seen: list[Any] = []

    def run(job: Job) -> events.Steps:
        steps = true(job)
        while True:
            try:
                event = next(steps)
            except StopIteration as end:
                result: dict[str, Any] | None = end.value
                return result
            if len(seen) == step:
                steps.throw(error)
            seen.append(event)
            yield event

    monkeypatch.setitem(operations.operations, operation, run)
    return seen


def run_failing(operation: str, ask: Callable[[], Job], error: type[Exception]) -> int:
    """Fails an operation at each of its events, one after the other; how many there are."""
    for step in range(1000):
        with pytest.MonkeyPatch.context() as patch:
            seen = failing(patch, operation, step, error("on purpose"))
            before = row_counts()
            job = ask()
            try:
                runner.run(job.pk, raising=True)
            except error:
                pass
            else:
                return len(seen)
            assert len(seen) == step
            assert row_counts() == before, f"event {step}: {seen[-1] if seen else 'the first'}"
            job.refresh_from_db()
            assert job.state in {Job.State.FAILED, Job.State.CANCELLED}
            assert job.committed is None
    raise AssertionError("There is no end of events.")


@pytest.mark.parametrize("error", [Mishap, Cancelled])
def test_a_restore_that_fails_at_any_step_leaves_nothing(
    transactional_db: None, tmp_path: Path, error: type[Exception]
) -> None:
    path = small(tmp_path / "a.mbz")
    events = run_failing("restore", lambda: request_restore(path, by=None, notify=False), error)
    assert events > 30


def test_a_part_that_fails_at_any_step_leaves_the_course_as_it_was(
    transactional_db: None, tmp_path: Path
) -> None:
    course = create_course("TARGET", "Target")
    path = small(tmp_path / "a.mbz", {"moodle_backup.xml": ("<type>course", "<type>section")})
    target = {"course": course.pk, "position": 1}
    before = list(course.sections.values()), course.timemodified
    events = 0

    def ask() -> Job:
        nonlocal events
        course.refresh_from_db()
        if not events:
            assert (list(course.sections.values()), course.timemodified) == before
        return request_restore(path, by=None, target=target, notify=False)

    events = run_failing("restore", ask, Mishap)
    assert events > 20
    assert course.sections.count() == 2


def test_a_replacement_that_fails_at_any_step_leaves_the_old_content(
    transactional_db: None, tmp_path: Path
) -> None:
    course = restore(small(tmp_path / "old.mbz")).course
    path = small(tmp_path / "new.mbz", {"activities/page_32/page.xml": ("<name>Reading", "<name>Rewriting")})
    old = back_up(course, tmp_path / "before.mbz", logs=1, grade_histories=1)
    target = {"course": course.pk, "replace": True}

    def ask() -> Job:
        now = back_up(course, tmp_path / "now.mbz", logs=1, grade_histories=1)
        assert texts(now).items() - texts(old).items() <= {
            ("moodle_backup.xml", texts(now)["moodle_backup.xml"])
        }
        return request_restore(path, by=None, target=target, options={"backup_first": 0}, notify=False)

    events = run_failing("restore", ask, Mishap)
    assert events > 40
    assert course.activities.get(modulename="page").page.name == "Rewriting"


def test_a_failing_backup_of_the_old_content_stops_its_replacement(
    transactional_db: None, tmp_path: Path
) -> None:
    course = restore(small(tmp_path / "a.mbz")).course
    before = row_counts()
    with pytest.MonkeyPatch.context() as patch:
        failing(patch, "backup", 12, OSError(28, "No space left on device"))
        with pytest.raises(NotBackedUp, match="could not be backed up, so nothing was replaced"):
            restore(tmp_path / "a.mbz", target={"course": course.pk, "replace": True})
    assert row_counts() == before


@pytest.fixture(scope="module")
def made(standing: None, tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A course to back up."""
    return restore(small(tmp_path_factory.mktemp("made") / "a.mbz")).course


def test_a_backup_that_fails_at_any_step_leaves_no_archive(transactional_db: None, made: Course) -> None:
    sentinel.mark("archives")  # The first backup would, and its mark stays.
    stored = set(everything("archives"))
    found = []

    def ask() -> Job:
        found.append(set(everything("archives")) - stored)
        return request_backup(made, by=None, notify=False)

    events = run_failing("backup", ask, Mishap)
    assert events > 30
    assert set().union(*found) == set()
    archive = StoredArchive.objects.get()
    assert {archive.file} == set(everything("archives")) - stored


def test_a_backup_into_a_file_that_fails_leaves_the_file_that_was_there(
    transactional_db: None, made: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.mbz"
    path.write_bytes(b"the last good one")
    failing(monkeypatch, "backup", 12, Mishap("on purpose"))
    with pytest.raises(Mishap):
        back_up(made, path)
    assert [each.name for each in tmp_path.iterdir()] == ["a.mbz"]
    assert path.read_bytes() == b"the last good one"


def test_a_failure_while_the_archive_is_packed_leaves_no_file(
    transactional_db: None, made: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("archive.writer.ArchiveWriter.finish", no_room)
    before = row_counts()
    with pytest.raises(NoSpace, match="no space left"):
        back_up(made, tmp_path / "a.mbz")
    assert list(tmp_path.iterdir()) == []
    assert row_counts() == before


def test_a_content_that_is_gone_is_told_and_the_rest_is_backed_up(
    transactional_db: None, made: Course, tmp_path: Path
) -> None:
    name = f"{sample.PICTURE_HASH[:2]}/{sample.PICTURE_HASH[2:4]}/{sample.PICTURE_HASH}"
    storages["pool"].delete(name)
    path = back_up(made, tmp_path / "a.mbz")
    job = Job.objects.latest("pk")
    assert [finding.code for finding in job.findings.all()] == ["content-gone"]
    assert faults(path) == []
    with open_archive(path) as archive:
        assert b"a.png" not in archive.read("files.xml")


def test_a_content_that_was_changed_in_the_pool_is_told_and_the_rest_is_backed_up(
    transactional_db: None, tmp_path: Path
) -> None:
    course = restore(small(tmp_path / "a.mbz")).course
    place = Path(
        storages["pool"].path(f"{sample.PICTURE_HASH[:2]}/{sample.PICTURE_HASH[2:4]}/{sample.PICTURE_HASH}")
    )
    place.write_bytes(b"X" * len(sample.PICTURE))
    try:
        path = back_up(course, tmp_path / "b.mbz")
        [finding] = Job.objects.latest("pk").findings.filter(code="content-damaged")
        assert sample.PICTURE_HASH in finding.place
        assert faults(path) == []
        with open_archive(path) as archive:
            assert sample.PICTURE_HASH not in archive.read("files.xml").decode()
    finally:
        place.unlink()


def test_the_archive_that_changed_after_it_was_asked_for_is_looked_at_again(
    transactional_db: None, tmp_path: Path
) -> None:
    path = small(tmp_path / "a.mbz")
    job = request_restore(path, by=None, notify=False)
    path.write_bytes(packed(members() | {"groups.xml": b"<groups><group id='x'/></groups>"}))
    before = row_counts()
    with pytest.raises(InvalidValue, match="group"):
        runner.run(job.pk, raising=True)
    assert row_counts() == before


def test_a_right_to_restore_that_is_taken_away_meanwhile_stops_the_worker(
    transactional_db: None, tmp_path: Path
) -> None:
    manager = person("mia", "manager")
    job = request_restore(small(tmp_path / "a.mbz"), by=manager, notify=False)
    RoleAssignment.objects.filter(userid=manager.pk).delete()
    before = row_counts()
    with pytest.raises(NotAllowed):
        runner.run(job.pk, raising=True)
    assert row_counts() == before
    job.refresh_from_db()
    assert (job.state, job.error_code) == (Job.State.FAILED, "not-allowed")


def test_the_right_to_peoples_work_that_is_taken_away_meanwhile_stops_the_worker(
    transactional_db: None, tmp_path: Path
) -> None:
    manager = person("milo", "manager", at=default_category())
    teacher = person("tina", "coursecreator", "editingteacher", at=default_category())
    asked = request_restore(small(tmp_path / "a.mbz"), by=teacher, notify=False)
    assert asked.options["users"] == "0"
    more = request_restore(tmp_path / "a.mbz", by=manager, notify=False, options={"users": 0})
    Job.objects.filter(pk=more.pk).update(options={**more.options, "users": "1"}, requested_by=teacher)
    before = row_counts()
    with pytest.raises(NotAllowed, match="users"):
        runner.run(more.pk, raising=True)
    assert row_counts() == before


def test_a_right_to_back_up_that_is_taken_away_meanwhile_stops_the_worker(
    transactional_db: None, made: Course
) -> None:
    teacher = person("tessa", "editingteacher", at=made)
    job = request_backup(made, by=teacher, notify=False)
    RoleAssignment.objects.filter(userid=teacher.pk).delete()
    before = row_counts()
    with pytest.raises(NotAllowed):
        runner.run(job.pk, raising=True)
    assert row_counts() == before


def everything(alias: str, folder: str = "") -> Iterator[str]:
    """The names of all files in a storage."""
    storage = storages[alias]
    if not storage.exists(folder) and folder == "":
        return
    folders, files = storage.listdir(folder)
    for name in files:
        yield f"{folder}/{name}".lstrip("/")
    for name in folders:
        yield from everything(alias, f"{folder}/{name}".lstrip("/"))
