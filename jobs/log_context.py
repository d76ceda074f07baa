"""The job that the current thread works on, so that lines of the log can name it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextvars import ContextVar
from functools import wraps
from typing import TypeVar

from jobs.models import Job

current_job: ContextVar[int | None] = ContextVar("current_job", default=None)
"""The id of the job; None outside of jobs."""

Sent = TypeVar("Sent")
Given = TypeVar("Given")
Ended = TypeVar("Ended")


def logged_with_job(
    drive: Callable[[Job], Generator[Given, Sent, Ended]],
) -> Callable[[Job], Generator[Given, Sent, Ended]]:
    """Decorator of a generator function that runs a job: `current_job` is that job from its start to its end."""

    @wraps(drive)
    def driven(job: Job) -> Generator[Given, Sent, Ended]:
        outer = current_job.get()
        current_job.set(job.pk)
        try:
            return (yield from drive(job))
        finally:
            # Not `reset`: a generator that nobody finishes is closed in another context.
            current_job.set(outer)

    return driven
