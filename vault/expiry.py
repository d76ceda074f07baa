"""Expiry: jobs, their lines and findings, runs, sessions and the audit trail are removed when the site's limits say so.

Each kind is removed in chunks, the oldest rows first, each chunk in a transaction of its own, and a sweep ends after some
chunks: nobody waits long for a lock, and what is left is removed by the next sweep. An app above registers its own kinds.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Q

from audit import trail
from jobs import limits
from jobs.clock import database_now
from jobs.models import Job, JobFinding, JobLine
from vault.models import ScheduleRun

log = logging.getLogger(__name__)

CHUNK = 1000
"""Rows that one statement removes at most."""

SECONDS = 30.0
"""Time after which a sweep begins no other chunk."""


@dataclass(frozen=True, slots=True)
class Expiring:
    """A kind of rows that expires: the limit with its age in days, and the function that removes a chunk.

    The function gets the moment before which rows are too old, and the most rows to remove; it returns how many it did.
    """

    limit: str
    remove: Callable[[datetime, int], int]


KINDS: dict[str, Expiring] = {}
"""All kinds by name."""


def expiring(
    name: str, limit: str
) -> Callable[[Callable[[datetime, int], int]], Callable[[datetime, int], int]]:
    """Decorator: register a function that removes a chunk of old rows; `limit` names a row of `jobs.limits.LIMITS`."""

    def register(remove: Callable[[datetime, int], int]) -> Callable[[datetime, int], int]:
        KINDS[name] = Expiring(limit, remove)
        return remove

    return register


def sweep(*, now: datetime | None = None, chunk: int = CHUNK, seconds: float = SECONDS) -> dict[str, int]:
    """Remove what is older than its limit; return how many rows of each kind, without those of which none were.

    Stops after `seconds`, at the end of a chunk; the next sweep goes on. A kind that fails is logged, and the others go on.
    """
    moment = now or database_now()
    end = time.monotonic() + seconds
    removed: dict[str, int] = {}
    for name, kind in KINDS.items():
        try:
            before = moment - timedelta(days=limits.value(kind.limit))
            while number := kind.remove(before, chunk):
                removed[name] = removed.get(name, 0) + number
                if time.monotonic() > end:
                    break
        except Exception:
            log.exception("What is too old was not removed: %s.", name)
    return removed


@expiring("lines", "line_days")
def remove_lines(before: datetime, most: int) -> int:
    """Remove the oldest lines of jobs' logs. Ids grow with time, so only the first rows are looked at."""
    first = JobLine.objects.order_by("pk").values_list("pk", "at")[:most]
    old = [pk for pk, at in first if at < before]
    return JobLine.objects.filter(pk__in=old).delete()[0]


@expiring("findings", "finding_days")
def remove_findings(before: datetime, most: int) -> int:
    """Remove the oldest findings of jobs that have ended. Ids grow with time, so only the first rows are looked at."""
    first = JobFinding.objects.order_by("pk").values_list("pk", "job__finished")[:most]
    old = [pk for pk, finished in first if finished is not None and finished < before]
    return JobFinding.objects.filter(pk__in=old).delete()[0]


@expiring("jobs", "job_days")
def remove_jobs(before: datetime, most: int) -> int:
    """Remove the oldest jobs that have ended, with their lines and findings; their archives stay."""
    # `created` has an index, and what ended before a moment was created before it.
    old = Job.objects.filter(created__lt=before, finished__lt=before).order_by("created")
    return _delete(Job, list(old.values_list("pk", flat=True)[: max(1, most // 10)]))


@expiring("runs", "run_days")
def remove_runs(before: datetime, most: int) -> int:
    """Remove the oldest reports of schedules' runs; a run has an entry for each course, so few at a time."""
    old = ScheduleRun.objects.filter(finished__lt=before).order_by("pk")
    return _delete(ScheduleRun, list(old.values_list("pk", flat=True)[: max(1, most // 1000)]))


@expiring("sessions", "session_days")
def remove_sessions(before: datetime, most: int) -> int:
    """Remove sessions that have expired, and those that began before a moment; their people sign in again."""
    lifetime = timedelta(seconds=settings.SESSION_COOKIE_AGE)
    old = Session.objects.filter(Q(expire_date__lt=database_now()) | Q(expire_date__lt=before + lifetime))
    keys = list(old.order_by("expire_date").values_list("pk", flat=True)[:most])
    return Session.objects.filter(pk__in=keys).delete()[0]


@expiring("audit", "audit_days")
def remove_entries(before: datetime, most: int) -> int:
    """Remove the oldest entries of the audit trail."""
    return trail.expire(before, most=most)


def _delete(model: type[Job | ScheduleRun], ids: list[int]) -> int:
    """Delete rows with what belongs to them; return how many rows of the model itself."""
    with transaction.atomic():
        return model.objects.filter(pk__in=ids).delete()[1].get(model._meta.label, 0)
