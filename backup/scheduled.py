"""Backups of a schedule: those of many courses are requested at once, in statements that do not grow with their number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from backup.services import no_right
from courses.capabilities import courses_where
from courses.models import User
from jobs import queue
from jobs.choices import Priority
from jobs.models import Job
from vault.models import ScheduleEntry


def request_all(
    entries: Sequence[ScheduleEntry], *, by: User, options: Mapping[str, str], start_by: datetime | None
) -> dict[int, str]:
    """Queue the backups of entries and return the refusals: sentences by id of entry, for lack of the right to back up.

    The worker resolves the options, which takes the course's content, and checks the rights to what is in it.
    """
    ids = [entry.course_id for entry in entries if entry.course_id is not None]
    allowed = set(
        courses_where(by, "moodle/backup:backupcourse").filter(pk__in=ids).values_list("pk", flat=True)
    )
    queue.request_all(
        Job(
            operation="backup",
            requested_by=by,
            title=entry.title,
            course_id=entry.course_id,
            options=dict(options),
            asked=dict(options),
            mode="automated",
            schedule_entry=entry,
            priority=Priority.SCHEDULE,
            start_by=start_by,
        )
        for entry in entries
        if entry.course_id in allowed
    )
    refusal = no_right("course").sentence()
    return {entry.pk: refusal for entry in entries if entry.course_id not in allowed}
