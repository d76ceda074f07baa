"""Requests to a storage of another machine: one or two for each content, several at the same time, both ways."""

from __future__ import annotations

import re
import tarfile
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages

from courses import pool, sentinel
from courses.models import Course
from restore import files
from restore.request import RestoreRequest
from restore.services import opened, prepare
from tests.archives_made import with_files
from tests.jobs_done import back_up, faults, restore
from tests.slow_storage import SlowStorage

pytestmark = pytest.mark.django_db(transaction=True)

NUMBER = 97
MARGIN = 10
"""Requests beside those for the contents: for the sentinel, and for what the site does once."""


@pytest.fixture
def slow(settings: Any) -> SlowStorage:
    """A pool on another machine."""
    settings.STORAGES = {
        **settings.STORAGES,
        "pool": {"BACKEND": "tests.slow_storage.SlowStorage", "OPTIONS": {"latency": 0.002}},
    }
    storage = storages["pool"]
    assert isinstance(storage, SlowStorage)
    return storage


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return with_files(tmp_path / "a.mbz", [b"content %d" % number for number in range(NUMBER)])


def test_a_restore_looks_for_each_content_once_and_stores_it_once(slow: SlowStorage, archive: Path) -> None:
    restore(archive)
    assert slow.calls["save"] <= NUMBER + 1
    assert slow.calls["exists"] <= NUMBER + MARGIN
    assert slow.calls.total() <= 2 * NUMBER + MARGIN
    assert slow.most_at_once >= 4
    assert set(slow.files) - {sentinel.NAME} == {pool.name_of(name) for name in named(slow)}


def named(slow: SlowStorage) -> set[str]:
    """The SHA-1s of the contents in a storage."""
    return {name.rpartition("/")[2] for name in slow.files} - {sentinel.NAME}


def test_a_restore_of_contents_that_are_here_stores_none(slow: SlowStorage, archive: Path) -> None:
    restore(archive)
    slow.forget_calls()
    restore(archive)
    assert slow.calls["save"] == 0
    assert slow.calls["delete"] == 0
    assert slow.calls.total() <= 2 * NUMBER + MARGIN
    assert slow.most_at_once >= 4


def test_a_review_looks_for_each_content_that_the_archive_lacks_once_and_for_several_at_the_same_time(
    slow: SlowStorage, archive: Path, tmp_path: Path
) -> None:
    lacking, count = tmp_path / "lacking.mbz", 0
    with tarfile.open(archive) as full, tarfile.open(lacking, "w:gz") as target:
        for member in full:
            if not re.fullmatch(r"files/../[0-9a-f]{40}", member.name):
                target.addfile(member, full.extractfile(member))
                continue
            count += 1
    with opened(lacking) as opened_archive:
        context = prepare(opened_archive, RestoreRequest(lacking, None, {}, {}))
        slow.forget_calls()
        found = [finding for finding in files.review_contents(context) if finding.code == "content-missing"]
    assert len(found) == count == NUMBER
    assert slow.calls["exists"] <= NUMBER + MARGIN
    assert slow.most_at_once >= 4


def test_a_backup_looks_for_each_content_once_and_reads_it_once(
    slow: SlowStorage, archive: Path, tmp_path: Path
) -> None:
    course = restore(archive).course
    slow.forget_calls()
    path = back_up(course, tmp_path / "b.mbz")
    assert slow.calls["open"] <= NUMBER + MARGIN
    assert slow.calls.total() <= 2 * NUMBER + MARGIN
    assert slow.most_at_once >= 4
    assert faults(path) == []


def test_a_backup_of_small_contents_read_ahead_is_the_one_of_contents_on_a_disk(
    slow: SlowStorage, archive: Path, tmp_path: Path, settings: Any
) -> None:
    course = restore(archive).course
    ahead = back_up(course, tmp_path / "b.mbz")
    settings.COURSEKEEP_STORAGE_THREADS = 1
    slow.forget_calls()
    one_by_one = back_up(course, tmp_path / "c.mbz")
    assert slow.most_at_once == 1
    assert contents_of(ahead) == contents_of(one_by_one)


def contents_of(path: Path) -> dict[str, bytes]:
    """The contents of files in an archive, by path, in their order."""
    from archive.container import open_archive

    with open_archive(path) as opened:
        return {name: opened.read(name) for name in opened.members if name.startswith("files/")}


def test_no_more_requests_are_made_at_once_than_the_site_allows(
    slow: SlowStorage, archive: Path, settings: Any
) -> None:
    settings.COURSEKEEP_STORAGE_THREADS = 3
    restore(archive)
    assert slow.most_at_once == 3


def test_a_content_that_such_a_storage_lacks_is_told_and_one_that_is_damaged_is_healed(
    slow: SlowStorage, archive: Path, tmp_path: Path
) -> None:
    course: Course = restore(archive).course
    gone, rotten = sorted(named(slow))[:2]
    del slow.files[pool.name_of(gone)]
    slow.files[pool.name_of(rotten)] = b"rotten"
    done = restore(archive)
    assert done.findings.count("content-healed") == 1
    assert pool.is_whole(gone)
    assert pool.is_whole(rotten)
    del slow.files[pool.name_of(gone)]
    path = back_up(course, tmp_path / "b.mbz")
    assert f"files/{gone[:2]}/{gone}" not in contents_of(path)
    assert len(contents_of(path)) >= NUMBER - 1
