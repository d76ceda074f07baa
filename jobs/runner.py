"""Runs one job in this process: claims it, drives its operation step by step and records how it ended."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections.abc import Callable
from typing import Any

from django.db import connection
from django.db.models.functions import Now

from archive.errors import Cancelled, CoursekeepError, NotAllowed, PrecheckFailed
from jobs import operations, queue
from jobs.events import Event, Steps
from jobs.heartbeat import Heartbeat
from jobs.models import Job
from jobs.queue import State, Superseded

log = logging.getLogger(__name__)

Watch = Callable[[Event], None]


class UnknownOperation(CoursekeepError):
    """No installed app does jobs of this name."""

    code = "unknown-operation"


def run(job_id: int, *, worker: str = "", watch: Watch | None = None, raising: bool = False) -> Job | None:
    """Do one job and return it as it is afterwards; None when it was not there to be taken.

    `watch` sees every event (a progress bar, say). With `raising`, an error is recorded and then raised,
    which is what a command wants; a worker does not, since the row says it all.
    """
    if connection.in_atomic_block:
        raise RuntimeError("A job runs outside of any transaction.")
    job = queue.claim(job_id, worker=worker or f"{socket.gethostname()}:{os.getpid()}")
    if job is None:
        return None
    problem: BaseException | None = None
    result: dict[str, Any] = {}
    heartbeat = Heartbeat(job)
    try:
        with heartbeat:
            result = _drive(job, heartbeat, watch)
    except BaseException as error:  # noqa: BLE001 - also an interrupt: the row is to say so before the process goes
        problem = error
    _conclude(job, result, problem)
    if problem is not None and (raising or not isinstance(problem, Exception)):
        raise problem
    return Job.objects.get(pk=job_id)


def _drive(job: Job, heartbeat: Heartbeat, watch: Watch | None) -> dict[str, Any]:
    """Iterate the operation to its end and return its result; stop it when it is cancelled or superseded."""
    start = operations.operations.get(job.operation)
    if start is None:
        raise UnknownOperation(f"No installed app does “{job.operation}” jobs.")
    if job.requested_by_id is None and not job.by_site:
        # Operations take nobody for the site itself, which may do everything; who is gone may do nothing.
        raise NotAllowed("The person who asked for this job is not there any more.", hint="Ask for it anew.")
    steps = start(job)
    with contextlib.closing(steps):
        try:
            event = next(steps)
            while True:
                heartbeat.take(event)
                if watch is not None:
                    watch(event)
                if heartbeat.superseded:
                    _throw(steps, Superseded(f"job {job.pk}, attempt {job.attempts}"))
                if heartbeat.cancelled:
                    _throw(steps, Cancelled("The job was cancelled; nothing was changed."))
                event = next(steps)
        except StopIteration as end:
            return dict(end.value or {})
        except PrecheckFailed as refused:
            for finding in refused.findings:
                heartbeat.take(finding)
            raise


def _throw(steps: Steps, error: Exception) -> None:
    """Raise the error inside the operation, so that it rolls back, and here in case it was ignored there."""
    steps.throw(error)
    raise error


def _conclude(job: Job, result: dict[str, Any], problem: BaseException | None) -> None:
    """Write the job's end, unless it was superseded. A job that settled has succeeded, come what may."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()
    row = queue.mine(job)
    committed = row.exclude(committed=None)
    kept = committed.values_list("result", flat=True).first()
    if kept is not None:
        if problem is not None:
            log.error("Job %s did its work; what it did afterwards failed.", job.pk, exc_info=problem)
        queue.end(committed, State.SUCCEEDED, heartbeat=Now(), result={**kept, **result})
    elif problem is None:
        queue.end(row, State.SUCCEEDED, heartbeat=Now(), result=result)
    elif isinstance(problem, Superseded):
        log.warning("Job %s: attempt %s was given up and stops.", job.pk, job.attempts)
    elif isinstance(problem, (Cancelled, KeyboardInterrupt)):
        sentence = problem if isinstance(problem, Cancelled) else Cancelled("The job was interrupted.")
        queue.end(row, State.CANCELLED, **queue.failure(sentence))
    elif isinstance(problem, CoursekeepError):
        queue.end(row, State.FAILED, **queue.failure(problem))
    else:
        _retry(job, problem)


def _retry(job: Job, problem: BaseException) -> None:
    """Queue a job again that failed by a fault of ours, or fail it when that was its last attempt."""
    log.error("Job %s failed in attempt %s.", job.pk, job.attempts, exc_info=problem)
    row = queue.mine(job)
    stopped = Cancelled("The job was cancelled; nothing was changed.")
    if queue.end(row.filter(cancel_requested=True), State.CANCELLED, **queue.failure(stopped)):
        return
    if job.attempts >= job.attempts_allowed:
        queue.end(row, State.FAILED, **queue.internal_failure(job.pk))
        return
    # Not rung for: the sweep does it after a while, when what was in the way may have passed.
    row.update(state=State.QUEUED, worker="", notified=Now(), notifications=1)
