"""The spool: the folder in which jobs make their temporary files, with a folder for each process that runs one.

Most of these files have no name and are gone with their process. Those with a name are removed by their job, or, if its
process was killed, by the next process of the machine that runs a job, and by the housekeeping. A process locks its folder
as long as it uses it (`flock`), and the system gives the lock back when the process ends, however it ends.
"""

from __future__ import annotations

import math
import os
import re
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from django.conf import settings

from archive.errors import NoSpace
from archive.faults import in_words
from archive.limits import in_units
from archive.numbers import whole_or
from embedded_postgres.lock import lock, unlock
from jobs import limits

RESERVE = 64 * 1024 * 1024
"""Bytes that have to be free beside what a job is known to need."""

DAY = 86400.0
NAME = re.compile(r"(.+)-(\d{1,9})-(\d{1,12})")
"""The name of a process, as `owner` makes it."""

HINT = "Make room there, or name a folder on another disk (COURSEKEEP_SPOOL), then start it again."

_lock = threading.Lock()
_users = 0
_held: tuple[int, int] | None = None
"""The descriptor of the locked folder, and the number of the process that locked it."""
_before: tuple[str | None, str | None] = (None, None)


def folder() -> Path:
    """Return the spool of the site on this machine; it is made if it is missing."""
    path = Path(settings.COURSEKEEP_SPOOL)
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


@contextmanager
def in_use() -> Iterator[Path]:
    """Context manager: temporary files of this process, and of those that it starts, are made in its folder of the spool.

    Yields the folder. It may be used in several threads at once, and inside itself; the last one removes the folder. Raises
    NoSpace if the disk is full, and StorageFailed for a fault of a disk inside.
    """
    require(0)
    own = folder() / owner()
    _enter(own)
    try:
        yield own
    except OSError as error:
        # Here, as the sentence names the folder for temporary files.
        if (sentence := in_words(error)) is error:
            raise
        raise sentence from error
    finally:
        _leave(own)


def _enter(own: Path) -> None:
    global _users, _before, _held
    with _lock:
        if _users == 0:
            sweep()
            _before = (tempfile.tempdir, os.environ.get("TMPDIR"))
            _held = _make_locked(own)
        tempfile.tempdir = os.environ["TMPDIR"] = str(own)
        _users += 1


def _leave(own: Path) -> None:
    global _users, _held
    with _lock:
        _users -= 1
        if _users:
            return
        tempfile.tempdir, variable = _before
        if variable is None:
            os.environ.pop("TMPDIR", None)
        else:
            os.environ["TMPDIR"] = variable
        shutil.rmtree(own, ignore_errors=True)
        if _held is not None:
            unlock(*_held)
            _held = None


def _make_locked(own: Path) -> tuple[int, int]:
    """Make a folder and lock it; return the descriptor that holds the lock, and the number of this process."""
    while True:
        own.mkdir(mode=0o700, exist_ok=True)
        held = os.open(own, os.O_RDONLY | os.O_DIRECTORY)
        with suppress(OSError):  # a file system without locks
            lock(held)
        # Before it was locked, a sweep may have taken it for that of a dead process.
        if own.is_dir() and os.path.samestat(own.stat(), os.fstat(held)):
            return held, os.getpid()
        unlock(held, os.getpid())


@contextmanager
def _unused(own: Path) -> Iterator[bool]:
    """Context manager: whether nobody has locked a folder; if so, it is locked inside."""
    held, process = os.open(own, os.O_RDONLY | os.O_DIRECTORY), os.getpid()
    try:
        lock(held, wait=False)
        unused = True
    except OSError:  # it is locked, or there is no telling
        unused = False
    try:
        yield unused
    finally:
        unlock(held, process)


def owner() -> str:
    """Return the name of this process, as no other one has it: machine, number and start, with hyphens between."""
    return f"{_machine()}-{os.getpid()}-{_begun(os.getpid())}"


def _machine() -> str:
    return re.sub(r"[^A-Za-z0-9.]", "_", socket.gethostname()) or "localhost"


def _begun(process: int) -> int:
    """Return when a process began, in whole seconds of Unix time. Raises psutil's errors."""
    return math.floor(psutil.Process(process).create_time())


def is_dead(name: str) -> bool:
    """Whether `name` is that of a process of this machine which has ended; False if it is no name of a process.

    A process with a folder in the spool lives as long as it has locked it. Without one its number and start are compared,
    which a step of the clock can move.
    """
    found = NAME.fullmatch(name)
    if found is None or found[1] != _machine():
        return False
    try:
        with _unused(folder() / name) as unused:
            return unused
    except FileNotFoundError:
        pass
    try:
        return _begun(whole_or(found[2])) != whole_or(found[3])
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False


def sweep() -> list[str]:
    """Remove what dead processes of this machine left in the spool, and what is older than any job; return the names."""
    removed = []
    for path in folder().iterdir():
        with suppress(OSError):
            if _swept(path):
                removed.append(path.name)
    return removed


def _swept(path: Path) -> bool:
    """Remove a file or folder of the spool if nobody needs it any more; return whether it was removed. Raises OSError."""
    found = NAME.fullmatch(path.name)
    old = path.stat().st_mtime < time.time() - limits.scaled("job_minutes") - DAY
    if not path.is_dir():
        if old:
            path.unlink()
        return old
    with _unused(path) as unused:
        dead = unused and (old or (found is not None and found[1] == _machine()))
        if dead:
            shutil.rmtree(path)
        return dead


def require(size: int, *, at: Path | None = None) -> None:
    """Raise NoSpace unless the spool, or the folder `at`, has room for so many bytes and a reserve."""
    place = at or folder()
    free = shutil.disk_usage(place).free
    if free < size + RESERVE:
        raise NoSpace(
            f"The job needs about {in_units(size + RESERVE)} of room, and {in_units(free)} are free.",
            where=str(place),
            hint=HINT if at is None else "Make room there, then start it again.",
        )
