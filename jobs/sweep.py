"""The sweep: end or queue again jobs whose worker died or hangs, notify again of waiting jobs, empty old results."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from jobs import limits, operations, queue
from jobs.clock import database_now
from jobs.models import Job

log = logging.getLogger(__name__)

State = Job.State

NOTIFIED_AGAIN = 10
"""Notifications that one sweep sends again, at most: more would pile up while long jobs run."""


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


@dataclass(frozen=True, slots=True)
class _Lost:
    """The moments from which on running jobs are lost: those whose heartbeat, and whose progress, is older."""

    heartbeat: datetime
    progress: datetime

    @property
    def jobs(self) -> Q:
        return Q(state=State.RUNNING) & (Q(heartbeat__lt=self.heartbeat) | Q(progressed__lt=self.progress))


def sweep(*, now: datetime | None = None) -> Swept:
    """End or queue again the running jobs that are lost, notify the workers of waiting jobs again, and empty old results.

    A running job without a heartbeat for COURSEKEEP_JOB_STALE_SECONDS has lost its worker, one without progress for
    COURSEKEEP_JOB_STUCK_SECONDS hangs: if its work is committed it succeeded; else it is cancelled if somebody asked for that,
    queued again, or failed after its last attempt. As notifications can be lost, a queued job is notified of again after
    COURSEKEEP_JOB_NOTIFY_SECONDS, then after twice as long each time, up to 15 minutes. Jobs of a schedule that were not begun
    in its window are cancelled. Results that are kept for some time only (`jobs/operations.py`) are emptied after it. `now` is
    for tests; else it is the time of the database.
    """
    moment = now or database_now()
    swept = Swept()
    swept.emptied = _empty_results(moment)
    lost = _Lost(
        moment - timedelta(seconds=queue.seconds("STALE")),
        moment - timedelta(seconds=queue.seconds("STUCK")),
    )
    for job_id in Job.objects.filter(lost.jobs).order_by("pk").values_list("pk", flat=True):
        _bring_back(job_id, lost, swept)
    _end_windows(moment, swept)
    _notify_again(moment, swept)
    return swept


def _end_windows(now: datetime, swept: Swept) -> None:
    """Cancel the waiting jobs that must not begin any more, as the window of their schedule is over."""
    # A job that was begun in time and is queued again, since its worker died or was ended, goes on after the window.
    over = Job.objects.filter(state=State.QUEUED, start_by__lte=now, started=None)
    # All at once, as these may be thousands: the run's report counts them when it is looked at next (`vault/schedules.py`).
    if ids := list(over.order_by("pk").values_list("pk", flat=True)):
        over.filter(pk__in=ids).update(state=State.CANCELLED, finished=Now(), **queue.WINDOW_OVER)
        swept.cancelled += ids


def _notify_again(now: datetime, swept: Swept) -> None:
    """Notify the workers of jobs that have waited long enough since the last notification."""
    patience = queue.seconds("NOTIFY")
    due = Q()
    for number in range(1, 7):
        sent = Q(notifications__lte=1) if number == 1 else Q(notifications=number)
        sent = Q(notifications__gte=6) if number == 6 else sent
        due |= sent & Q(notified__lte=now - timedelta(seconds=min(patience * 2 ** (number - 1), 900)))
    waiting = Job.objects.filter(due, state=State.QUEUED, attempts_allowed__gt=1)
    able = waiting.filter(Q(not_before=None) | Q(not_before__lte=now))
    for job in able.only("notifications").order_by("notified", "pk")[:NOTIFIED_AGAIN]:
        still = Job.objects.filter(pk=job.pk, state=State.QUEUED, notifications=job.notifications)
        if still.update(notified=now, notifications=job.notifications + 1):
            if not queue.notify_workers(job.pk):
                Job.objects.filter(pk=job.pk, notifications=job.notifications + 1).update(
                    notifications=job.notifications
                )
                break
            swept.notified.append(job.pk)


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


def _bring_back(job_id: int, lost: _Lost, swept: Swept) -> None:
    """End one lost job, or queue it again, unless its worker writes in the meantime."""
    found = Job.objects.filter(lost.jobs, pk=job_id)
    with transaction.atomic():
        # A locked row belongs to a worker that is committing: leave it.
        job = found.select_for_update(skip_locked=True, no_key=True).first()
        if job is None:
            return
        found = found.filter(attempts=job.attempts)
        late = job.started is not None and job.started < lost.heartbeat - timedelta(
            seconds=limits.scaled("job_minutes")
        )
        retried = not job.cancel_requested and not late and job.attempts < job.attempts_allowed
        if job.committed is None and retried:
            what = "hangs in" if _hangs(job, lost) else "lost"
            log.warning("Job %s %s its worker %s in attempt %s.", job_id, what, job.worker, job.attempts)
            found.update(state=State.QUEUED, worker="", notified=Now(), notifications=1)
            swept.requeued.append(job_id)
            transaction.on_commit(lambda: queue.notify_workers(job_id))
            return
    if job.committed is not None:
        ended, state, changes = swept.committed, State.SUCCEEDED, {}
    elif job.cancel_requested:
        ended, state = swept.cancelled, State.CANCELLED
        changes = queue.failure(queue.was_cancelled())
    else:
        changes = queue.failure(queue.took_too_long()) if late else _died(job, hung=_hangs(job, lost))
        ended, state = swept.failed, State.FAILED
    if queue.end(found, state, **changes):
        ended.append(job_id)


def _hangs(job: Job, lost: _Lost) -> bool:
    """True if the job's worker lives and makes no progress."""
    return job.heartbeat is not None and job.heartbeat >= lost.heartbeat


def _died(job: Job, *, hung: bool) -> dict[str, str]:
    """Return the `error` columns of a job whose last worker died, or hung."""
    times = "once" if job.attempts == 1 else f"{job.attempts} times"
    if hung:
        minutes = round(queue.seconds("STUCK") / 60)
        return {
            "error": f"Job {job.pk} made no progress for {minutes:,} minutes and was stopped; nothing was changed. "
            f"Its last step: {job.step or 'none'}.",
            "error_code": "no-progress",
            "error_hint": "Start it again; if that fails too, ask an administrator whether the storages answer.",
        }
    return {
        "error": f"The process that did job {job.pk} was stopped {times}; nothing was changed.",
        "error_code": "worker-died",
        "error_hint": "Start it again; if that fails too, the server may be short of memory.",
    }
