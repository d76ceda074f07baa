"""The page that waits for a job which opens an archive for it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django_htmx.http import HttpResponseClientRedirect

from archive.numbers import natural
from jobs.models import Job

SHOWN = "job"
"""The part of the address that has the id of the job for which the page has waited."""


def waits_for(request: HttpRequest, job: Job, *, back: str) -> HttpResponse | None:
    """Return what is shown until a job has succeeded: a page that asks again by itself, or the failed job; None then."""
    again = request.GET.copy()
    again[SHOWN] = str(job.pk)
    address = f"{request.path}?{again.urlencode()}"
    if not job.over:
        return render(request, "transfer/waiting.html", {"job": job, "back": back, "again": address})
    if getattr(request, "htmx", False):
        return HttpResponseClientRedirect(address)
    return None if job.state == Job.State.SUCCEEDED else redirect("job", pk=job.pk)


def shown_before(request: HttpRequest) -> int | None:
    """Return the id of the job for which the page has waited; None if it has not."""
    return natural(request.GET.get(SHOWN, ""))
