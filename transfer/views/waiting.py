"""The page that waits for a job which opens an archive for it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django_htmx.http import HttpResponseClientRefresh

from jobs.models import Job


def waits_for(request: HttpRequest, job: Job, *, back: str) -> HttpResponse | None:
    """Return what is shown until a job has succeeded: a page that asks again by itself, or the failed job; None then."""
    if not job.over:
        return render(request, "transfer/waiting.html", {"job": job, "back": back})
    if getattr(request, "htmx", False):
        return HttpResponseClientRefresh()
    return None if job.state == Job.State.SUCCEEDED else redirect("job", pk=job.pk)
