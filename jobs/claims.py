"""Claiming: a worker takes the best waiting job, by class, then in turn between people, within the site's limits."""

from __future__ import annotations

from typing import Any

from django.db import connection, models, transaction
from django.db.models.functions import Now

from courses.locks import lock_until_commit
from jobs import limits, operations
from jobs.models import Job

State = Job.State

WAITED_FOR = 2
"""Jobs of the class `Priority.WAITING` of one person that run at the same time: no other job of anybody delays them."""

# `heads` has the first job that may begin of each class, person and operation. Each is found by one step in the index
# `job_claimable`, so the query does not read the queue, also not past the jobs whose storage is busy. The site's own jobs are
# those of person 0. `turns` adds what decides whose turn it is.
WITH_ROOM = """
WITH RECURSIVE heads(id, priority, person, operation, by_site, scheduled) AS ({heads}),
running AS MATERIALIZED (
    SELECT coalesce(requested_by_id, 0) AS person, priority, schedule_entry_id IS NOT NULL AS scheduled,
           NOT by_site AND attempts_allowed > 1 AND priority > 0 AS counted
    FROM jobs_job WHERE state = 'running'
),
turns AS (
    SELECT heads.*,
           (SELECT count(*) FROM running
            WHERE running.person = heads.person AND running.priority = heads.priority) AS at_work,
           (SELECT count(*) FROM running
            WHERE running.person = heads.person AND running.counted AND NOT running.scheduled) AS own,
           (SELECT max(job.started) FROM jobs_job AS job
            WHERE coalesce(job.requested_by_id, 0) = heads.person AND job.priority = heads.priority) AS served
    FROM heads
),
ready AS (
    SELECT * FROM turns
    WHERE by_site
       OR (priority = 0 AND at_work < %(waiting)s)
       OR (priority > 0 AND (SELECT count(*) FROM running WHERE counted) < %(site)s AND (scheduled OR own < %(person)s))
)
SELECT id FROM ready
{bounded}
ORDER BY priority, at_work, served NULLS FIRST, id
LIMIT 1
"""
ONE = """
    SELECT job.id, job.priority::int, coalesce(job.requested_by_id, 0), job.operation::text, job.by_site,
           job.schedule_entry_id IS NOT NULL
    FROM jobs_job AS job WHERE {which}
"""
HEAD = ONE.format(
    which="""job.state = 'queued' AND job.attempts_allowed > 1 AND job.attempts < job.attempts_allowed
      AND (job.not_before IS NULL OR job.not_before <= statement_timestamp())
      AND (job.start_by IS NULL OR job.started IS NOT NULL OR job.start_by > statement_timestamp()) {after}
    ORDER BY job.priority, coalesce(job.requested_by_id, 0), job.operation, job.id LIMIT 1"""
)
AFTER = """AND (job.priority, coalesce(job.requested_by_id, 0), job.operation)
        > (heads.priority, heads.person, heads.operation)"""
ALL_HEADS = """
    ({first})
    UNION ALL
    SELECT following.* FROM heads CROSS JOIN LATERAL ({following}) AS following
"""
HEADS = ALL_HEADS.format(first=HEAD.format(after=""), following=HEAD.format(after=AFTER))
BEST = WITH_ROOM.format(heads=HEADS, bounded="")
GIVEN = WITH_ROOM.format(heads=ONE.format(which="job.id = %(job)s"), bounded="")
BOUNDED = """
WHERE priority = 0 OR (operation <> ALL(%(busy)s) AND NOT EXISTS (
    SELECT 1 FROM ready AS ahead
    JOIN unnest(%(ahead)s::text[], %(behind)s::text[]) AS reserved(ahead, behind) ON reserved.ahead = ahead.operation
    WHERE reserved.behind = ready.operation AND ahead.priority > 0 AND ahead.priority < ready.priority))
"""
BEST_BESIDE_BUSY = WITH_ROOM.format(heads=HEADS, bounded=BOUNDED)
GIVEN_BESIDE_BUSY = WITH_ROOM.format(heads=ONE.format(which="job.id = %(job)s"), bounded=BOUNDED)
"""The same for a site that limits the jobs of a storage: without the operations whose storage is busy, and without those that
would take the last place at a storage for which a job of a higher class waits that needs a busy one as well. Else such a job
would wait until both storages are free at the same moment. A given job does not see which others wait."""


def claim(job_id: int, *, worker: str) -> Job | None:
    """Set one queued job to running, as its next attempt: for a process that runs this job and no other.

    None if it is not queued, has no attempt left, or as many jobs run already as may (`jobs/limits.py`).
    """
    with transaction.atomic():
        _one_at_a_time()
        job = Job.objects.select_for_update(no_key=True).filter(pk=job_id, state=State.QUEUED).first()
        if job is None or job.attempts >= job.attempts_allowed or not _has_room(job):
            return None
        _begin(Job.objects.filter(pk=job_id), worker)
    job.refresh_from_db()
    return job


