"""The states of a job: request, finish, end and cancel it; `jobs/claims.py` begins it, `jobs/sweep.py` queues it again.

The job's row is the queue. A notification (a Celery message) only makes a worker look for the best job. Each
change of state is an update on the condition that state and attempt are still those that the caller saw, so that
a worker that was given up cannot overwrite what its successor does.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.module_loading import import_string

from archive.errors import Cancelled, CoursekeepError, NotFound, TookTooLong
from jobs import claims, limits, operations
from jobs.choices import Priority
from jobs.claims import claim as claim
from jobs.models import Job, JobFinding

if TYPE_CHECKING:
    from courses.models import Course, User

log = logging.getLogger(__name__)

State = Job.State


MESSAGES = 100
"""Notifications that are sent at once, at most: each makes a worker look for the best job, so few are enough for many jobs."""

BROKER_PAUSE = 15.0
"""Seconds for which no notification is sent after the broker did not answer."""

WINDOW_OVER = {
    "error": "The time of the schedule was over before it was its turn; its course comes first in the next run.",
    "error_code": "window-over",
}
"""The `error` columns of a job of a schedule that was not begun in time."""

_quiet_until = 0.0


class Superseded(Exception):
    """The sweep gave this attempt up, and another may be running: stop, roll back, write nothing."""


class GivenBack(Exception):
    """The worker of this attempt ends: stop, roll back; the job is queued again as if the attempt had not been."""


def request(
    operation: str,
    *,
    by: User | None,
    title: str = "",
    course: Course | None = None,
    source: Course | None = None,
    archive_type: str = "course",
    item: int | None = None,
    options: Mapping[str, Any] | None = None,
    asked: Mapping[str, Any] | None = None,
    target: Mapping[str, Any] | None = None,
    archive: Any = None,
    path: str = "",
    attempts: int = 3,
    notify: bool = True,
    token: str = "",
    mode: str = "general",
) -> Job:
    """Put a job in the queue and, when the transaction commits, notify the workers.

    `source` is the course that a copy or an import takes from.

    `token` names the form that asked for it: if the person has a job with it already, that job is returned.

    `by` is None if the site itself asks, which may do everything. `options` are the resolved options, `asked` those
    that the person gave, `mode` is what the operation is for. A command that runs the job in its own process passes
    `notify=False` and `attempts=1`, so that no worker takes the job.
    """
    token = token[:64]
    if (there := requested_before(by, token)) is not None:
        return there
    row = Job(
        operation=operation,
        requested_by=by,
        by_site=by is None,
        title=title,
        course=course,
        source=source,
        archive_type=archive_type,
        item=item,
        options=dict(options or {}),
        asked=dict(asked or {}),
        target=dict(target or {}),
        archive=archive,
        path=path,
        attempts_allowed=attempts,
        priority=operations.priorities.get(operation, Priority.BACKUP),
        notifications=1,
        token=token,
        mode=mode,
    )
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        # The form was sent twice at the same moment.
        if (there := requested_before(by, token)) is None:
            raise
        return there
    if notify:
        transaction.on_commit(lambda: notify_workers(row.pk))
    return row


def request_all(jobs: Iterable[Job]) -> list[Job]:
    """Put many jobs in the queue by one statement for some hundred, and notify the workers when the transaction commits.

    Raises IntegrityError if the course of one of them has an open job of a schedule already.
    """
    rows = list(jobs)
    for row in rows:
        row.notifications = 1
    made = Job.objects.bulk_create(rows, batch_size=500)
    # Each message makes one worker look for the best job; the end of each job makes one look for the next.
    for row in made[:MESSAGES]:
        transaction.on_commit(partial(notify_workers, row.pk))
    return made


def requested_before(by: User | None, token: str) -> Job | None:
    """Return the job that a person has asked for with the same form; None if there is none."""
    return Job.objects.filter(requested_by=by, token=token).first() if token and by is not None else None


def forget(job: Job) -> None:
    """Let the form that asked for a job ask for another one."""
    Job.objects.filter(pk=job.pk).update(token="")


def notify_workers(job_id: int) -> bool:
    """Notify the workers of a queued job; False if the broker does not answer (the sweep notifies again)."""
    global _quiet_until
    if time.monotonic() < _quiet_until:
        return False
    notify: Callable[[int], None] = import_string(
        getattr(settings, "COURSEKEEP_NOTIFY_WORKERS", "jobs.tasks.notify")
    )
    try:
        notify(job_id)
    except Exception as problem:  # noqa: BLE001 - whatever a broker's driver raises: the job is safe in its row
        log.warning("Job %s waits for the sweep, since the broker does not answer: %s", job_id, problem)
        # A schedule that queues a thousand jobs must not wait a thousand times for a broker that is down.
        _quiet_until = time.monotonic() + BROKER_PAUSE
        return False
    return True


def finish(
    job: Job,
    result: Mapping[str, Any] | None = None,
    *,
    course: Course | None = None,
    archive: Any = None,
) -> None:
    """Record, in the transaction of the operation's work, that the work is done, so that it is never done twice.

    Call it last inside the operation's atomic block: from here to the commit the job's row is locked. Raises
    Superseded, which must roll the transaction back, if another attempt has the job; RuntimeError outside of a
    transaction.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("A job is finished inside the transaction that does its work.")
    changes: dict[str, Any] = {"committed": Now(), "result": dict(result or {})}
    if course is not None:
        changes["course"] = course
    if archive is not None:
        changes["archive"] = archive
    if not mine(job).filter(committed=None).update(**changes):
        raise Superseded(f"job {job.pk}, attempt {job.attempts}")


