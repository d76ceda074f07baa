"""Run one job in this process: claim it, iterate its operation to the end, and record how it ended."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections.abc import Callable, Generator
from typing import Any

from django.db import connection
from django.db.models.functions import Now

from archive.errors import Cancelled, CoursekeepError, NotAllowed, OutOfMemory, PrecheckFailed
from archive.faults import in_words
from jobs import operations, queue, spool
from jobs.events import Event, Steps
from jobs.heartbeat import Heartbeat
from jobs.models import Job
from jobs.queue import State, Superseded

log = logging.getLogger(__name__)

Watch = Callable[[Event], None]


class UnknownOperation(CoursekeepError):
    """No installed app has registered an operation of this name."""

    code = "unknown-operation"


def run(job_id: int, *, worker: str = "", watch: Watch | None = None, raising: bool = False) -> Job | None:
    """Run one job and return its row afterwards; None if it could not be claimed.

    `watch` is called with every event, for a progress bar for instance. An error is recorded in the row; with
    `raising`, as commands want it, it is raised as well. Interrupts of the process are always raised.
    """
    if connection.in_atomic_block:
        raise RuntimeError("A job runs outside of any transaction.")
    job = queue.claim(job_id, worker=worker or f"{socket.gethostname()}:{os.getpid()}")
    if job is None:
        return None
    steps = _drive(job)
    try:
        for event in steps:
            try:
                if watch is not None:
                    watch(event)
            except BaseException as error:  # noqa: BLE001 - the job ends by it
                steps.throw(error)
    except BaseException as error:
        if raising or not isinstance(error, Exception):
            raise
    return Job.objects.get(pk=job_id)


def run_within(job_id: int, *, worker: str) -> Generator[Event, None, Job]:
    """Run one job as a part of another operation, which passes its events on; return its row. Raises the error of the job.

    Raises RuntimeError if it cannot be claimed.
    """
    job = queue.claim(job_id, worker=worker)
    if job is None:
        raise RuntimeError(f"Job {job_id} cannot be run.")
    yield from _drive(job)
    return Job.objects.get(pk=job_id)


def _drive(job: Job) -> Generator[Event, None, None]:
    """Run a claimed job to its end; yield its events and record how it ended. Raises its error."""
    problem: BaseException | None = None
    result: dict[str, Any] = {}
    heartbeat = Heartbeat(job)
    try:
        with spool.in_use(), heartbeat:
            result = yield from _steps(job, heartbeat)
    except BaseException as error:  # noqa: BLE001 - also an interrupt: it is recorded before the process ends
        problem = in_words(error)
    _conclude(job, result, problem)
    if problem is not None:
        raise problem


def _steps(job: Job, heartbeat: Heartbeat) -> Generator[Event, None, dict[str, Any]]:
    """Iterate the operation to its end and return its result; stop it when it is cancelled or superseded."""
    start = operations.operations.get(job.operation)
    if start is None:
        raise UnknownOperation(f"No installed app does “{job.operation}” jobs.")
    if job.requested_by_id is None and not job.by_site:
        # To an operation, nobody means the site itself, which may do everything; a deleted person may do nothing.
        raise NotAllowed("The account that asked for this job was deleted.", hint="Ask for it again.")
    steps = start(job)
    with contextlib.closing(steps):
        try:
            event = next(steps)
            while True:
                heartbeat.take(event)
                yield event
                if heartbeat.superseded:
                    _throw(steps, Superseded(f"job {job.pk}, attempt {job.attempts}"))
                if heartbeat.cancelled:
                    _throw(steps, Cancelled("The job was cancelled; nothing was changed."))
                if heartbeat.expired:
                    _throw(steps, queue.took_too_long())
                event = next(steps)
        except StopIteration as end:
            return dict(end.value or {})
        except PrecheckFailed as refused:
            for finding in refused.findings:
                heartbeat.take(finding)
            raise


def _throw(steps: Steps, error: Exception) -> None:
    """Raise an error inside the operation, so that it rolls back, and here too in case the operation ignores it."""
    steps.throw(error)
    raise error


def _conclude(job: Job, result: dict[str, Any], problem: BaseException | None) -> None:
    """Record the job's end, unless it was superseded. A job whose work is committed has succeeded, whatever failed since."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()
    row = queue.mine(job)
    committed = row.exclude(committed=None)
    stored = committed.values_list("result", flat=True).first()
    if stored is not None:
        if problem is not None:
            log.error("Job %s committed its work; what it did afterwards failed.", job.pk, exc_info=problem)
        queue.end(committed, State.SUCCEEDED, heartbeat=Now(), result={**stored, **result})
    elif problem is None:
        queue.end(row, State.SUCCEEDED, heartbeat=Now(), result=result)
    elif isinstance(problem, Superseded):
        log.warning("Job %s: attempt %s was given up by the sweep and stops.", job.pk, job.attempts)
    elif isinstance(problem, (Cancelled, KeyboardInterrupt)):
        sentence = problem if isinstance(problem, Cancelled) else Cancelled("The job was interrupted.")
        queue.end(row, State.CANCELLED, **queue.failure(sentence))
    elif isinstance(problem, MemoryError):
        log.error("Job %s ran out of memory.", job.pk, exc_info=problem)
        queue.end(row, State.FAILED, **queue.failure(OutOfMemory()))
    elif isinstance(problem, CoursekeepError):
        queue.end(row, State.FAILED, **queue.failure(problem))
    else:
        _retry(job, problem)


def _retry(job: Job, problem: BaseException) -> None:
    """Queue a job again that failed by a fault of the program; fail it after its last attempt."""
    log.error("Job %s failed in attempt %s.", job.pk, job.attempts, exc_info=problem)
    row = queue.mine(job)
    stopped = Cancelled("The job was cancelled; nothing was changed.")
    if queue.end(row.filter(cancel_requested=True), State.CANCELLED, **queue.failure(stopped)):
        return
    if job.attempts >= job.attempts_allowed:
        queue.end(row, State.FAILED, **queue.internal_failure(job.pk))
        return
    # No notification: the sweep sends one after a while, when the cause may have passed.
    row.update(state=State.QUEUED, worker="", notified=Now(), notifications=1)
