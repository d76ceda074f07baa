"""Retries: a job that failed or was cancelled is queued again, as the same job, with the log of its earlier attempts."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from archive.errors import Busy, UsageError
from audit.trail import record
from courses.models import User
from jobs import operations, queue
from jobs.models import Job
from vault.models import ScheduleEntry, ScheduleRun

ATTEMPTS = 3
"""Attempts that a job gets anew."""

RETRIED = (Job.State.FAILED, Job.State.CANCELLED)


def why_not(job: Job) -> UsageError | None:
    """Return the reason why a job cannot be retried as an error; None if it can be."""
    if job.state not in RETRIED:
        return UsageError(
            f"Job {job.pk} is {job.state}.", hint="Only jobs that failed or were cancelled can be retried."
        )
    if job.path:
        return UsageError(
            f"Job {job.pk} worked on a file that is no stored archive.",
            hint="Run its command again, or upload the archive again.",
        )
    if job.operation in operations.kept_results or job.operation not in operations.operations:
        return UsageError(f"Job {job.pk} was for a page only.", hint="Open that page again.")
    return None


def retry(job: Job, *, by: User | None) -> Job:
    """Queue a job again and notify the workers; return its row. Its entry in the run of a schedule is open again.

    `by` is who asks for it, None for a command; the audit trail has it.
    Raises UsageError if it cannot be retried, Busy if another scheduled backup of its course waits or runs.
    """
    if (reason := why_not(job)) is not None:
        raise reason
    changes = {
        "state": Job.State.QUEUED,
        "attempts_allowed": job.attempts + ATTEMPTS,
        # The window of its schedule and the pause after its last failure do not count: a person wants it now.
        "start_by": None,
        "not_before": None,
        "finished": None,
        "worker": "",
        "cancel_requested": False,
        "cancelled_by": None,
        "notified": Now(),
        "notifications": 1,
        "error": "",
        "error_code": "",
        "error_hint": "",
        "result": {},
    }
    try:
        with transaction.atomic():
            same = Job.objects.filter(pk=job.pk, state__in=RETRIED, attempts=job.attempts)
            if not same.update(**changes):
                raise Busy(f"Job {job.pk} was changed meanwhile.", hint="Look at it, then try again.")
            record(
                "job-retried",
                by=by,
                subject="job",
                subject_id=job.pk,
                title=job.title,
                course=job.course_id,
                operation=job.operation,
            )
            if job.schedule_entry_id:
                _open_entry(job.schedule_entry_id)
            transaction.on_commit(lambda: queue.notify_workers(job.pk))
    except IntegrityError as clash:
        if "job_one_scheduled_per_course" not in str(clash):
            raise
        raise Busy(
            f"Job {job.pk} cannot be retried: another scheduled backup of its course waits or runs.",
            hint="Wait for it, or cancel it first.",
        ) from clash
    job.refresh_from_db()
    return job


def _open_entry(entry: int) -> None:
    """Set an entry of a run to queued, and its run to not finished, so that the end of the job is entered again."""
    found = ScheduleEntry.objects.filter(pk=entry)
    found.update(state=ScheduleEntry.State.QUEUED, reason="")
    ScheduleRun.objects.filter(entries__in=found).update(finished=None)
