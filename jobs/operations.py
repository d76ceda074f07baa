"""Registries: the operations that jobs run, by name, how long their results are kept, and what is called when a job ends."""

from __future__ import annotations

import importlib
from collections import UserDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any, TypeVar

from jobs.choices import Priority
from jobs.events import Steps
from jobs.models import Job

Run = Callable[[Job], Steps]
"""An operation: a generator function that yields events and returns the job's result, a dict or None."""

Registered = TypeVar("Registered")

_modules: list[str] = []
"""The modules that register operations and are not imported yet."""


def registered_in(*modules: str) -> None:
    """Name modules that register operations when they are imported: `load` does that, not the start of a process.

    A command that backs up would else import all that restores, which takes as long as Django itself.
    """
    _modules.extend(modules)


def load() -> None:
    """Import the modules that register operations. A worker calls it before it has children, which share what is imported."""
    for module in tuple(_modules):
        importlib.import_module(module)
        # Only what was imported is forgotten: after an error the next call raises it again. Another thread may be faster.
        with suppress(ValueError):
            _modules.remove(module)


class Registry(UserDict[str, Registered]):
    """A mapping by names of operations. It calls `load` before it says that a name is not there, and before it is iterated."""

    def __missing__(self, name: str) -> Registered:
        load()
        return self.data[name]

    def get(self, name: str, default: Any = None) -> Any:
        """Return what a name has; an error of a module that is imported is not taken for a missing name."""
        return self.data[name] if name in self else default

    def __contains__(self, name: object) -> bool:
        if name not in self.data:
            load()
        return name in self.data

    def __iter__(self) -> Iterator[str]:
        load()
        return iter(self.data)

    def __len__(self) -> int:
        load()
        return len(self.data)


operations: Registry[Run] = Registry()

kept_results: Registry[timedelta] = Registry()
"""How long the results of some operations are stored after the job has ended; those of all others stay."""

priorities: Registry[Priority] = Registry()
"""The class of the jobs of an operation; that of all others is `Priority.BACKUP`."""

storages: Registry[frozenset[str]] = Registry()
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
