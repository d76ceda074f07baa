"""Notices of failures, at once: to who asked for the job or owns its schedule, administrators and web hooks.

A job failed, a run of a schedule has courses that failed, or an archive was made without files whose contents are missing.
"""

from __future__ import annotations

from copy import copy
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, CharField, Exists, OuterRef, Q, Value, When
from django.db.models.functions import Cast, Concat

from courses.capabilities import courses_where
from courses.models import User
from jobs import operations
from jobs.clock import database_now
from jobs.models import Job
from jobs.trail import LATE, ONLY_LOOKS
from notices import outbox, receivers
from notices.models import Notice
from vault.email_texts import EmailText, link, text_of
from vault.forms import BACK_UP
from vault.models import ScheduleEntry, ScheduleRun
from vault.schedules import incomplete_sentence, on_run_finish

CATCH_UP = timedelta(days=1)
"""Time after its end for which a failure without a notice gets one."""

MOST = 200
"""Jobs, and runs, that one look for failures without a notice takes."""


@operations.on_finish
def job_ended(job: Job) -> None:
    """Put notices of a job that failed, or made an incomplete archive, into the outbox. A run has one, by its first failure.

    Operations that only look at something have none: whoever asked for it waits on the page.
    """
    if job.operation not in ONLY_LOOKS and (job.state == Job.State.FAILED or _missing(job)):
        _put(job)


@on_run_finish
def run_ended(run: ScheduleRun) -> None:
    """Put notices of a run of a schedule in which courses failed into the outbox, unless it has them by its first failure.

    An entry that failed before it had a job, as the owner lacks a right, is told by its reason.
    """
    if not run.report.get(ScheduleEntry.State.FAILED.value):
        return
    entries = run.entries.filter(state=ScheduleEntry.State.FAILED).select_related(
        "job", "run__schedule__owner"
    )
    entry = entries.order_by("pk").first()
    if entry is None:
        return
    job = getattr(entry, "job", None)
    if not (isinstance(job, Job) and job.state == Job.State.FAILED):
        job = Job(
            operation="backup",
            state=Job.State.FAILED,
            title=entry.title,
            course_id=entry.course_id,
            error=entry.reason,
            requested_by=run.schedule.owner,
        )
    _put(job, run)


def catch_up(*, now: datetime | None = None) -> int:
    """Put notices of the jobs and runs that failed in the last day and have none; return the number of these jobs and runs.

    The process that ended them died before it made the notices. Takes `MOST` jobs and `MOST` runs at most.
    """
    moment = now or database_now()
    ended = {"finished__gt": moment - CATCH_UP, "finished__lt": moment - LATE}
    told = Notice.objects.filter(kind=Notice.Kind.FAILURE, key=OuterRef("key"))
    number = 0
    runs = ScheduleRun.objects.filter(**ended, report__failed__gt=0).annotate(key=_key(outbox.RUN, "pk"))
    for run in runs.filter(~Exists(told)).select_related("schedule__owner").order_by("-pk")[:MOST]:
        run_ended(run)
        number += 1
    failed = Q(state=Job.State.FAILED) | Q(state=Job.State.SUCCEEDED, result__missing_contents__gt=0)
    key = Case(
        When(schedule_entry=None, then=_key("job:", "pk")),
        default=_key(outbox.RUN, "schedule_entry__run_id"),
        output_field=CharField(),
    )
    jobs = Job.objects.filter(failed, **ended).exclude(operation__in=ONLY_LOOKS).annotate(key=key)
    for job in jobs.filter(~Exists(told)).order_by("-pk")[:MOST]:
        job_ended(job)
        number += 1
    return number


def _key(start: str, column: str) -> Concat:
    """Return the expression of the key of a notice about the row whose id a column has."""
    return Concat(Value(start), Cast(column, CharField()))


def _put(job: Job, run: ScheduleRun | None = None) -> None:
    """Put the notices of a job into the outbox. `run` is given if the job has no row, else found by its entry."""
    run = run or (job.schedule_entry.run if job.schedule_entry else None)
    owner: User | None = run.schedule.owner if run else job.requested_by
    site = [*receivers.administrators("failures"), *receivers.hooks()]
    own = receivers.people([owner], "failures")
    # Who asked for a job knows its course; the owner of a schedule may have lost the right to it.
    site, own = (site, receivers.not_among(own, site)) if run else ([*own, *site], [])
    key = f"{outbox.RUN}{run.pk}" if run else f"job:{job.pk}"
    for chosen, told in ((site, job), (own, _named_for(owner, job) if own and owner else job)):
        if chosen:
            text = _text(told, run)
            outbox.put(Notice.Kind.FAILURE, key, chosen, text, facts(job, run), requester=owner)


def _text(job: Job, run: ScheduleRun | None) -> EmailText:
    return text_of(
        "failure",
        job=job,
        run=run,
        incomplete=incomplete_sentence(_missing(job)) if job.state == Job.State.SUCCEEDED else "",
        address=link("run", run.pk) if run else link("job", job.pk),
    )


def _named_for(owner: User, job: Job) -> Job:
    """Return a job for the notice to the owner of its schedule: without the course's name, if the owner may not back it up."""
    if courses_where(owner, BACK_UP).filter(pk=job.course_id or 0).exists():
        return job
    told = copy(job)
    told.title = "a course that you may not back up"
    return told


def _missing(job: Job) -> int:
    """Return the number of contents that a job left out of its archive, as they are missing."""
    missing = job.result.get("missing_contents") if isinstance(job.result, dict) else None
    return missing if isinstance(missing, int) else 0


def facts(job: Job, run: ScheduleRun | None) -> dict[str, Any]:
    """Return what a web hook is told about a job. Sentences and titles are left out, as they can name people.

    `job` is None for a course of a run that failed before it had a job; `missing` is the number of contents left out.
    """
    return {
        "kind": "failure",
        "job": job.pk,
        "operation": job.operation,
        "mode": job.mode,
        "state": job.state,
        "error": job.error_code,
        "course": job.course_id,
        "archive": job.archive_id,
        "missing": _missing(job),
        "schedule": run.schedule_id if run else None,
        "run": run.pk if run else None,
        "address": link("job", job.pk) if job.pk else link("run", run.pk) if run else "",
    }
