"""Pages of the administrator: archives and restores across courses, and the defaults and locks of options."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Count, Q, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from backup import presenting
from backup.errors import NotAllowed, UsageError
from backup.models import Archive, Job, OptionDefault
from backup.options import Operation, options_for, written
from backup.options.values import parse
from courses.models import Course

PAGE = 30
OPERATIONS: tuple[tuple[Operation, str], ...] = (("backup", "Backups"), ("restore", "Restores"))
FREE = frozenset({"filename", "fullname", "shortname", "startdate", "overwrite_conf"})
"""Options whose value belongs to one course, so that a default for all makes no sense."""


@login_required
@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """All archives and all restores of the site, with what needs somebody's eye first."""
    _require_administrator(request)
    search = request.GET.get("search", "").strip()[:200]
    restores = Job.objects.filter(operation="restore").select_related("course", "archive", "requested_by")
    archives = Archive.objects.select_related("course", "created_by")
    if search:
        restores = restores.filter(Q(title__icontains=search) | Q(course__fullname__icontains=search))
        archives = archives.filter(Q(title__icontains=search) | Q(course_title__icontains=search))
    day = timezone.now() - timedelta(days=1)
    totals = Archive.objects.aggregate(number=Count("pk"), size=Sum("size"))
    context = {
        "search": search,
        "restores": [(job, presenting.seconds_taken(job)) for job in restores[:PAGE]],
        "page": Paginator(archives, PAGE).get_page(request.GET.get("page")),
        "courses": Course.objects.count(),
        "without": Course.objects.exclude(archives__kind="course").count(),
        "archives": totals["number"],
        "size": totals["size"] or 0,
        "open": Job.objects.filter(state__in=Job.OPEN).count(),
        "failed": Job.objects.filter(state=Job.State.FAILED, finished__gte=day).count(),
        "damaged": Archive.objects.filter(verify_errors__gt=0).count(),
    }
    return render(request, "restore/administration.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def options(request: HttpRequest) -> HttpResponse:
    """What holds when nobody chooses, and what nobody may choose differently."""
    _require_administrator(request)
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        errors = _keep(request)
        if not errors:
            messages.success(
                request,
                "The defaults and locks are kept. They hold for every backup and restore from now on.",
            )
            return redirect("administration-options")
    rows = {(row.operation, row.name): row for row in OptionDefault.objects.all()}
    groups = []
    for operation, title in OPERATIONS:
        lines = []
        for option in options_for(operation):
            use = option.use(operation)
            if option.level != "root" or option.name in FREE or use is None:
                continue
            row = rows.get((operation, option.name))
            value = parse(option, option.name, row.value) if row else use.default
            lines.append(
                {
                    "option": option,
                    "field": f"{operation}-{option.name}",
                    "value": value,
                    "default": use.default,
                    "locked": bool(row and row.locked),
                    "changed": row is not None,
                }
            )
        groups.append((title, operation, lines))
    context = {"groups": groups, "errors": errors, "crumbs": [("/administration/", "Administration")]}
    return render(request, "restore/options.html", context, status=400 if errors else 200)


def _keep(request: HttpRequest) -> list[tuple[str, str]]:
    """Write what the form says; a row only where it says something that is not so by itself."""
    wanted: list[OptionDefault] = []
    for operation, _title in OPERATIONS:
        for option in options_for(operation):
            use = option.use(operation)
            if option.level != "root" or option.name in FREE or use is None:
                continue
            field = f"{operation}-{option.name}"
            raw = request.POST.get(field, "0" if option.kind == "switch" else written(use.default))
            try:
                value = parse(option, option.name, raw)
            except UsageError as error:
                return [(field, error.sentence())]
            locked = f"{field}-locked" in request.POST
            if locked or value != use.default:
                wanted.append(
                    OptionDefault(operation=operation, name=option.name, value=written(value), locked=locked)
                )
    with transaction.atomic():
        OptionDefault.objects.all().delete()
        OptionDefault.objects.bulk_create(wanted)
    return []


def _require_administrator(request: HttpRequest) -> None:
    if not request.user.is_superuser:
        raise NotAllowed("This page is for the site's administrators.")
