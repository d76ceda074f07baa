"""Housekeeping: the periodic tasks of a site. Every worker has a thread for each, and the database says whose turn it is.

So it never waits behind jobs, and there is no process for it that could be forgotten: where jobs run, the house is kept.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection
from django.db.models.functions import Now

from courses.locks import locked_if_free
from jobs.models import Housekeeping

log = logging.getLogger(__name__)

LOOKS, LONGEST_PAUSE = 5, 60.0
"""Times that each worker looks in the period of a task whether it is due, and the most seconds between two looks."""


@dataclass(frozen=True, slots=True)
class Periodic:
    """A periodic task: its name, the seconds from one start to the next, and what it does."""

    name: str
    every: float
    work: Callable[[], object]


def run_if_due(task: Periodic) -> bool:
    """Run a task if it is due and no other process of the site runs it; return whether it ran.

    An error of the task is recorded and logged.
    """
    before = Now() - timedelta(seconds=task.every)
    if Housekeeping.objects.filter(name=task.name, began__gt=before).exists():
        return False
    with locked_if_free(f"housekeeping {task.name}") as alone:
        if not alone:
            return False
        row, new = Housekeeping.objects.get_or_create(name=task.name, defaults={"began": Now()})
        due = Housekeeping.objects.filter(pk=row.pk, began__lte=before)
        if not new and not due.update(began=Now(), finished=None, error=""):
            return False
        error = ""
        try:
            task.work()
        except Exception as problem:
            log.exception("The periodic task %s failed.", task.name)
            error = type(problem).__name__
        Housekeeping.objects.filter(pk=row.pk).update(finished=Now(), error=error)
    return True


class Keeper:
    """A thread that runs one periodic task whenever it is due, until `stop`. `begin` is called first, in the thread."""

    def __init__(self, task: Periodic, *, begin: Callable[[], object] = lambda: None) -> None:
        self._task = task
        self._begin = begin
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"periodic {task.name}", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Let the thread end when its task has ended; do not wait for it."""
        self._stop.set()

    def join(self) -> None:
        """Wait until the thread has ended."""
        self._thread.join()

    def _keep(self) -> None:
        self._begin()
        pause = min(self._task.every / LOOKS, LONGEST_PAUSE)
        while True:
            self._look()
            if self._stop.wait(pause):
                connection.close()
                return

    def _look(self) -> None:
        """Run the task if it is due. Whatever fails, such as the database, the thread goes on."""
        try:
            run_if_due(self._task)
            connection.close_if_unusable_or_obsolete()
        except Exception as problem:  # noqa: BLE001 - without this thread the task would never run again here
            log.warning("The periodic task %s waits for the database: %s", self._task.name, problem)
            with suppress(Exception):
                connection.close()
