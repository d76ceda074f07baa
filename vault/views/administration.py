"""The administrator's overview: archives and restores across courses."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count, Q, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from courses.accounts import require_administrator
from courses.models import Course
from jobs import report
from jobs.models import Job, JobFinding
from vault.catalogue import PARTIAL
from vault.models import StoredArchive

PAGE = 30


@login_required
@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """Show all archives and all restores of the site, those that need attention first."""
    require_administrator(request.user)
    search = request.GET.get("search", "").strip()[:200]
    restores = Job.objects.filter(operation="restore").select_related("course", "archive", "requested_by")
    archives = StoredArchive.objects.select_related("course", "created_by")
    if search:
        restores = restores.filter(Q(title__icontains=search) | Q(course__fullname__icontains=search))
        archives = archives.filter(Q(title__icontains=search) | Q(course_title__icontains=search))
    day = timezone.now() - timedelta(days=1)
    totals = StoredArchive.objects.aggregate(number=Count("pk"), size=Sum("size"))
    open_jobs = Job.objects.filter(state__in=Job.OPEN).count()
    rotten = JobFinding.objects.filter(code="content-damaged", job__finished__gte=day).order_by("-job_id")
    context = {
        "search": search,
        "moving": bool(open_jobs),
        "restores": [(job, report.seconds_taken(job)) for job in restores[:PAGE]],
        "page": Paginator(archives, PAGE).get_page(request.GET.get("page")),
        "courses": Course.objects.count(),
        "without": Course.objects.exclude(archives__archive_type="course").count(),
        "partial": Course.objects.filter(PARTIAL).count(),
        "archives": totals["number"],
        "size": totals["size"] or 0,
        "open": open_jobs,
        "failed": Job.objects.filter(state=Job.State.FAILED, finished__gte=day).count(),
        "rotten": rotten.values("message").distinct().count(),
        "rotten_job": rotten.values_list("job_id", flat=True).first(),
        "damaged": StoredArchive.objects.filter(verify_errors__gt=0).count(),
    }
    return render(request, "vault/administration.html", context)
