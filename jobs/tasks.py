"""The Celery tasks of jobs. A message carries only the job's id: everything else is in the job's row."""

from __future__ import annotations

from celery import shared_task

from jobs import runner
from jobs import sweep as sweeping


@shared_task(acks_late=True, ignore_result=True)
def run_job(job_id: int) -> None:
    """Run the job, if it is still queued."""
    runner.run(job_id)


@shared_task(ignore_result=True, expires=120)
def sweep() -> None:
    """End or queue again the jobs of dead workers, and notify again of those that nobody claimed."""
    sweeping.sweep()


def notify(job_id: int) -> None:
    """Send the workers a message about a job. Raises the broker driver's errors if the broker does not answer."""
    run_job.apply_async((job_id,), retry=False)