def claim_best(*, worker: str) -> Job | None:
    """Set the best of the queued jobs to running, as its next attempt; None if no job may begin now.

    The best is of the lowest priority number; among these it is of the person with the fewest running jobs of that class, then
    of the person whose last job of it began first; then the oldest. Jobs with one attempt are left to their commands.
    """
    with transaction.atomic():
        _one_at_a_time()
        job_id = best()
        # It is not queued any more if it was cancelled since.
        if job_id is None or not _begin(Job.objects.filter(pk=job_id, state=State.QUEUED), worker):
            return None
    return Job.objects.get(pk=job_id)


def best() -> int | None:
    """Return the id of the job that a worker should take now; None if no job may begin."""
    return _first_with_room(BEST, BEST_BESIDE_BUSY, _limits())


def best_after(operation: str) -> tuple[int | None, int]:
    """Return what `best` returns, and how many jobs may begin since one of an operation has ended.

    That is one for each storage that it used and whose jobs the site limits, and at least one.
    """
    bounds = _limits()
    used = operations.storages.get(operation, frozenset())
    places = sum(bool(bounds[name]) for alias, name in limits.OF_STORAGES.items() if alias in used)
    return _first_with_room(BEST, BEST_BESIDE_BUSY, bounds), max(1, places)


def _limits() -> dict[str, int]:
    """Return the limits of the site that bound what runs at the same time."""
    return limits.values("jobs_per_site", "jobs_per_person", *limits.OF_STORAGES.values())


def _first_with_room(
    sql: str, beside_busy: str, bounds: dict[str, int], job: int | None = None
) -> int | None:
    """Return the id of the first job of a query that may run beside those that run; None if there is none.

    Jobs of the site are bound by the limits of storages only. Jobs of a schedule do not count for its owner, whose own would
    wait for all of them. Those for which a person waits are bound by `WAITED_FOR` only. `beside_busy` is the query for a site
    that limits the jobs of a storage.
    """
    values: dict[str, Any] = {
        "site": bounds["jobs_per_site"],
        "person": bounds["jobs_per_person"],
        "waiting": WAITED_FOR,
        "job": job,
    }
    limited = {alias: bounds[name] for alias, name in limits.OF_STORAGES.items() if bounds[name]}
    with connection.cursor() as cursor:
        if limited:
            values.update(_bounds(limited))
        cursor.execute(beside_busy if limited else sql, values)
        row = cursor.fetchone()
    return row[0] if row else None


def _bounds(limited: dict[str, int]) -> dict[str, list[str]]:
    """Return the values of `BOUNDED`. `limited` is the most jobs for each alias.

    `busy` are the operations that use a storage at which as many jobs run as may. `ahead` and `behind` are pairs of operations:
    the first uses a busy storage and one with a last place, and the second that one. Jobs for which a person waits do
    not count, those of commands do.
    """
    running = Job.objects.filter(state=State.RUNNING, priority__gt=0).order_by()
    numbers = dict(running.values_list("operation").annotate(models.Count("pk")))
    using = {alias: operations.using(alias) for alias in limited}
    free = {
        alias: most - sum(numbers.get(name, 0) for name in using[alias]) for alias, most in limited.items()
    }
    busy = {name for alias, left in free.items() if left <= 0 for name in using[alias]}
    pairs = sorted(
        (ahead, behind)
        for alias, left in free.items()
        if left == 1
        for ahead in using[alias] & busy
        for behind in using[alias]
    )
    return {"busy": sorted(busy), "ahead": [one for one, _ in pairs], "behind": [one for _, one in pairs]}


def _begin(found: models.QuerySet[Job], worker: str) -> int:
    """Set the job of `found` to running, as its next attempt; return the number of changed rows, 0 or 1."""
    return found.update(
        state=State.RUNNING,
        attempts=models.F("attempts") + 1,
        worker=worker,
        started=Now(),
        heartbeat=Now(),
        progressed=Now(),
        not_before=None,
        step="",
        steps=[],
        done=0,
        total=None,
        records=0,
        error="",
        error_code="",
        error_hint="",
    )


def _one_at_a_time() -> None:
    """Wait until no other transaction claims a job, so that two cannot both take the last place."""
    lock_until_commit("claim a job")


def _has_room(job: Job) -> bool:
    """Whether a job may run beside those that run. Those of commands, which have one attempt, always may."""
    return (
        job.attempts_allowed == 1 or _first_with_room(GIVEN, GIVEN_BESIDE_BUSY, _limits(), job.pk) is not None
    )
