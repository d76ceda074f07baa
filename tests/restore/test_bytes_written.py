"""Bytes read and written: a restore writes a content twice, into spool and pool; a backup reads and writes it once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backup.services import request_backup
from courses.models import Course
from jobs import runner
from jobs.models import Job
from tests.archives_made import with_files
from tests.jobs_done import restore
from vault import storage
from vault.models import StoredArchive

pytestmark = pytest.mark.django_db(transaction=True)

COUNTS = Path("/proc/self/io")
SIZE = 8_000_000
"""Bytes of each content: more than is held in memory anywhere."""


def written(work: Callable[[], Any], *, counted: str = "wchar") -> float:
    """Do something and return how many times the bytes of the two contents were written, or for `rchar` read."""

    def count() -> int:
        return int(dict(line.split(": ") for line in COUNTS.read_text().splitlines())[counted])

    before = count()
    work()
    return (count() - before) / (2 * SIZE)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    if not COUNTS.exists():
        pytest.skip("this system does not count the bytes that a process writes")
    return with_files(tmp_path / "a.mbz", [os.urandom(SIZE), os.urandom(SIZE)])


def test_a_restore_writes_each_byte_twice_at_most(own_storages: Path, archive: Path) -> None:
    assert written(lambda: restore(archive)) <= 2.2


def test_a_restore_of_contents_that_are_here_writes_each_byte_once(own_storages: Path, archive: Path) -> None:
    restore(archive)
    assert written(lambda: restore(archive)) <= 1.2


def test_a_restore_of_a_stored_archive_writes_each_byte_twice_at_most(
    own_storages: Path, archive: Path
) -> None:
    stored = storage.record(storage.put(archive, title="a.mbz"))
    assert written(lambda: restore(stored)) <= 2.2


def test_a_backup_writes_each_byte_once(own_storages: Path, archive: Path, settings: Any) -> None:
    settings.COURSEKEEP_SPOOL = str(own_storages / "spool")
    course: Course = restore(archive).course
    job: Job = request_backup(course, by=None, notify=False)
    assert written(lambda: runner.run(job.pk, raising=True)) <= 1.2


@pytest.mark.parametrize("to_a_file", [True, False], ids=["into a file", "into the stored archives"])
def test_a_backup_reads_each_byte_once(
    own_storages: Path, archive: Path, settings: Any, tmp_path: Path, to_a_file: bool
) -> None:
    settings.COURSEKEEP_SPOOL = str(own_storages / "spool")
    course: Course = restore(archive).course
    job: Job = request_backup(
        course, by=None, path=str(tmp_path / "b.mbz") if to_a_file else "", notify=False
    )
    assert written(lambda: runner.run(job.pk, raising=True), counted="rchar") <= 1.2


def test_the_digest_of_a_stored_backup_is_that_of_its_file(own_storages: Path, archive: Path) -> None:
    course: Course = restore(archive).course
    job: Job = request_backup(course, by=None, notify=False)
    runner.run(job.pk, raising=True)
    stored = StoredArchive.objects.get(pk=Job.objects.get(pk=job.pk).result["archive_id"])
    with storage.open_stored(stored) as stream:
        data = stream.read()
    assert (stored.size, stored.sha256) == (len(data), hashlib.sha256(data).hexdigest())
