"""The end of a worker: its jobs are asked to stop and are queued again, so that a deploy waits for none of them.

The flag is one byte of memory that a worker's main process shares with its children. A child that is ended alone has a
flag of its own.
"""

from __future__ import annotations

import mmap
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_shared = mmap.mmap(-1, 1)


class _Process:
    """The state of this process: whether it is a worker's, ends by itself, and the number of its running jobs.

    `main` is the id of the worker's main process.
    """

    main = 0
    is_worker = False
    ends = False
    running = 0


def request() -> None:
    """Ask the jobs of this process and of its children to stop at their next event. Safe in a signal handler."""
    _shared[0] = 1


def requested() -> bool:
    """True when the jobs of this process must stop."""
    return _Process.ends or _shared[0] == 1


def withdraw() -> None:
    """Take back what was requested, for tests in one process."""
    _shared[0] = 0
    _Process.ends = False


def is_worker() -> bool:
    """True in a process that only runs jobs, so that it may be ended to end a job that does not stop."""
    return _Process.is_worker


def begin_worker() -> None:
    """Make this process the main process of a worker. Call it before it has children."""
    withdraw()
    _Process.main = os.getpid()


def serve_jobs() -> None:
    """Make this process one that runs a worker's jobs. On SIGTERM it ends at once if it is idle, else when its job has stopped.

    A worker without children runs its jobs in its main process, which has a handler of its own.
    """
    _Process.is_worker = True
    if _Process.main != os.getpid():
        signal.signal(signal.SIGTERM, _terminate)


def _terminate(number: int, frame: FrameType | None) -> None:
    _Process.ends = True
    if not _Process.running:
        sys.exit(0)


@contextmanager
def running() -> Iterator[None]:
    """Context manager: a job runs. A process that was asked to end by itself ends after it."""
    _Process.running += 1
    try:
        yield
    finally:
        _Process.running -= 1
    if _Process.ends and not _shared[0]:
        sys.exit(0)
