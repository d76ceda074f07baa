"""The life of a job: requested, claimed, settled, finished, cancelled, and brought back when its worker died.

The job's row is the truth and the queue; ringing the doorbell (a Celery message) only makes a worker look at
it sooner. Each change of state is a conditional update, guarded by the state and by the attempt that makes
it, so that a worker that was given up cannot overwrite what its successor does.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models, transaction
from django.db.models.functions import Now
from django.utils.module_loading import import_string

from archive.errors import CoursekeepError, NotFound
from jobs import operations
from jobs.models import Job

if TYPE_CHECKING:
    from courses.models import Course, User

log = logging.getLogger(__name__)

State = Job.State


BROKER_PAUSE = 15.0
"""Seconds in which a broker that did not answer is not asked again."""

_quiet_until = 0.0


class Superseded(Exception):
    """This attempt was given up as dead and another may be under way: stop, roll back, write nothing."""


def request(
    operation: str,
    *,
    by: User | None,
    title: str = "",
    course: Course | None = None,
    archive_type: str = "course",
    item: int | None = None,
    options: Mapping[str, Any] | None = None,
    asked: Mapping[str, Any] | None = None,
    target: Mapping[str, Any] | None = None,
    archive: Any = None,
    path: str = "",
    attempts: int = 3,
    notify: bool = True,
) -> Job:
    """Put a job in the queue and, when the transaction commits, tell the workers.

    `by` is None for what the site itself asks for, which may do everything.
    `options` are the settled values, `asked` what the person asked for. A command that runs the job in its
    own process says `doorbell=False` and `attempts=1`: no worker is to take it over.
    """
    job = Job.objects.create(
        operation=operation,
        requested_by=by,
        by_site=by is None,
        title=title,
        course=course,
        archive_type=archive_type,
        item=item,
        options=dict(options or {}),
        asked=dict(asked or {}),
        target=dict(target or {}),
        archive=archive,
        path=path,
        attempts_allowed=attempts,
        notified=Now(),
        notifications=1,
    )
    job.refresh_from_db(fields=["notified"])
    if notify:
        transaction.on_commit(lambda: notify_workers(job.pk))
    return job


def notify_workers(job_id: int) -> bool:
    """Tell the workers to look at a job; False when the broker is out of reach (the sweep rings again)."""
    global _quiet_until
    if time.monotonic() < _quiet_until:
        return False
    notify: Callable[[int], None] = import_string(
        getattr(settings, "COURSEKEEP_NOTIFY_WORKERS", "jobs.tasks.notify")
    )
    try:
        notify(job_id)
    except Exception as problem:  # noqa: BLE001 - whatever a broker's driver raises: the job is safe in its row
        log.warning("Job %s waits for the sweep, the broker is out of reach: %s", job_id, problem)
        # A schedule that queues a thousand jobs must not wait a thousand times for a broker that is down.
        _quiet_until = time.monotonic() + BROKER_PAUSE
        return False
    return True


def claim(job_id: int, *, worker: str) -> Job | None:
    """Take a queued job for this worker and begin its next attempt; None when it is not there to be taken."""
    with transaction.atomic():
        job = Job.objects.select_for_update(no_key=True).filter(pk=job_id, state=State.QUEUED).first()
        if job is None or job.attempts >= job.attempts_allowed:
            return None
        Job.objects.filter(pk=job_id).update(
            state=State.RUNNING,
            attempts=job.attempts + 1,
            worker=worker,
            started=Now(),
            heartbeat=Now(),
            step="",
            steps=[],
            done=0,
            total=None,
            records=0,
            error="",
            error_code="",
            error_hint="",
        )
    job.refresh_from_db()
    return job


def finish(
    job: Job,
    result: Mapping[str, Any] | None = None,
    *,
    course: Course | None = None,
    archive: Any = None,
) -> None:
    """Say in the transaction that does the work that the job is done, so that it is never done twice.

    To be called as the last thing inside the operation's atomic block: from here to the commit the job's row
    is locked. Raises Superseded, which must roll the transaction back, when the job is not this attempt's any
    more.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("A job is settled inside the transaction that does its work.")
    changes: dict[str, Any] = {"committed": Now(), "result": dict(result or {})}
    if course is not None:
        changes["course"] = course
    if archive is not None:
        changes["archive"] = archive
    if not mine(job).filter(committed=None).update(**changes):
        raise Superseded(f"job {job.pk}, attempt {job.attempts}")


def mine(job: Job) -> models.QuerySet[Job]:
    """The job's row, as long as it is running and the attempt is still the one that `job` was claimed for."""
    return Job.objects.filter(pk=job.pk, state=State.RUNNING, attempts=job.attempts)


def end(found: models.QuerySet[Job], state: str, **changes: Any) -> bool:
    """End the one job that the conditions of `found` select; False when it is no longer as they say."""
    job_id = found.values_list("pk", flat=True).first()
    if job_id is None or not found.filter(pk=job_id).update(state=state, finished=Now(), **changes):
        return False
    job = Job.objects.get(pk=job_id)
    for watcher in operations.watchers:
        try:
            watcher(job)
        except (
            Exception
        ):  # the job has ended all the same, and what watches it makes up for it on its next round
            log.exception("Job %s ended; what follows from that failed.", job_id)
    return True


def failure(error: CoursekeepError) -> dict[str, str]:
    """The columns of a job that say what went wrong."""
    place = f"{error.where}: " if error.where else ""
    return {"error": f"{place}{error.message}", "error_code": error.code, "error_hint": error.hint}


def internal_failure(job_id: int) -> dict[str, str]:
    """The columns of a job that failed by a fault of ours; the cause is in the server's log."""
    return {
        "error": f"Coursekeep itself failed while doing job {job_id}; nothing was changed.",
        "error_code": "internal",
        "error_hint": f"Ask the administrator to look for “job {job_id}” in the server's log.",
    }


def cancel(job: Job, *, by: User | None) -> Job:
    """Stop a job: at once while it waits; at its next step, with everything rolled back, while it runs."""
    row = Job.objects.filter(pk=job.pk)
    # The flag first: a worker that claims the job in between finds it.
    row.filter(state__in=Job.OPEN, cancel_requested=False).update(cancel_requested=True, cancelled_by=by)
    sentence = {"error": "The job was cancelled before it began.", "error_code": "cancelled"}
    end(row.filter(state=State.QUEUED), State.CANCELLED, **sentence)
    job.refresh_from_db()
    return job


def follow(job_id: int, *, every: float = 0.5) -> Iterator[Job]:
    """The job as it is now and every so many seconds, its end included. NotFound when it is not there."""
    while True:
        job = Job.objects.filter(pk=job_id).first()
        if job is None:
            raise NotFound(f"There is no job {job_id}.")
        yield job
        if job.over:
            return
        time.sleep(every)


def seconds(name: str, default: float) -> float:
    """A period from the settings, COURSEKEEP_JOB_<name>_SECONDS."""
    return float(getattr(settings, f"COURSEKEEP_JOB_{name}_SECONDS", default))
