"""Pages: the jobs, and one job with its progress."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from courses.accounts import person
from courses.capabilities import may
from courses.models import Activity, Category, Course, Section
from courses.paging import Counted, counted, key_page
from courses.services import default_category
from jobs import catalogue as job_catalogue
from jobs import queue, report
from jobs.models import Job
from jobs.result_facts import facts
from selection import stages
from vault import catalogue

PAGE = 40
LINES = 500
VIEW = "moodle/course:view"


@login_required
@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """Show the person's jobs, newest first; the administrator sees everybody's."""
    state = request.GET.get("state", "")
    found = job_catalogue.jobs_seen(request.user)
    if state in Job.State.values:
        found = found.filter(state=state)
    page = key_page(found, request.GET, size=PAGE)
    counts = job_catalogue.job_counts(request.user)
    tabs = [("", "All", counts[""].short)]
    tabs += [(value, WORDS[value], counts[value].short) for value in Job.State.values]
    rows = [(job, report.percent(job), report.seconds_taken(job)) for job in page]
    context = {
        "page": page,
        "rows": rows,
        "tabs": tabs,
        "state": state,
        "everybody": request.user.is_superuser,
        "moving": any(counts[value] for value in Job.OPEN),
    }
    return render(request, "vault/jobs.html", context)


@login_required
@require_GET
def under_way(request: HttpRequest) -> HttpResponse:
    """Show the number beside “Jobs” in the navigation, which asks for it while jobs are under way; nothing for none."""
    return render(
        request, "components/nav_count.html", {"count": job_catalogue.under_way(person(request.user))}
    )


WORDS = {
    "queued": "Waiting",
    "running": "Running",
    "succeeded": "Done",
    "failed": "Failed",
    "cancelled": "Cancelled",
}


@login_required
@require_GET
def job(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one job; a request by htmx gets only the part that changes."""
    found = get_object_or_404(job_catalogue.jobs_seen(request.user), pk=pk)
    template = "vault/job_body.html" if getattr(request, "htmx", False) else "vault/job.html"
    return render(request, template, _context(request, found))


@login_required
@require_GET
def log(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the last lines of a job's log, while it runs and after; a full page without JavaScript."""
    found = get_object_or_404(job_catalogue.jobs_seen(request.user), pk=pk)
    lines = report.log_lines(found, most=LINES + 1)
    template = "vault/log_lines.html" if getattr(request, "htmx", False) else "vault/log.html"
    context = {
        "job": found,
        "lines": lines[-LINES:],
        "cut": len(lines) > LINES,
        "crumbs": _crumbs(found),
    }
    return render(request, template, context)


@login_required
@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Cancel a job: a waiting one at once, a running one at its next step."""
    found = get_object_or_404(job_catalogue.jobs_seen(request.user), pk=pk)
    if found.over:
        messages.info(request, "The job had already ended, so there was nothing to cancel.")
    elif queue.cancel(found, by=person(request.user)).over:
        messages.success(request, "The job was cancelled before it started.")
    else:
        messages.info(request, "The job stops at its next step, and everything it did so far is undone.")
    return redirect("job", pk=pk)


def _context(request: HttpRequest, found: Job) -> dict[str, object]:
    findings = list(found.findings.filter(attempt=found.attempts))
    archive = found.archive
    seen = archive and catalogue.archives_seen(request.user).filter(pk=archive.pk).exists()
    allowed = catalogue.access(request.user, [archive])[archive.pk] if archive and seen else None
    warnings = sum(finding.level == "warning" for finding in findings)
    back_up = _wizard_of(request, found)
    ahead = Counted(0)
    if found.state == Job.State.QUEUED:
        ahead = counted(Job.objects.filter(state=Job.State.QUEUED, pk__lt=found.pk))
    return {
        "job": found,
        "steps": report.step_lines(found),
        "percent": report.percent(found),
        "seconds": report.seconds_taken(found),
        "groups": report.finding_groups(findings),
        "facts": facts(found.result),
        "findings": len(findings),
        "warnings": warnings,
        "archive": archive,
        "access": allowed,
        "ahead": ahead,
        "course_seen": found.course is not None and VIEW in may(request.user, found.course),
        "run_seen": _run_seen(request, found),
        "back_up": back_up,
        "again": _again(request, found, allowed, back_up),
        "crumbs": _crumbs(found),
        "stages": _stages(found),
    }


def _again(request: HttpRequest, found: Job, allowed: catalogue.Access | None, back_up: str) -> str:
    """Return the address that starts a job's operation again with its choices; "" if it has none or the person may not."""
    if found.operation == "backup" and back_up:
        return reverse("backup-again", args=[found.pk])
    if found.operation == "restore" and allowed and allowed.restore and _may_restore(request, found):
        return reverse("restore-again", args=[found.pk])
    return ""


def _may_restore(request: HttpRequest, found: Job) -> bool:
    """Whether the person may restore at the target of a job."""
    needed = {f"moodle/restore:restore{found.archive_type}"}
    course, category = found.target.get("course"), found.target.get("category")
    place: Course | Category | None = Course.objects.filter(pk=course or 0).first()
    if course is None:
        needed.add("moodle/course:create")
        place = Category.objects.filter(pk=category).first() if category else default_category()
    return place is not None and needed <= may(request.user, place)


def _run_seen(request: HttpRequest, found: Job) -> bool:
    """Whether the person may see the run of a schedule that queued the job."""
    entry = found.schedule_entry
    return entry is not None and (request.user.is_superuser or entry.run.schedule.owner_id == request.user.pk)


def _wizard_of(request: HttpRequest, found: Job) -> str:
    """Return the address of the wizard that backs up what the job is about; "" if it is gone or the person may not."""
    owner: Course | Section | Activity | None = found.course
    archive_type = found.archive_type if found.operation == "backup" else "course"
    if archive_type == "section":
        owner = Section.objects.select_related("course").filter(pk=found.item or 0).first()
    elif archive_type == "activity":
        owner = Activity.objects.select_related("course").filter(pk=found.item or 0).first()
    if owner is None or f"moodle/backup:backup{archive_type}" not in may(request.user, owner):
        return ""
    return reverse("backup-settings", args=[archive_type, owner.pk])


def _crumbs(found: Job) -> list[tuple[str, str]]:
    return [("/jobs/", "Jobs")]


def _stages(found: Job) -> list[stages.Stage]:
    """Return the wizard's stages, of which this page is the last two."""
    titles = stages.titles(found.operation, found.archive_type)
    if not titles:
        return []
    return stages.stages(titles, len(titles) - (1 if found.state == Job.State.SUCCEEDED else 2))
