"""The Celery tasks of jobs. A message carries only the job's id: everything else is in the job's row."""

from __future__ import annotations

import importlib

from celery import shared_task
from django.conf import settings

from jobs import limits, runner, shutdown
from jobs import sweep as sweeping

# The site's Celery application: without it, messages would go to the broker that Celery has by default.
importlib.import_module(settings.COURSEKEEP_QUEUE_APP)

SOFT_GRACE, GRACE = 60, 600
"""Seconds after a job's time, when an error is raised in it wherever it is, and when its process is killed."""

EXPIRES = 1800
"""Seconds after which a worker ignores a notification: the sweep has sent another one by then, if the job still waits."""


@shared_task(acks_late=True, ignore_result=True)
def run_job(job_id: int) -> None:
    """Run the best job that waits. The message is a notification only: its job may have run already, or not be the best."""
    with shutdown.running():
        runner.run_best()


@shared_task(ignore_result=True, expires=120)
def sweep() -> None:
    """End or queue again the jobs of dead workers, notify again of those that nobody claimed, and empty old results."""
    sweeping.sweep()


def notify(job_id: int) -> None:
    """Send the workers a message about a job. Raises the broker driver's errors if the broker does not answer."""
    # A job that yields no event is stopped from outside, some time after it should have stopped itself.
    ends = limits.scaled("job_minutes")
    run_job.apply_async(
        (job_id,),
        retry=False,
        expires=EXPIRES,
        soft_time_limit=ends + SOFT_GRACE,
        time_limit=ends + GRACE,
    )
