"""Run one job in this process: claim it, iterate its operation to the end, and record how it ended."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections.abc import Callable, Generator
from datetime import timedelta
from typing import Any

import psycopg2.errors
from django.db import connection
from django.db.models.functions import Now

from archive.checkpoints import checkpoints
from archive.errors import (
    Busy,
    Cancelled,
    CoursekeepError,
    NotAllowed,
    OutOfMemory,
    PrecheckFailed,
    TookTooLong,
)
from archive.faults import in_words
from jobs import claims, operations, queue, shutdown, spool
from jobs.events import Event, Steps
from jobs.heartbeat import Heartbeat
from jobs.log_context import logged_with_job
from jobs.models import Job
from jobs.queue import GivenBack, State, Superseded

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
    return _run(claims.claim(job_id, worker=worker or _name()), watch=watch, raising=raising)


def run_best() -> Job | None:
    """Run the best of the waiting jobs, and return its row afterwards; None if no job may begin now or this worker ends.

    An error is recorded in the row. Interrupts of the process are raised.
    """
    return None if shutdown.requested() else _run(claims.claim_best(worker=_name()))


def _name() -> str:
    """Return the name of this process among the workers: machine and process id."""
    return f"{socket.gethostname()}:{os.getpid()}"


def _run(job: Job | None, *, watch: Watch | None = None, raising: bool = False) -> Job | None:
    """Run a claimed job and return its row afterwards; None if there is none."""
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
    return Job.objects.get(pk=job.pk)


def run_within(job_id: int, *, worker: str) -> Generator[Event, None, Job]:
    """Run one job as a part of another operation, which passes its events on; return its row. Raises the error of the job.

    Raises RuntimeError if it cannot be claimed.
    """
    job = claims.claim(job_id, worker=worker)
    if job is None:
        raise RuntimeError(f"Job {job_id} cannot be run.")
    yield from _drive(job)
    return Job.objects.get(pk=job_id)


@logged_with_job
def _drive(job: Job) -> Generator[Event, None, None]:
    """Run a claimed job to its end; yield its events and record how it ended. Raises its error."""
    problem: BaseException | None = None
    result: dict[str, Any] = {}
    heartbeat = Heartbeat(job)
    try:
        with spool.in_use(), heartbeat, checkpoints(heartbeat.checkpoint):
            result = yield from _steps(job, heartbeat)
    except BaseException as error:  # noqa: BLE001 - also an interrupt: it is recorded before the process ends
        problem = error
    faulted = problem is not None and not isinstance(problem, CoursekeepError) and not heartbeat.nested
    if (heartbeat.statement_cancelled or faulted) and not connection.in_atomic_block:
        # The cancellation, or the fault, may have hit the statement that gives a lock of the session back.
        connection.close()
    if isinstance(problem, Exception) and not isinstance(problem, CoursekeepError):
        problem = heartbeat.stop_reason() or in_words(problem)
    heartbeat.close_old_session()
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
                if (reason := heartbeat.stop_reason()) is not None:
                    heartbeat.stopping()
                    _throw(steps, reason)
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
    row = queue.mine(job)
    committed = row.exclude(committed=None)
    stored = committed.values_list("result", flat=True).first()
    if stored is not None:
        if problem is not None:
            log.error("Job %s committed its work; what it did afterwards failed.", job.pk, exc_info=problem)
        queue.end(committed, State.SUCCEEDED, heartbeat=Now(), result={**stored, **result})
    elif problem is None:
        queue.end(row, State.SUCCEEDED, heartbeat=Now(), result=result)
    elif isinstance(problem, GivenBack):
        log.warning("Job %s: the worker ends, attempt %s is given back.", job.pk, job.attempts)
        queue.give_back(job)
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
    elif isinstance(problem.__cause__, psycopg2.errors.QueryCanceled):
        # Nobody cancelled it, so it is the time limit of statements, which the next attempt would meet as well.
        log.error("Job %s: a statement took too long.", job.pk, exc_info=problem)
        queue.end(row, State.FAILED, **queue.failure(_slow_statement()))
    else:
        _retry(job, problem)


def _retry(job: Job, problem: BaseException) -> None:
    """Queue a job again that failed by a fault of the program; fail it after its last attempt."""
    log.error("Job %s failed in attempt %s.", job.pk, job.attempts, exc_info=problem)
    row = queue.mine(job)
    cancelled = queue.failure(queue.was_cancelled())
    if queue.end(row.filter(cancel_requested=True), State.CANCELLED, **cancelled):
        return
    if job.attempts >= job.attempts_allowed:
        locked = isinstance(problem.__cause__, psycopg2.errors.LockNotAvailable)
        facts = queue.failure(_locked()) if locked else queue.internal_failure(job.pk)
        queue.end(row, State.FAILED, **facts)
        return
    # After a while the cause may have passed: no worker takes the job before, and the sweep notifies of it then.
    pause = timedelta(seconds=queue.seconds("NOTIFY"))
    row.update(state=State.QUEUED, worker="", notified=Now(), notifications=1, not_before=Now() + pause)


def _slow_statement() -> TookTooLong:
    """Return the error for a job in which one statement took longer than statements of jobs may."""
    return TookTooLong(
        "The database worked too long at one statement and was stopped; nothing was changed.",
        hint="Choose less of the course, or ask an administrator to raise COURSEKEEP_JOB_STATEMENT_SECONDS.",
    )


def _locked() -> Busy:
    """Return the error for a job that waited longer for another one than jobs may."""
    return Busy(
        "The job waited too long for rows that another process changes; nothing was changed.",
        hint="Start it again when the other jobs of this course have ended.",
    )
