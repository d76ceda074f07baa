"""A storage that is not mounted: jobs that need it fail with a sentence; nothing is written, swept or called missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archive.errors import StorageAway
from backup.services import request_backup
from courses import pool
from courses.models import Course
from jobs import runner
from jobs.models import Job
from restore.services import request_restore, review
from tests.archives_made import small
from tests.jobs_done import back_up, restore
from tests.people_made import person
from vault import storage
from vault.checks import request_check
from vault.models import LooseFile, StoredArchive
from vault.tasks import sweep

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def course(own_storages: Path, tmp_path: Path) -> Course:
    """A course with a file, whose archive is stored."""
    course = restore(small(tmp_path / "a.mbz")).course
    runner.run(request_backup(course, by=None, notify=False).pk, raising=True)
    return course


@pytest.fixture
def unmount(own_storages: Path) -> Callable[[str], Path]:
    """Put an empty folder in the place of a storage, and return it."""

    def replace(alias: str) -> Path:
        (own_storages / alias).rename(own_storages / f"{alias}-unmounted")
        (own_storages / alias).mkdir()
        return own_storages / alias

    return replace


def failed(ask: Callable[[], Job], alias: str) -> Job:
    """Run a job that fails, as its storage is away."""
    job = ask()
    runner.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error_code) == ("failed", "storage-away")
    assert f"“{alias}”" in job.error
    assert "Mount the disk" in job.error_hint
    assert not job.findings.filter(code__startswith="content").exists()
    return job


def test_a_backup_without_the_pool_makes_no_archive(course: Course, unmount: Any, tmp_path: Path) -> None:
    empty = unmount("pool")
    failed(lambda: request_backup(course, by=None), "pool")
    failed(lambda: request_backup(course, by=None, path=str(tmp_path / "b.mbz")), "pool")
    assert StoredArchive.objects.count() == 1
    assert not (tmp_path / "b.mbz").exists()
    assert list(empty.iterdir()) == []


def test_a_backup_without_the_storage_of_archives_fails_before_it_begins(
    course: Course, unmount: Any
) -> None:
    empty = unmount("archives")
    job = failed(lambda: request_backup(course, by=None), "archives")
    assert job.steps == []
    assert list(empty.iterdir()) == []


def test_a_backup_into_a_file_needs_no_storage_of_archives(
    course: Course, unmount: Any, tmp_path: Path
) -> None:
    unmount("archives")
    assert back_up(course, tmp_path / "b.mbz").exists()


def test_a_restore_without_the_pool_restores_nothing(course: Course, unmount: Any, tmp_path: Path) -> None:
    empty = unmount("pool")
    failed(lambda: request_restore(tmp_path / "a.mbz", by=None), "pool")
    with pytest.raises(StorageAway):
        review(tmp_path / "a.mbz", by=None, target={}, options={})
    assert Course.objects.count() == 1
    assert list(empty.iterdir()) == []


def test_a_check_without_the_storage_does_not_call_the_archive_damaged(course: Course, unmount: Any) -> None:
    archive = StoredArchive.objects.get()
    unmount("archives")
    failed(lambda: request_check(archive, by=person("root", is_superuser=True)), "archives")
    archive.refresh_from_db()
    assert (archive.verified, archive.verify_errors) == (None, 0)
    with pytest.raises(StorageAway):
        storage.require_file(archive)


def test_an_archive_that_is_removed_without_its_storage_is_removed_from_it_later(
    course: Course, unmount: Any
) -> None:
    archive = StoredArchive.objects.get()
    unmount("archives")
    storage.remove(archive)
    assert LooseFile.objects.count() == 1


def test_nothing_is_swept_in_an_empty_folder(
    course: Course, unmount: Any, caplog: pytest.LogCaptureFixture
) -> None:
    unmount("pool")
    unmount("archives")
    LooseFile.objects.create(file="old", since="2020-01-01T00:00Z")
    sweep()
    assert LooseFile.objects.count() == 1
    assert [line.count("Nothing was swept.") for line in caplog.messages].count(1) == 2


def test_a_pool_that_goes_away_during_a_backup_makes_no_archive_without_files(
    course: Course, unmount: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = pool.present

    def away(sha1s: Any) -> set[str]:
        unmount("pool")
        return true(sha1s)

    monkeypatch.setattr(pool, "present", away)
    failed(lambda: request_backup(course, by=None), "pool")
    assert StoredArchive.objects.count() == 1


def test_a_pool_that_goes_away_while_an_archive_is_packed_makes_no_archive_without_files(
    course: Course, unmount: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = pool.open_content

    def away(sha1: str) -> Any:
        unmount("pool")
        return true(sha1)

    monkeypatch.setattr(pool, "open_content", away)
    failed(lambda: request_backup(course, by=None), "pool")
    assert StoredArchive.objects.count() == 1
