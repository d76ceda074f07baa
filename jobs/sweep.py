"""The sweep: end or queue again jobs whose worker died, notify again of jobs that nobody claimed, empty old results."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from jobs import limits, operations, queue
from jobs.models import Job

log = logging.getLogger(__name__)

State = Job.State


@dataclass(slots=True)
class Swept:
    """The ids of the jobs that a sweep changed, by what it did."""

    committed: list[int] = field(default_factory=list)
    requeued: list[int] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    cancelled: list[int] = field(default_factory=list)
    notified: list[int] = field(default_factory=list)
    emptied: int = 0
    """The number of jobs whose results were emptied."""


def sweep(*, now: datetime | None = None) -> Swept:
    """End or queue again the running jobs of dead workers, notify the workers of waiting jobs again, and empty old results.

    A running job without a heartbeat for COURSEKEEP_JOB_STALE_SECONDS has lost its worker: if its work is committed it
    succeeded; else it is cancelled if somebody asked for that, queued again, or failed after its last attempt. As
    notifications can be lost, a queued job is notified of again after COURSEKEEP_JOB_NOTIFY_SECONDS, then after twice
    as long each time, up to 15 minutes. Results that are kept for some time only (`jobs/operations.py`) are emptied after it.
    `now` is for tests.
    """
    moment = now or timezone.now()
    swept = Swept()
    swept.emptied = _empty_results(moment)
    stale = moment - timedelta(seconds=queue.seconds("STALE", 60))
    for job_id in Job.objects.filter(state=State.RUNNING, heartbeat__lt=stale).values_list("pk", flat=True):
        _bring_back(job_id, stale, swept)
    waiting = (
        Job.objects.filter(state=State.QUEUED).only("notified", "notifications").order_by("notified", "pk")
    )
    patience = queue.seconds("NOTIFY", 30)
    for job in waiting:
        if moment - job.notified < timedelta(
            seconds=min(patience * 2 ** min(max(job.notifications - 1, 0), 5), 900)
        ):
            continue
        still = Job.objects.filter(pk=job.pk, state=State.QUEUED, notifications=job.notifications)
        if still.update(notified=moment, notifications=job.notifications + 1):
            if not queue.notify_workers(job.pk):
                Job.objects.filter(pk=job.pk, notifications=job.notifications + 1).update(
                    notifications=job.notifications
                )
                break
            swept.notified.append(job.pk)
    return swept


def _empty_results(now: datetime) -> int:
    """Empty the results that are older than their operation keeps them; return how many.

    Without its token the job is not taken for one that still knows what it has found.
    """
    return sum(
        Job.objects.filter(operation=name, finished__lt=now - kept)
        .exclude(result={})
        .update(result={}, token="")
        for name, kept in operations.kept_results.items()
    )


def _bring_back(job_id: int, stale: datetime, swept: Swept) -> None:
    """End one running job without a heartbeat, or queue it again, unless its worker writes in the meantime."""
    dead = Job.objects.filter(pk=job_id, state=State.RUNNING, heartbeat__lt=stale)
    with transaction.atomic():
        # A locked row belongs to a worker that is committing: leave it.
        job = dead.select_for_update(skip_locked=True, no_key=True).first()
        if job is None:
            return
        found = dead.filter(attempts=job.attempts)
        late = job.started is not None and job.started < stale - timedelta(
            seconds=limits.scaled("job_minutes")
        )
        retried = not job.cancel_requested and not late and job.attempts < job.attempts_allowed
        if job.committed is None and retried:
            log.warning("Job %s lost its worker %s in attempt %s.", job_id, job.worker, job.attempts)
            found.update(state=State.QUEUED, worker="", notified=Now(), notifications=1)
            swept.requeued.append(job_id)
            transaction.on_commit(lambda: queue.notify_workers(job_id))
            return
    if job.committed is not None:
        ended, state, changes = swept.committed, State.SUCCEEDED, {}
    elif job.cancel_requested:
        ended, state = swept.cancelled, State.CANCELLED
        changes = {"error": "The job was cancelled; nothing was changed.", "error_code": "cancelled"}
    else:
        changes = queue.failure(queue.took_too_long()) if late else _died(job)
        ended, state = swept.failed, State.FAILED
    if queue.end(found, state, **changes):
        ended.append(job_id)


def _died(job: Job) -> dict[str, str]:
    """Return the `error` columns of a job whose last worker died."""
    times = "once" if job.attempts == 1 else f"{job.attempts} times"
    return {
        "error": f"The process that did job {job.pk} was stopped {times}; nothing was changed.",
        "error_code": "worker-died",
        "error_hint": "Start it again; if that fails too, the server may be short of memory.",
    }
