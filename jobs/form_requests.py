"""Requests of jobs by forms: what was entered wrongly is a sentence above the form, other errors have pages of their own."""

from __future__ import annotations

from collections.abc import Callable

from archive.errors import CoursekeepError, NotAllowed, StorageFailed
from jobs.models import Job

Errors = list[tuple[str, str]]
"""Errors of a form: for each the name of the field, "" for the whole form, and the sentence."""

WITH_PAGES = (NotAllowed, StorageFailed)
"""Errors that are no fault of what was entered. Each is answered with a page and a status of its own."""


def job_or_errors(request_job: Callable[[], Job]) -> tuple[Job | None, Errors]:
    """Call a function that requests a job; return the job, or None and the error for the form. Raises those `WITH_PAGES`."""
    try:
        return request_job(), []
    except WITH_PAGES:
        raise
    except CoursekeepError as error:
        return None, [("", error.sentence())]
