"""Tallies: how many jobs of each operation have ended in which state, how long they took, and the bytes of their archives."""

from __future__ import annotations

from django.db import connection

from config.models import JobTally
from jobs import operations
from jobs.models import Job

BOUNDS = (1, 5, 30, 120, 600, 3600, 6 * 3600)
"""Seconds by which durations are told apart."""


@operations.on_finish
def count_end(job: Job) -> None:
    """Count a job that has ended, in one statement. A job that ended before it began took no time."""
    seconds = 0.0
    if job.started is not None and job.finished is not None:
        seconds = max(0.0, (job.finished - job.started).total_seconds())
    within = next((bound for bound in BOUNDS if seconds <= bound), 0)
    size = job.archive.size if job.archive is not None else 0
    table = connection.ops.quote_name(JobTally._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO {table} AS tally (operation, state, within, jobs, seconds, bytes)
                VALUES (%s, %s, %s, 1, %s, %s)
                ON CONFLICT (operation, state, within) DO UPDATE SET
                    jobs = tally.jobs + 1,
                    seconds = tally.seconds + excluded.seconds,
                    bytes = tally.bytes + excluded.bytes""",
            [job.operation, job.state, within, seconds, size],
        )
