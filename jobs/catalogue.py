"""The jobs that a person may see, and their numbers by state."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet

from courses.paging import Counted, counted
from jobs.models import Job

MOST = 1_000
"""Jobs of a state that are counted for its tab, at most."""


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


def job_counts(user: Any) -> dict[str, Counted]:
    """Return the number of jobs that a person may see by state, and that of all as "", each counted up to `MOST`."""
    found = Job.objects.all() if user.is_superuser else Job.objects.filter(requested_by=user)
    by_state = {state: counted(found.filter(state=state), most=MOST) for state in Job.State.values}
    number = sum(one.number for one in by_state.values())
    more = number > MOST or any(one.more for one in by_state.values())
    return {"": Counted(min(number, MOST), more), **by_state}
