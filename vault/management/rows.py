"""Rows of the lists of jobs, archives and schedules, as data for `--json`, and as a line for people."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from archive.limits import in_units
from jobs.models import Job
from vault.models import Schedule, ScheduleRun, StoredArchive


def moment(value: datetime | None) -> str | None:
    """Return a moment in ISO 8601; None for none."""
    return value.isoformat() if value else None


def shown(value: datetime | None) -> str:
    """Return a moment in UTC to the minute, for a line; `-` for none."""
    return f"{value:%Y-%m-%d %H:%M}" if value else "-"


def job_data(job: Job) -> dict[str, Any]:
    """Return one job; it needs `requested_by` and `schedule_entry__run`."""
    entry = job.schedule_entry
    return {
        "job": job.pk,
        "operation": job.operation,
        "mode": job.mode,
        "state": job.state,
        "title": job.title,
        "course_id": job.course_id,
        "archive_id": job.archive_id,
        "schedule_id": entry.run.schedule_id if entry else None,
        "person": job.requested_by.username if job.requested_by else None,
        "created": moment(job.created),
        "started": moment(job.started),
        "finished": moment(job.finished),
        "attempts": job.attempts,
        "attempts_allowed": job.attempts_allowed,
        "worker": job.worker,
        "step": job.step,
        "done": job.done,
        "total": job.total,
        "records": job.records,
        "cancel_requested": job.cancel_requested,
        "error": {"code": job.error_code, "message": job.error, "hint": job.error_hint}
        if job.error
        else None,
    }


def job_line(job: Job) -> str:
    """Return one job as a line: number, state, operation, when it was asked for, who asked, and its title or its error."""
    person = job.requested_by.username if job.requested_by else "the site" if job.by_site else "-"
    text = f"{job.title}: {job.error}" if job.error else job.title
    return f"{job.pk:>8}  {job.state:<9}  {job.operation:<10}  {shown(job.created)}  {person:<16}  {text}"


def archive_data(archive: StoredArchive) -> dict[str, Any]:
    """Return one stored archive; it needs `created_by`."""
    return {
        "archive": archive.pk,
        "title": archive.title,
        "file": archive.file,
        "kind": archive.archive_type,
        "source": archive.source,
        "course_id": archive.course_id,
        "course_title": archive.course_title,
        "schedule_id": archive.schedule_id,
        "person": archive.created_by.username if archive.created_by else None,
        "created": moment(archive.created),
        "size": archive.size,
        "sha256": archive.sha256,
        "users": archive.users,
        "anonymized": archive.anonymized,
        "verified": moment(archive.verified),
        "verify_errors": archive.verify_errors,
        "missing_contents": archive.missing_contents,
        "good": archive.good,
        "held": archive.keep,
    }


def archive_line(archive: StoredArchive) -> str:
    """Return one archive as a line: number, date, source, size, whether it is good, course and title."""
    state = "damaged" if archive.verify_errors else "incomplete" if not archive.good else "good"
    state = "not verified" if state == "good" and not archive.verified else state
    held = ", held" if archive.keep else ""
    course = f"course {archive.course_id}" if archive.course_id else "no course"
    size = in_units(archive.size)
    came = f"{archive.pk:>8}  {shown(archive.created)}  {archive.source:<8}"
    return f"{came}  {size:>10}  {state}{held}  {course}  {archive.title}"


def run_data(run: ScheduleRun) -> dict[str, Any]:
    """Return one run of a schedule with its report."""
    return {
        "run": run.pk,
        "schedule_id": run.schedule_id,
        "due": moment(run.due),
        "started": moment(run.started),
        "finished": moment(run.finished),
        "report": run.report,
    }


def run_line(run: ScheduleRun) -> str:
    """Return one run as a line: number, times, and how many courses ended in which state."""
    counts = ", ".join(f"{number} {state}" for state, number in run.report.items() if number) or "no course"
    return f"{run.pk:>8}  {shown(run.started)}  {'ended ' + shown(run.finished) if run.finished else 'runs'}  {counts}"


def schedule_data(schedule: Schedule, last: ScheduleRun | None) -> dict[str, Any]:
    """Return one schedule with its last run; it needs `owner`."""
    return {
        "schedule": schedule.pk,
        "name": schedule.name,
        "enabled": schedule.enabled,
        "scope": schedule.scope,
        "category_id": schedule.category_id,
        "weekdays": schedule.weekdays,
        "time": f"{schedule.hour:02d}:{schedule.minute:02d}",
        "time_zone": schedule.timezone,
        "keep": schedule.keep_count,
        "owner": schedule.owner.username if schedule.owner else None,
        "next_run": moment(schedule.next_run),
        "last_run": run_data(last) if last else None,
    }


def schedule_line(schedule: Schedule, last: ScheduleRun | None) -> str:
    """Return one schedule as a line: number, when it runs next, owner, name and its last run."""
    following = shown(schedule.next_run) if schedule.enabled else "off"
    owner = schedule.owner.username if schedule.owner else "no owner"
    run = f"; last run {run_line(last).strip()}" if last else ""
    return f"{schedule.pk:>8}  {following:<16}  {owner:<16}  {schedule.name}{run}"
