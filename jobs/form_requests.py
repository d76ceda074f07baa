"""Requests of jobs by forms: what stands in the way is a sentence above the form, and a missing right is a page of its own."""

from __future__ import annotations

from collections.abc import Callable

from archive.errors import CoursekeepError, NotAllowed
from jobs.models import Job

Errors = list[tuple[str, str]]
"""Errors of a form: for each the name of the field, "" for the whole form, and the sentence."""


def job_or_errors(request_job: Callable[[], Job]) -> tuple[Job | None, Errors]:
    """Call a function that requests a job; return the job, or None and the error for the form. Raises NotAllowed."""
    try:
        return request_job(), []
    except NotAllowed:
        raise
    except CoursekeepError as error:
        return None, [("", error.sentence())]
