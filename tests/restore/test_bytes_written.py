"""Bytes written: a restore writes a content twice, into the spool and into the pool; a backup writes it once."""

from __future__ import annotations

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

pytestmark = pytest.mark.django_db(transaction=True)

COUNTS = Path("/proc/self/io")
SIZE = 8_000_000
"""Bytes of each content: more than is held in memory anywhere."""


def written(work: Callable[[], Any]) -> float:
    """Do something and return how many times the bytes of the two contents were written."""

    def count() -> int:
        return int(dict(line.split(": ") for line in COUNTS.read_text().splitlines())["wchar"])

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
