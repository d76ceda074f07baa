"""Page that waits for a job which opens an archive for it: it asks again by itself until the job has ended."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django_htmx.http import HttpResponseClientRedirect

from jobs.models import Job


def waits_for(
    request: HttpRequest, job: Job, *, template: str, context: dict[str, Any], again: str = ""
) -> HttpResponse | None:
    """Return the page that waits for a job; when the job has ended, the answer that opens the page anew; None then.

    `again` is the address at which the page asks, that of the request by default. The template has `job` and `again` beside its
    `context`. The page asks by htmx for a part of itself; the answer to that cannot be the whole page.
    """
    address = again or request.get_full_path()
    if not job.over:
        return render(request, template, {"job": job, "again": address, **context})
    if getattr(request, "htmx", False):
        return HttpResponseClientRedirect(address)
    return None
