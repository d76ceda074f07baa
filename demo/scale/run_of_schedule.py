"""Measures the start of a run of a schedule: in the request that begins it, and until all of its jobs are visible."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.test import Client

from courses.models import User
from jobs import queue
from jobs.models import Job
from vault import schedules
from vault.models import ScheduleRun


def measured(schedule: int, admin: int) -> dict[str, Any]:
    """Begin a run by the button, queue its backups by housekeeping, cancel some of them, and return times and statements."""
    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.get(pk=admin))
    Job.objects.filter(state=Job.State.QUEUED).update(
        state=Job.State.CANCELLED, finished="2026-01-01T00:00:00Z"
    )
    client.get(f"/schedules/{schedule}/")
    found: dict[str, Any] = {}
    with _counted() as count:
        started = time.perf_counter()
        answer = client.post(f"/schedules/{schedule}/run/")
        found["request"] = {
            "status": answer.status_code,
            "seconds": time.perf_counter() - started,
            "statements": count(),
        }
    run = ScheduleRun.objects.order_by("-pk")[0]
    with _counted() as count:
        started = time.perf_counter()
        schedules.queue_due()
        found["queued"] = {"seconds": time.perf_counter() - started, "statements": count()}
    jobs = Job.objects.filter(schedule_entry__run=run)
    found["jobs"], found["entries"] = jobs.count(), run.entries.count()
    found["one_cancellation"] = _cancellation_of(jobs.order_by("pk")[:20])
    return found


def _cancellation_of(jobs: Any) -> dict[str, float]:
    """Cancel some jobs that wait, as by the button, and return the seconds and statements of one."""
    listed = list(jobs)
    with _counted() as count:
        started = time.perf_counter()
        for job in listed:
            queue.cancel(job, by=None)
        seconds = (time.perf_counter() - started) / len(listed)
        return {"seconds": seconds, "statements": count() / len(listed)}


@contextmanager
def _counted() -> Iterator[Callable[[], int]]:
    """Context manager: gives a function that returns the number of statements since it was entered."""
    number = 0

    def count(execute: Callable[..., Any], *arguments: Any) -> Any:
        nonlocal number
        number += 1
        return execute(*arguments)

    with connection.execute_wrapper(count):
        yield lambda: number
