"""The administrator's overview: archives and restores across courses."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from audit.trail import record
from courses.accounts import person, require_administrator
from courses.models import Course
from courses.paging import Counted, counted, key_page
from courses.text_search import having
from jobs import limits, report
from jobs.models import Job, JobFinding, SiteLimit
from vault import figures
from vault.catalogue import archives_seen
from vault.text_indexes import ARCHIVES, RESTORES

PAGE = 30
MOST_FINDINGS = 1_000
"""Findings of damaged files of which it is looked whether they are of the last day; if the last one is, there may be more."""

MOST_COURSES = 200
"""Courses whose restores a search looks for, at most; if it matches more, the restores are read from the newest on."""


@login_required
@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """Show all archives and all restores of the site, those that need attention first."""
    require_administrator(request.user)
    search = request.GET.get("search", "").strip()[:200]
    restores = Job.objects.filter(operation="restore").select_related("course", "archive", "requested_by")
    archives = archives_seen(request.user)
    if search:
        restores = _restores_of(restores, search)
        archives = having(archives, search, ARCHIVES)
    day = Now() - timedelta(days=1)
    site, at = figures.figures()
    open_jobs = counted(Job.objects.filter(state__in=Job.OPEN))
    damaged = JobFinding.objects.filter(code="content-damaged").order_by("-job_id")
    # The last jobs with such a finding: by a join the planner would read all jobs.
    last = list(damaged.values_list("job_id", flat=True)[: MOST_FINDINGS + 1])
    ended = Job.objects.filter(pk__in=set(last), finished__gte=day).order_by()
    recent = set(ended.values_list("pk", flat=True))
    rotten = damaged.filter(job__in=recent)
    more = len(last) > MOST_FINDINGS and last[-1] in recent
    context = {
        "search": search,
        "moving": bool(open_jobs),
        "restores": [(job, report.seconds_taken(job)) for job in restores[:PAGE]],
        "page": key_page(archives, request.GET, size=PAGE),
        "site": site,
        "counted": at,
        "open": open_jobs,
        "failed": counted(Job.objects.filter(state=Job.State.FAILED, finished__gte=day)),
        "rotten": Counted(rotten.order_by().values("message").distinct().count(), more),
        "rotten_job": rotten.values_list("job_id", flat=True).first(),
    }
    return render(request, "vault/administration.html", context)


def _restores_of(restores: QuerySet[Job], search: str) -> QuerySet[Job]:
    """Return the restores of which a text is a part of the title, or of the course's full name."""
    titled = RESTORES.candidates(search)
    title = Q(title__icontains=search) if titled is None else Q(pk__in=titled)
    courses = Course.objects.filter(fullname__icontains=search).order_by().values_list("pk", flat=True)
    listed = list(courses[: MOST_COURSES + 1])
    return restores.filter(title | Q(course__in=listed if len(listed) <= MOST_COURSES else courses))


@login_required
@require_http_methods(["GET", "POST"])
def site_limits(request: HttpRequest) -> HttpResponse:
    """Show and save the limits of the site."""
    require_administrator(request.user)
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        errors = _save_limits(request)
        if not errors:
            messages.success(request, "The limits were saved. They apply to whatever starts from now on.")
            return redirect("administration-limits")
    stored = dict(SiteLimit.objects.values_list("name", "value"))
    context = {
        "lines": [
            (one, request.POST.get(one.name, stored.get(one.name, one.default))) for one in limits.LIMITS
        ],
        "errors": errors,
        "crumbs": [("/administration/", "Administration")],
    }
    return render(request, "vault/limits.html", context, status=400 if errors else 200)


def _save_limits(request: HttpRequest) -> list[tuple[str, str]]:
    """Save the limits of the form; return (field, sentence) for invalid values. Only departures get a row."""
    wanted = {one.name: limits.read(one.name, request.POST.get(one.name, "")) for one in limits.LIMITS}
    errors = [
        (one.name, f"{one.label} is a whole number from {one.least:,} to {one.most:,}.")
        for one in limits.LIMITS
        if wanted[one.name] is None
    ]
    if not errors:
        rows = [
            SiteLimit(name=name, value=value)
            for name, value in wanted.items()
            if value is not None and value != limits.BY_NAME[name].default
        ]
        with transaction.atomic():
            before = {one.name: limits.value(one.name) for one in limits.LIMITS}
            SiteLimit.objects.all().delete()
            SiteLimit.objects.bulk_create(rows)
            changed = {name: [before[name], value] for name, value in wanted.items() if value != before[name]}
            if changed:
                record("limits-changed", by=person(request.user), subject="limits", changed=changed)
    return errors
