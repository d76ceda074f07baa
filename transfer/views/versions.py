"""Pages: earlier versions of an activity, in the archives of its course, and the people whose work is in one."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from archive.errors import NotAllowed
from archive.numbers import natural
from courses.accounts import person
from courses.capabilities import may
from courses.models import Activity, User
from jobs.form_requests import job_or_errors
from jobs.form_tokens import sent_token
from jobs.models import Job
from restore.origin import BRING_IN
from transfer import looks, person_returns, versions
from transfer.views.waiting import shown_before, waits_for
from vault.models import StoredArchive

RESTORE = "moodle/restore:restorecourse"


@login_required
@require_http_methods(["GET", "POST"])
def of_activity(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the archives of an activity's course, and queue the restore of the activity from one of them."""
    activity = get_object_or_404(Activity.objects.select_related("course", "section"), pk=pk)
    by, course = person(request.user), activity.course
    if RESTORE not in may(by, course):
        raise NotAllowed(
            "You may not restore into this course.", hint="Ask a teacher or manager of the course."
        )
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
        "people": BRING_IN in may(by, activity),
        "limits": person_returns.limits_of(activity),
        "crumbs": _crumbs(activity),
    }
    return render(request, "transfer/versions.html", context, status=400 if errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def people(request: HttpRequest, pk: int, archive: int) -> HttpResponse:
    """Show the people in an archive of an activity's course, and queue the return of the work of one of them."""
    activity = get_object_or_404(Activity.objects.select_related("course", "section"), pk=pk)
    by = person(request.user)
    person_returns.require_right(activity, by=by)
    stored = next((one for one in versions.versions_of(activity, by=by) if one.pk == archive), None)
    if stored is None:
        raise Http404("The course has no such archive.")
    back = reverse("activity-versions", args=[pk])
    looked = looks.ask(
        stored,
        by=by,
        title=activity.title,
        rights=may(by, activity.course),
        activity=activity,
        shown=shown_before(request),
        answered=request.method == "POST",
    )
    # The page that waits has its answer by another request.
    over = looked.state == Job.State.FAILED and not getattr(request, "htmx", False)
    refusal = f"{looked.error} {looked.error_hint}".strip() if over else ""
    if not refusal and (waiting := waits_for(request, looked, back=back)) is not None:
        return waiting
    listed = person_returns.accounts(looked.result.get("people", ()))
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        chosen = next((one for one in listed if one.pk == natural(request.POST.get("person", ""))), None)
        job, errors = _requested(request, activity, stored, chosen)
        if job is not None:
            return redirect("job", pk=job.pk)
    context = {
        "activity": activity,
        "archive": stored,
        "people": listed,
        "refusal": refusal,
        "limits": person_returns.limits_of(activity),
        "errors": errors,
        "crumbs": [*_crumbs(activity), (back, "Earlier versions")],
    }
    return render(request, "transfer/version_people.html", context, status=400 if errors else 200)


def _requested(
    request: HttpRequest, activity: Activity, stored: StoredArchive, chosen: User | None
) -> tuple[Job | None, list[tuple[str, str]]]:
    """Return the job that a form asks for, or the errors."""
    if chosen is None:
        return None, [("person", "Choose a person of the list.")]
    return job_or_errors(
        lambda: person_returns.request_person_return(
            activity,
            stored,
            chosen,
            replace="replace" in request.POST,
            by=person(request.user),
            token=sent_token(request.POST),
        )
    )


def _crumbs(activity: Activity) -> list[tuple[str, str]]:
    course = activity.course
    return [
        ("/", "Courses"),
        (reverse("course", args=[course.pk]), course.fullname),
        (reverse("activity", args=[activity.pk]), activity.title),
    ]
