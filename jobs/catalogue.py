"""The jobs that a person may see, and their numbers by state."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, QuerySet

from jobs.models import Job


def jobs_seen(user: Any) -> QuerySet[Job]:
    """Return the jobs that a person may see: all for a superuser, else those that the person asked for."""
    found = Job.objects.select_related("course", "archive", "requested_by", "schedule_entry__run__schedule")
    return found if user.is_superuser else found.filter(requested_by=user)


def job_counts(user: Any) -> dict[str, int]:
    """Return the number of jobs that a person may see, by state."""
    counts = jobs_seen(user).order_by().values("state").annotate(number=Count("pk"))
    return {row["state"]: row["number"] for row in counts}
