"""The Celery tasks of jobs: thin, since the job's row is the truth and a message only says where to look."""

from __future__ import annotations

from celery import shared_task

from jobs import runner
from jobs import sweep as sweeping


@shared_task(acks_late=True, ignore_result=True)
def run_job(job_id: int) -> None:
    """Do the job, if it is still there to be done."""
    runner.run(job_id)


@shared_task(ignore_result=True, expires=120)
def sweep() -> None:
    """Bring back the jobs of dead workers and lost messages."""
    sweeping.sweep()


def notify(job_id: int) -> None:
    """Tell the workers to look at a job. Raises what the broker's driver raises when it is out of reach."""
    run_job.apply_async((job_id,), retry=False)
