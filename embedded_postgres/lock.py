"""A file lock between processes of one machine, and the home folder.

A lock belongs to the open file, of which a forked child has a copy: it would keep the lock when its parent has closed the
file, and wait for itself. So a lock is given back expressly, and a child closes the locked files that it was born with.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_held: set[int] = set()
"""The descriptors of the files that this process has locked, or is about to lock."""


def lock(descriptor: int, *, wait: bool = True) -> None:
    """Lock an open file or folder. Raises BlockingIOError if it is locked and `wait` is false, OSError without locks."""
    # Before it is locked, as another thread may fork at any moment.
    _held.add(descriptor)
    fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)


def unlock(descriptor: int, process: int) -> None:
    """Give a lock back, if there is one, and close the file; `process` is the number of the process that locked it.

    A child that was forked meanwhile has closed the file already, and the descriptor may be that of another one of its own.
    """
    if process != os.getpid() or descriptor not in _held:
        return
    with suppress(OSError):  # a file system without locks
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    _held.discard(descriptor)
    os.close(descriptor)


def _close_inherited() -> None:
    """Close the locked files of the parent in a new child; the parent still has their locks."""
    for descriptor in _held:
        os.close(descriptor)
    _held.clear()


os.register_at_fork(after_in_child=_close_inherited)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait for the lock on the file `path` and hold it. The kernel frees it when the process dies."""
    descriptor, process = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600), os.getpid()
    try:
        lock(descriptor)
        yield
    finally:
        unlock(descriptor, process)


def make_home(home: Path) -> None:
    """Make the home folder with mode 700, and its parents. An existing folder keeps its permissions."""
    home.parent.mkdir(parents=True, exist_ok=True)
    home.mkdir(mode=0o700, exist_ok=True)
