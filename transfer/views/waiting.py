"""The page that waits for a job which looks at the people of an archive."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from archive.numbers import natural
from jobs.models import Job
from restore.views import waiting

SHOWN = "job"
"""The part of the address that has the id of the job for which the page has waited."""


def waits_for(request: HttpRequest, job: Job, *, back: str) -> HttpResponse | None:
    """Return what is shown until a job has succeeded: a page that asks again by itself, or the failed job; None then."""
    again = request.GET.copy()
    again[SHOWN] = str(job.pk)
    address = f"{request.path}?{again.urlencode()}"
    waits = waiting.waits_for(
        request, job, template="transfer/waiting.html", context={"back": back}, again=address
    )
    if waits is not None or job.state == Job.State.SUCCEEDED:
        return waits
    return redirect("job", pk=job.pk)


def shown_before(request: HttpRequest) -> int | None:
    """Return the id of the job for which the page has waited; None if it has not."""
    return natural(request.GET.get(SHOWN, ""))
