"""Entries of jobs in the audit trail: one for each job that ended and that did more than look at something."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, Exists, OuterRef, Value, When

from audit.models import AuditEntry
from audit.trail import record
from jobs import operations
from jobs.clock import database_now
from jobs.models import Job

RECORDED = {
    "backup": "backup",
    "restore": "restore",
    "copy": "copy",
    "import": "import",
    "remove": "removal",
    "bring_back": "return",
    "bring_back_person": "person-return",
    "upload": "upload",
}
"""The action in the trail by operation."""

ONLY_LOOKS = frozenset({"rehearse", "match_people", "find_people", "verify"})
"""Operations that change nothing, so that the trail has no entries of them."""

CATCH_UP = timedelta(hours=26)
"""Time after its end for which a job without an entry gets one."""

MOST = 500
"""Jobs that one look for jobs without an entry records."""

LATE = timedelta(minutes=5)
"""Time that the process that ended a job has to make the entry itself."""


@operations.on_finish
def record_end(job: Job) -> None:
    """Record the end of a job: who asked for it, what it was about, how it ended, and who cancelled it."""
    if job.state == Job.State.CANCELLED and job.cancel_requested:
        record(
            "job-cancelled",
            by=job.cancelled_by,
            subject="job",
            subject_id=job.pk,
            title=job.title,
            course=job.course_id,
        )
    action = RECORDED.get(job.operation)
    if action is None:
        return
    details: dict[str, Any] = {
        "mode": job.mode,
        "type": job.archive_type,
        "archive": job.archive_id,
        "schedule": job.schedule_entry.run.schedule_id if job.schedule_entry else None,
        "path": job.path if job.operation in ("backup", "restore") else "",
        "error": job.error_code if job.state == Job.State.FAILED else "",
    }
    record(
        action,
        by=job.requested_by,
        subject="job",
        subject_id=job.pk,
        title=job.title,
        course=job.course_id,
        outcome={Job.State.SUCCEEDED.value: "done"}.get(job.state, job.state),
        **{name: value for name, value in details.items() if value},
    )


def catch_up(*, now: datetime | None = None) -> int:
    """Record the jobs that ended lately and have no entry, as the process that ended them died; return how many.

    One statement finds them, `MOST` at most; a later call finds the others.
    """
    moment = now or database_now()
    action = Case(*(When(operation=name, then=Value(action)) for name, action in RECORDED.items()))
    entries = AuditEntry.objects.filter(
        subject="job", subject_id=OuterRef("pk"), action=OuterRef("recorded_as")
    )
    ended = Job.objects.filter(
        operation__in=RECORDED, finished__gt=moment - CATCH_UP, finished__lt=moment - LATE
    ).annotate(recorded_as=action)
    missing = ended.filter(~Exists(entries)).select_related("requested_by", "schedule_entry__run")
    found = list(missing.order_by("pk")[:MOST])
    for job in found:
        record_end(job)
    return len(found)
