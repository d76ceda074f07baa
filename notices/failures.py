"""Notices of jobs that failed, at once: to who asked for the job or owns its schedule, administrators and web hooks."""

from __future__ import annotations

from typing import Any

from jobs import operations
from jobs.models import Job
from jobs.trail import ONLY_LOOKS
from notices import outbox, receivers
from notices.email_texts import link, text_of
from notices.models import Notice


@operations.on_finish
def job_ended(job: Job) -> None:
    """Put notices of a job that failed into the outbox. A run of a schedule has one, by its first failure.

    Operations that only look at something have none: whoever asked for it waits on the page.
    """
    if job.state != Job.State.FAILED or job.operation in ONLY_LOOKS:
        return
    run = job.schedule_entry.run if job.schedule_entry else None
    owner = run.schedule.owner if run else job.requested_by
    chosen = [
        *receivers.people([owner], "failures"),
        *receivers.administrators("failures"),
        *receivers.hooks(),
    ]
    if not chosen:
        return
    key = f"run:{run.pk}" if run else f"job:{job.pk}"
    text = text_of("failure", job=job, run=run, address=link("run", run.pk) if run else link("job", job.pk))
    outbox.put(Notice.Kind.FAILURE, key, chosen, text, facts(job))


def facts(job: Job) -> dict[str, Any]:
    """Return what a web hook is told about a job. Sentences and titles are left out, as they can name people."""
    run = job.schedule_entry.run if job.schedule_entry else None
    return {
        "kind": "failure",
        "job": job.pk,
        "operation": job.operation,
        "mode": job.mode,
        "state": job.state,
        "error": job.error_code,
        "course": job.course_id,
        "archive": job.archive_id,
        "schedule": run.schedule_id if run else None,
        "run": run.pk if run else None,
        "address": link("job", job.pk),
    }
