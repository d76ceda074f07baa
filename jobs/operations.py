"""Two registries: the operations that jobs run, by name, and the functions to call when a job has ended."""

from __future__ import annotations

from collections.abc import Callable

from jobs.events import Steps
from jobs.models import Job

Run = Callable[[Job], Steps]
"""An operation: a generator function that yields events and returns the job's result, a dict or None."""

operations: dict[str, Run] = {}

watchers: list[Callable[[Job], None]] = []


def operation(name: str) -> Callable[[Run], Run]:
    """Decorator: register a generator function as the operation `name`."""

    def register(run: Run) -> Run:
        operations[name] = run
        return run

    return register


def on_finish(watcher: Callable[[Job], None]) -> Callable[[Job], None]:
    """Decorator: register a function to be called with each job that has ended, in any final state."""
    if watcher not in watchers:
        watchers.append(watcher)
    return watcher
