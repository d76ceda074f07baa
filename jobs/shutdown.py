"""The end of a worker: its jobs are asked to stop and are queued again, so that a deploy waits for none of them.

The flag is one byte of memory that a worker's main process shares with its children. A child that is ended alone has a
flag of its own.
"""

from __future__ import annotations

import mmap
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_shared = mmap.mmap(-1, 1)


class _Process:
    """The state of this process: the id of the worker's main process, whether this one runs jobs, and whether it ends."""

    main = 0
    is_worker = False
    ends = False


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


def in_main_process() -> bool:
    """True in the main process of a worker, which keeps house too. With the pool `solo` it also runs the jobs."""
    return _Process.main == os.getpid()


def serve_jobs() -> None:
    """Make this process one that runs a worker's jobs: `is_worker` is true from now on."""
    _Process.is_worker = True


@contextmanager
def running() -> Iterator[None]:
    """Context manager: the worker runs a job in this thread. On SIGTERM the job is asked to stop, then the process ends.

    A process without a job ends at once, as the queue's library has it. A worker without children runs its jobs in its main
    process, which has a handler of its own.
    """
    if in_main_process() or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _end_after_job)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
    if _Process.ends and not _shared[0]:
        sys.exit(0)


def _end_after_job(number: int, frame: FrameType | None) -> None:
    _Process.ends = True
