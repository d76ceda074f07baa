"""Full disks and storages that do not answer: one sentence in the job and on the command line, and nothing is left behind."""

from __future__ import annotations

import errno
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages
from django.core.management import call_command

from archive.errors import NoSpace, StorageFailed
from archive.spool import Spool
from backup.services import request_backup
from courses import local_storage, pool, sentinel
from courses.models import Course
from jobs import runner, spool
from jobs.models import Job
from restore.services import request_restore
from tests.archives_made import small, with_files
from tests.conftest import PROJECT
from tests.jobs_done import restore, row_counts
from tests.slow_storage import SlowStorage
from vault.models import LooseFile, StoredArchive

pytestmark = pytest.mark.django_db(transaction=True)


def full(*_: Any) -> Any:
    """Do what the system does when the disk is full."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class FullFile(io.BytesIO):
    """A file on a disk that is full."""

    write = full


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    """A spool of the test's own."""
    settings.COURSEKEEP_SPOOL = str(tmp_path / "spool")
    return tmp_path / "spool"


@pytest.fixture
def course(own_storages: Path, folder: Path, tmp_path: Path) -> Course:
    return restore(small(tmp_path / "a.mbz")).course


def left(folder: Path) -> list[Path]:
    """The files below a folder but the sentinels."""
    return [path for path in folder.rglob("*") if path.is_file() and path.name != sentinel.NAME]


def failed(job: Job, code: str = "no-space") -> Job:
    """Run a job that fails by a disk; it is not tried again."""
    runner.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error_code) == ("failed", code)
    assert job.error_hint
    assert "\n" not in f"{job.error}{job.error_hint}"
    return job


def test_a_backup_that_fills_the_spool_says_so_and_leaves_nothing(
    course: Course, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Spool, "append", full)
    job = failed(request_backup(course, by=None))
    assert str(folder) in job.error
    assert "no space left" in job.error
    assert left(folder) == []
    assert not StoredArchive.objects.exists()


def test_a_backup_that_fills_the_storage_of_archives_says_so_and_leaves_nothing(
    course: Course, own_storages: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_storage, "_moved", lambda *_: False)
    monkeypatch.setattr(local_storage, "_write_all", full)
    job = failed(request_backup(course, by=None))
    assert "“archives”" in job.error
    assert left(own_storages / "archives") == left(folder) == []
    assert not LooseFile.objects.exists()


def test_a_restore_that_fills_the_spool_says_so_and_leaves_nothing(
    course: Course, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = small(tmp_path / "b.mbz")
    job = request_restore(path, by=None)
    before = row_counts()
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: FullFile())
    assert str(folder) in failed(job).error
    assert row_counts() == before
    assert left(folder) == []


