"""Page: earlier versions of an activity, in the archives of its course."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from archive.errors import NotAllowed
from archive.numbers import natural
from courses.accounts import person
from courses.capabilities import may
from courses.models import Activity
from jobs.form_requests import job_or_errors
from jobs.form_tokens import sent_token
from transfer import versions

RESTORE = "moodle/restore:restorecourse"


@login_required
@require_http_methods(["GET", "POST"])
def of_activity(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the archives of an activity's course, and queue the restore of the activity from one of them."""
    activity = get_object_or_404(Activity.objects.select_related("course", "section"), pk=pk)
    by, course = person(request.user), activity.course
    if RESTORE not in may(by, course):
        raise NotAllowed("You may not restore into this course.")
    archives = versions.versions_of(activity, by=by)
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        chosen = next((one for one in archives if one.pk == natural(request.POST.get("archive", ""))), None)
        if chosen is None:
            errors = [("", "Choose an archive of the list.")]
        else:
            token = sent_token(request.POST)
            job, errors = job_or_errors(
                lambda: versions.request_version(activity, chosen, by=by, token=token)
            )
            if job is not None:
                return redirect("job", pk=job.pk)
    context = {
        "activity": activity,
        "archives": archives,
        "errors": errors,
        "crumbs": [
            ("/", "Courses"),
            (reverse("course", args=[course.pk]), course.fullname),
            (reverse("activity", args=[pk]), activity.title),
        ],
    }
    return render(request, "transfer/versions.html", context, status=400 if errors else 200)
