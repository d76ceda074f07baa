"""The Celery tasks: thin, since the job's row is the truth and a message only says where to look."""

from __future__ import annotations

import time

from celery import shared_task

from backup import jobs, runner, schedules, storage
from courses import pool


@shared_task(acks_late=True, ignore_result=True)
def run_job(job_id: int) -> None:
    """Do the job, if it is still there to be done."""
    runner.run(job_id)


@shared_task(ignore_result=True, expires=120)
def queue_due() -> None:
    """Queue the backups of the schedules that are due."""
    schedules.queue_due()


@shared_task(ignore_result=True, expires=120)
def sweep() -> None:
    """Bring back the jobs of dead workers and lost messages; clear what they left in the storage and, shard by shard, in
    the pool."""
    jobs.sweep()
    storage.sweep()
    pool.sweep(int(time.time() // 60))


def ring(job_id: int) -> None:
    """Tell the workers to look at a job. Raises what the broker's driver raises when it is out of reach."""
    run_job.apply_async((job_id,), retry=False)