def mine(job: Job) -> models.QuerySet[Job]:
    """Return the job's row, if it is running and its attempt is still the one of `job`; else no row.

    The worker tells two attempts of one number apart: that of an attempt that was given back is used again.
    """
    return Job.objects.filter(pk=job.pk, state=State.RUNNING, attempts=job.attempts, worker=job.worker)


def end(found: models.QuerySet[Job], state: str, **changes: Any) -> bool:
    """Set the one job that `found` selects to a final state, and call the watchers; False if it selects none any more."""
    job_id = found.values_list("pk", flat=True).first()
    if job_id is None or not found.filter(pk=job_id).update(state=state, finished=Now(), **changes):
        return False
    job = Job.objects.get(pk=job_id)
    _notify_of_next(job.operation)
    for watcher in operations.watchers:
        try:
            watcher(job)
        except Exception:  # the job has ended all the same; watchers catch up when they run next
            log.exception("Job %s ended, and a watcher of that failed.", job_id)
    return True


def _notify_of_next(ended: str) -> None:
    """Notify the workers of the job that they should take next, since one has ended; of none if no job may begin.

    Others that may run were notified of when they were requested, and again by the sweep. The end of a job may let one begin at
    each storage that its operation used and that has a limit: so many workers look for the best job.
    """
    following, places = claims.best_after(ended)
    if following is None:
        return
    for _ in range(places):
        transaction.on_commit(partial(notify_workers, following))


def give_back(job: Job, *, ending: bool = False) -> None:
    """Queue a running job again as if this attempt had not been, since its worker ends; cancel it if somebody asked for that.

    Nothing changes if its work is committed or another attempt has it. A job with one attempt is its command's or a part of
    another job, so no worker would take it: it is cancelled. With `ending`, for a process that ends at once, it waits neither
    for the job's row nor for the broker, and the sweep notifies the workers: raises OperationalError if the row is locked.
    """
    if ending:
        with transaction.atomic():
            list(mine(job).select_for_update(no_key=True, nowait=True).values_list("pk"))
            _give_back(job, watched=False)
    elif _give_back(job, watched=True):
        notify_workers(job.pk)


def _give_back(job: Job, *, watched: bool) -> bool:
    """Change a row as `give_back` does; return whether it is queued. Watchers of jobs are called if it is `watched`."""
    row = mine(job).filter(committed=None)
    stopped = was_cancelled()
    if job.attempts_allowed == 1:
        stopped = Cancelled(
            "The process that did the job was stopped; nothing was changed.", hint="Start it again."
        )
    cancelled = row.filter(Q(cancel_requested=True) | Q(attempts_allowed=1))
    if watched and end(cancelled, State.CANCELLED, **failure(stopped)):
        return False
    # Without watchers: they catch up when they run next.
    if not watched and cancelled.update(state=State.CANCELLED, finished=Now(), **failure(stopped)):
        return False
    with transaction.atomic():
        if not row.update(
            state=State.QUEUED, attempts=models.F("attempts") - 1, worker="", notified=Now(), notifications=1
        ):
            return False
        # The attempt's number is used again.
        JobFinding.objects.filter(job=job, attempt=job.attempts).delete()
    return True


def failure(error: CoursekeepError) -> dict[str, str]:
    """Return the `error` columns of a job that failed with an error for people."""
    place = f"{error.where}: " if error.where else ""
    return {"error": f"{place}{error.message}", "error_code": error.code, "error_hint": error.hint}


def was_cancelled() -> Cancelled:
    """Return the error for a job that somebody stopped."""
    return Cancelled("The job was cancelled; nothing was changed.")


def took_too_long() -> TookTooLong:
    """Return the error for a job that takes longer than a job may."""
    return TookTooLong(
        f"The job took longer than {limits.value('job_minutes'):,} minutes and was stopped; nothing was changed.",
        hint="Choose less of the course, or ask an administrator to raise the limit.",
    )


def internal_failure(job_id: int) -> dict[str, str]:
    """Return the `error` columns of a job that failed by a fault of the program; the cause is in the server's log."""
    return {
        "error": f"An error in Coursekeep stopped job {job_id}; nothing was changed.",
        "error_code": "internal",
        "error_hint": f"Ask an administrator to look for “job {job_id}” in the server's log.",
    }


def cancel(job: Job, *, by: User | None) -> Job:
    """Cancel a job and return its row: a queued one at once; a running one at its next event, with everything rolled back."""
    row = Job.objects.filter(pk=job.pk)
    # The flag first, so that a worker that claims the job in between sees it.
    row.filter(state__in=Job.OPEN, cancel_requested=False).update(cancel_requested=True, cancelled_by=by)
    sentence = {"error": "The job was cancelled before it began.", "error_code": "cancelled"}
    end(row.filter(state=State.QUEUED), State.CANCELLED, **sentence)
    job.refresh_from_db()
    return job


def follow(job_id: int, *, every: float = 0.5) -> Iterator[Job]:
    """Yield the job now and every `every` seconds until it has ended, last in its final state. Raises NotFound."""
    while True:
        job = Job.objects.filter(pk=job_id).first()
        if job is None:
            raise NotFound(f"There is no job {job_id}.")
        yield job
        if job.over:
            return
        time.sleep(every)


def seconds(name: str) -> float:
    """Return the setting COURSEKEEP_JOB_<name>_SECONDS."""
    return float(getattr(settings, f"COURSEKEEP_JOB_{name}_SECONDS"))
