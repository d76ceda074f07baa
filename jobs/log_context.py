"""The job that the current thread works on, so that lines of the log can name it.

The settings of the log import this module, so it imports no model.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextvars import ContextVar
from functools import wraps
from typing import Any, Protocol, TypeVar

current_job: ContextVar[int | None] = ContextVar("current_job", default=None)
"""The id of the job; None outside of jobs."""


class HasId(Protocol):
    """A row with an id: a job."""

    @property
    def pk(self) -> Any:
        """Return the id."""


Row = TypeVar("Row", bound=HasId)
Given = TypeVar("Given")
Sent = TypeVar("Sent")
Ended = TypeVar("Ended")


def logged_with_job(
    drive: Callable[[Row], Generator[Given, Sent, Ended]],
) -> Callable[[Row], Generator[Given, Sent, Ended]]:
    """Decorator of a generator function that runs a job: `current_job` is that job from its start to its end."""

    @wraps(drive)
    def driven(job: Row) -> Generator[Given, Sent, Ended]:
        outer = current_job.get()
        current_job.set(job.pk)
        try:
            return (yield from drive(job))
        finally:
            # Not `reset`: a generator that nobody finishes is closed in another context.
            current_job.set(outer)

    return driven
