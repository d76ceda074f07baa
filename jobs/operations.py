"""Registries: the operations that jobs run, by name, how long their results are kept, and what is called when a job ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta

from jobs.choices import Priority
from jobs.events import Steps
from jobs.models import Job

Run = Callable[[Job], Steps]
"""An operation: a generator function that yields events and returns the job's result, a dict or None."""

operations: dict[str, Run] = {}

kept_results: dict[str, timedelta] = {}
"""How long the results of some operations are stored after the job has ended; those of all others stay."""

priorities: dict[str, Priority] = {}
"""The class of the jobs of an operation; that of all others is `Priority.BACKUP`."""

storages: dict[str, frozenset[str]] = {}
"""The aliases of the storages whose files the jobs of an operation read or write."""

watchers: list[Callable[[Job], None]] = []


def operation(
    name: str,
    *,
    priority: Priority = Priority.BACKUP,
    result_kept: timedelta | None = None,
    uses: Iterable[str] = (),
) -> Callable[[Run], Run]:
    """Decorator: register a generator function as the operation `name`, whose jobs are of the class `priority`.

    `uses` are the storages whose files its jobs read or write: the site may limit the jobs of each (`jobs/limits.py`).
    With `result_kept` the sweep empties the result of a job so long after its end, as it holds data about people.
    """

    def register(run: Run) -> Run:
        operations[name] = run
        priorities[name] = priority
        storages[name] = frozenset(uses)
        if result_kept is not None:
            kept_results[name] = result_kept
        return run

    return register


def using(alias: str) -> set[str]:
    """Return the operations whose jobs use a storage."""
    return {name for name, used in storages.items() if alias in used}


def on_finish(watcher: Callable[[Job], None]) -> Callable[[Job], None]:
    """Decorator: register a function to be called with each job that has ended, in any final state."""
    if watcher not in watchers:
        watchers.append(watcher)
    return watcher
