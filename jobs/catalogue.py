"""The jobs that a person may see, and their numbers by state."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Count, QuerySet

from jobs.models import Job


def jobs_seen(user: Any) -> QuerySet[Job]:
    """Return the jobs that a person may see: all for a superuser, else those that the person asked for."""
    found = Job.objects.select_related("course", "archive", "requested_by", "schedule_entry__run__schedule")
    return found if user.is_superuser else found.filter(requested_by=user)


def seen_among(user: Any, jobs: Iterable[int | None]) -> set[int]:
    """Return the ids among `jobs` of those that a person may see; pages link to no others."""
    return set(
        jobs_seen(user).filter(pk__in=[pk for pk in jobs if pk]).order_by().values_list("pk", flat=True)
    )


def under_way(user: Any) -> int:
    """Return the number of a person's own jobs that wait or run."""
    return Job.objects.filter(requested_by=user, state__in=Job.OPEN).count()


def job_counts(user: Any) -> dict[str, int]:
    """Return the number of jobs that a person may see, by state."""
    counts = jobs_seen(user).order_by().values("state").annotate(number=Count("pk"))
    return {row["state"]: row["number"] for row in counts}
