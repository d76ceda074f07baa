"""The spool: temporary files of jobs are in one folder, and none outlives its process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import vault.tasks
from archive.errors import NoSpace
from jobs import spool

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    """A spool of the test's own."""
    settings.COURSEKEEP_SPOOL = str(tmp_path / "spool")
    return tmp_path / "spool"


def test_temporary_files_of_this_process_and_of_those_that_it_starts_are_in_the_spool(folder: Path) -> None:
    before = tempfile.gettempdir()
    with spool.in_use() as own, tempfile.NamedTemporaryFile() as file:
        assert Path(file.name).parent == own
        assert own.parent == folder
        told = subprocess.check_output(
            [sys.executable, "-c", "import tempfile; print(tempfile.gettempdir())"], text=True
        )
        assert Path(told.strip()) == own
    assert tempfile.gettempdir() == before
    assert list(folder.iterdir()) == []


def test_what_a_job_leaves_goes_with_it(folder: Path) -> None:
    with spool.in_use():
        tempfile.mkstemp()
        tempfile.mkdtemp()
    assert list(folder.iterdir()) == []


def test_the_folder_stays_until_the_last_of_several_is_done(folder: Path) -> None:
    second_began = threading.Event()

    def first() -> None:
        with spool.in_use():
            second_began.wait(30)

    thread = threading.Thread(target=first)
    with spool.in_use() as own:
        thread.start()
        second_began.set()
        thread.join()
        tempfile.mkstemp()
        assert len(list(own.iterdir())) == 1
    assert list(folder.iterdir()) == []


HOLD = """
import fcntl, os, pathlib, sys
pathlib.Path(sys.argv[1]).mkdir(parents=True)
fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX)
print("locked", flush=True)
input()
"""
"""A process that has locked its folder of the spool, until it is killed."""


@pytest.mark.parametrize("step", [-7200, 0, 7200])
def test_what_a_killed_process_left_is_removed_and_what_a_living_one_has_stays_also_after_a_step_of_the_clock(
    folder: Path, step: int
) -> None:
    machine = spool.owner().rsplit("-", 2)[0]
    gone = f"{machine}-{os.getpid()}-1000"
    for name in (gone, "another.machine-1-1000"):
        (folder / name).mkdir(parents=True)
        (folder / name / "part").write_bytes(b"half")
    living = f"{machine}-7-{int(time.time()) + step}"
    command = [sys.executable, "-c", HOLD, str(folder / living)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"locked\n"
        os.utime(folder / living, (0, 0))
        assert not spool.is_dead(living)
        assert spool.sweep() == [gone]
        other.kill()
    assert spool.is_dead(living)
    assert spool.sweep() == [living]
    assert [path.name for path in folder.iterdir()] == ["another.machine-1-1000"]


def test_a_process_that_runs_a_job_has_locked_its_folder(folder: Path) -> None:
    with spool.in_use() as own, spool.in_use():
        assert not spool.is_dead(own.name)
        assert spool.sweep() == []
    assert list(folder.iterdir()) == []


def test_the_housekeeping_sweeps_the_spool(folder: Path) -> None:
    left = folder / f"{spool.owner().rsplit('-', 2)[0]}-7-1000"
    left.mkdir(parents=True)
    vault.tasks.sweep()
    assert not left.exists()


def test_what_is_older_than_any_job_is_removed(folder: Path) -> None:
    folder.mkdir()
    for name in ("a.upload.zip", "new.upload.zip"):
        (folder / name).write_bytes(b"half")
    os.utime(folder / "a.upload.zip", (0, 0))
    assert spool.sweep() == ["a.upload.zip"]


class Usage(NamedTuple):
    """The answer of `shutil.disk_usage`."""

    total: int
    used: int
    free: int


def test_a_job_begins_only_with_room_for_what_it_needs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 0, spool.RESERVE + 1000))
    spool.require(1000)
    with pytest.raises(NoSpace) as caught:
        spool.require(1001)
    assert caught.value.where == str(folder)
    assert "COURSEKEEP_SPOOL" in caught.value.hint
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 0, 1000))
    with pytest.raises(NoSpace), spool.in_use():
        pass
