"""Queues the backups of a run by one call for each course, in place of the few statements of the app of backups."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from django.db import IntegrityError, transaction

from archive.errors import CoursekeepError
from courses.models import Course, User
from jobs.choices import Priority
from jobs.models import Job
from vault.models import ScheduleEntry
from vault.runs import FAULT, PASSING, RequestAll

log = logging.getLogger(__name__)


class Request(Protocol):
    """A function that requests the backup of one course: `backup.services.request_backup`."""

    def __call__(self, course: Course, *, by: User, options: Mapping[str, str]) -> Job: ...


def one_by_one(request: Request) -> RequestAll:
    """Return a function that queues the backups of entries by one call of `request` for each."""

    def request_all(
        entries: Sequence[ScheduleEntry],
        *,
        by: User,
        options: Mapping[str, str],
        start_by: datetime | None,
    ) -> dict[int, str]:
        refused: dict[int, str] = {}
        for entry in entries:
            assert entry.course is not None
            try:
                with transaction.atomic():
                    job = request(entry.course, by=by, options=options)
                    Job.objects.filter(pk=job.pk).update(
                        schedule_entry=entry, priority=Priority.SCHEDULE, start_by=start_by
                    )
            except (IntegrityError, *PASSING):
                raise
            except CoursekeepError as refusal:
                refused[entry.pk] = refusal.sentence()
            except Exception:
                log.exception(
                    "Run %s could not queue the backup of course %s.", entry.run_id, entry.course_id
                )
                refused[entry.pk] = FAULT
        return refused

    return request_all