def test_a_restore_that_fills_the_pool_says_so_and_leaves_nothing(
    course: Course, own_storages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = with_files(tmp_path / "b.mbz", [b"new %d" % number for number in range(5)])
    job = request_restore(path, by=None)
    before, files = row_counts(), left(own_storages / "pool")
    monkeypatch.setattr(local_storage, "_write_all", full)
    assert "“pool”" in failed(job).error
    assert row_counts() == before
    assert left(own_storages / "pool") == files


def test_contents_that_the_disk_does_not_take_at_the_end_are_not_called_stored(
    course: Course, own_storages: Path, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {**settings.STORAGES["pool"]["OPTIONS"], "fsync": True}
    settings.STORAGES = {**settings.STORAGES, "pool": {**settings.STORAGES["pool"], "OPTIONS": options}}
    job = request_restore(with_files(tmp_path / "b.mbz", [b"new"]), by=None)
    before = row_counts()
    monkeypatch.setattr(os, "fsync", full)
    assert "“pool”" in failed(job).error
    assert row_counts() == before


@pytest.mark.parametrize("error", [TimeoutError("timed out"), ConnectionResetError("reset")])
def test_a_storage_of_another_machine_that_does_not_answer_fails_the_job(
    own_storages: Path, settings: Any, tmp_path: Path, error: Exception
) -> None:
    settings.STORAGES = {**settings.STORAGES, "pool": {"BACKEND": "tests.slow_storage.SlowStorage"}}
    slow = storages["pool"]
    assert isinstance(slow, SlowStorage)
    restored = restore(with_files(tmp_path / "b.mbz", [b"one", b"two"])).course
    slow.failing = error
    for job in (request_backup(restored, by=None), request_restore(tmp_path / "b.mbz", by=None)):
        assert "It does not answer" in failed(job, "storage").error
    slow.failing = None
    assert not StoredArchive.objects.exists()


def test_a_storage_that_stops_to_answer_while_contents_are_packed_leaves_no_file_out(
    own_storages: Path, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.STORAGES = {**settings.STORAGES, "pool": {"BACKEND": "tests.slow_storage.SlowStorage"}}
    slow = storages["pool"]
    assert isinstance(slow, SlowStorage)
    restored = restore(with_files(tmp_path / "b.mbz", [b"one", b"two"])).course
    true = pool.present

    def last_answer(sha1s: Any) -> set[str]:
        found = true(sha1s)
        slow.failing = TimeoutError("timed out")
        return found

    monkeypatch.setattr(pool, "present", last_answer)
    failed(request_backup(restored, by=None), "storage")
    assert not StoredArchive.objects.exists()
    monkeypatch.undo()
    slow.failing = None


def test_the_command_says_one_sentence_and_one_object(
    course: Course, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Spool, "append", full)
    with pytest.raises(NoSpace) as caught:
        call_command("backup", course.pk, "-o", str(tmp_path / "out.mbz"), "--json")
    said = json.loads(capsys.readouterr().out)
    assert said["error"]["code"] == "no-space"
    assert caught.value.exit_code == 9
    assert caught.value.where.endswith(str(tmp_path))
    assert not list(tmp_path.glob("*out.mbz*"))
    assert not list(tmp_path.glob(".coursekeep*"))


def test_a_command_that_runs_no_job_says_a_sentence_too(
    course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Spool, "append", full)
    with pytest.raises(StorageFailed):
        call_command("anonymise", str(tmp_path / "a.mbz"), str(tmp_path / "out.mbz"))


def test_a_process_that_may_write_no_large_file_ends_with_a_sentence(
    course: Course, site_environment: dict[str, str], tmp_path: Path
) -> None:
    path = with_files(tmp_path / "b.mbz", [os.urandom(3_000_000)])
    home = tmp_path / "files"
    storage = {
        alias: {**where, "OPTIONS": {**where["OPTIONS"], "location": str(home / alias)}}
        for alias, where in _folders()
    }
    environment = {
        **site_environment,
        "COURSEKEEP_STORAGES": json.dumps(storage),
        "COURSEKEEP_SPOOL": str(home / "spool"),
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "restore", str(path), "--json"],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000)),
    )
    assert done.returncode == 9, done.stderr
    assert json.loads(done.stdout)["error"]["code"] == "storage"
    assert len(done.stderr.splitlines()) == 1
    assert left(home) == []


def _folders() -> list[tuple[str, Any]]:
    """The storages on disks, by alias."""
    from django.conf import settings

    return [(alias, settings.STORAGES[alias]) for alias in sentinel.aliases()]


@pytest.mark.parametrize("name", ["a", "b.c"])
def test_a_killed_backup_leaves_no_part_beside_its_file_for_longer_than_until_the_next_one(
    course: Course, tmp_path: Path, name: str
) -> None:
    machine, _, started = spool.owner().rsplit("-", 2)
    dead = f"{machine}-{os.getpid()}-{int(started) - 1000}"
    parts = [f".coursekeep-x_y.{dead}.part", f".coursekeep-x_y.{dead}.part.17.part"]
    living = f".coursekeep-xyz.{spool.owner()}.part"
    for part in (*parts, living, ".coursekeep-notes"):
        (tmp_path / part).write_bytes(b"half")
    job = request_backup(course, by=None, path=str(tmp_path / f"{name}.mbz"), notify=False)
    runner.run(job.pk, raising=True)
    assert {path.name for path in tmp_path.glob(".coursekeep*")} == {living, ".coursekeep-notes"}
