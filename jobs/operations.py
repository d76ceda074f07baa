"""The operations that jobs do, and who is told when a job has ended; both register themselves."""

from __future__ import annotations

from collections.abc import Callable

from jobs.events import Steps
from jobs.models import Job

Run = Callable[[Job], Steps]
"""An operation: a generator function of events whose return value, a dict or None, is the job's result."""


operations: dict[str, Run] = {}


watchers: list[Callable[[Job], None]] = []


def operation(name: str) -> Callable[[Run], Run]:
    """Register the generator function that does the jobs called `name`."""

    def register(run: Run) -> Run:
        operations[name] = run
        return run

    return register


def on_finish(watcher: Callable[[Job], None]) -> Callable[[Job], None]:
    """Register a function to be called with each job that has ended, in whatever way."""
    if watcher not in watchers:
        watchers.append(watcher)
    return watcher
