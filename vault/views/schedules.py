"""Pages: the schedules, one schedule with its runs, its form, and the report of a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from archive.errors import NotAllowed
from archive.numbers import whole_or
from audit.trail import record
from courses.accounts import person
from courses.capabilities import courses_where
from courses.paging import key_page
from jobs import catalogue as job_catalogue
from vault import catalogue, schedule_troubles, schedules
from vault.forms import BACK_UP, DAYS, PEOPLE, ScheduleForm
from vault.models import Schedule, ScheduleEntry, ScheduleRun
from vault.runs import covered_by

PAGE = 50


@login_required
@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """Show the person's schedules; the administrator sees all. A request by htmx gets the moving part: the last runs."""
    page = key_page(_seen(request), request.GET, size=PAGE, order=("name", "pk"))
    last = _last_runs(page)
    runs = [(schedule, last.get(schedule.pk)) for schedule in page]
    context = {"runs": runs, "page": page, "moving": any(run and not run.finished for _schedule, run in runs)}
    if getattr(request, "htmx", False):
        # The other columns take statements for each schedule, and do not move.
        return render(request, "vault/schedule_runs.html", context)
    covered = covered_by(page.rows)
    troubles = schedule_troubles.troubles_of(page)
    context["rows"] = [
        (schedule, times_of(schedule), len(covered[schedule.pk]), run, troubles[schedule.pk])
        for schedule, run in runs
    ]
    context |= {"may_add": _may_add(request), "everybody": request.user.is_superuser}
    return render(request, "vault/schedules.html", context)


def _last_runs(found: Iterable[Schedule]) -> dict[int, ScheduleRun]:
    """Return the last run of each schedule that has one, by the schedule's id, in two queries."""
    last = ScheduleRun.objects.filter(schedule=OuterRef("pk")).order_by("-started", "-pk").values("pk")[:1]
    listed = Schedule.objects.filter(pk__in=[one.pk for one in found]).order_by()
    runs = ScheduleRun.objects.filter(
        pk__in=[pk for pk in listed.values_list(Subquery(last), flat=True) if pk]
    )
    return {run.schedule_id: run for run in runs.order_by()}


@login_required
@require_GET
def schedule(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one schedule with its runs."""
    found = get_object_or_404(_seen(request), pk=pk)
    page = key_page(found.runs.all(), request.GET, size=PAGE, order=("-started", "-pk"))
    context = {
        "schedule": found,
        "when": times_of(found),
        "people": _people(found),
        "covered": schedules.coverage(found),
        "troubles": schedule_troubles.troubles(found),
        "page": page,
        "moving": any(not run.finished for run in page),
        "crumbs": [("/schedules/", "Schedules")],
    }
    return render(request, "vault/schedule.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Show and save the form of a new or an existing schedule."""
    if not _may_add(request):
        raise NotAllowed("You may not back up any course, so there is nothing to put on a schedule.")
    found = get_object_or_404(_seen(request), pk=pk) if pk else None
    form = ScheduleForm(request.POST or None, instance=found, user=request.user)
    if request.method == "POST" and form.searches():
        form = form.without_check()
    elif request.method == "POST" and form.is_valid():
        with transaction.atomic():
            saved = form.save()
            action = "schedule-changed" if found else "schedule-created"
            _record(request, action, saved, fields=sorted(form.changed_data))
        covers = schedules.coverage(saved).sentence
        messages.success(
            request, f"The schedule “{saved.name}” was saved. It covers {covers}. {_next(saved)}"
        )
        return redirect("schedule", pk=saved.pk)
    crumbs = [("/schedules/", "Schedules")]
    chosen_courses = {str(getattr(one, "pk", one)) for one in form["courses"].value() or []}
    if found is not None:
        crumbs.append((f"/schedules/{found.pk}/", found.name))
    context = {
        "form": form,
        "schedule": found,
        "errors": form.problems() if request.method == "POST" else [],
        "days": DAYS,
        "chosen_days": {whole_or(str(day), -1) for day in form["weekdays"].value() or []},
        "chosen_courses": chosen_courses,
        "ticked": len(chosen_courses),
        "numbers": form.numbers(),
        "offered": form.offered(),
        "crumbs": crumbs,
    }
    return render(request, "vault/schedule_form.html", context)


@login_required
@require_POST
def run_now(request: HttpRequest, pk: int) -> HttpResponse:
    """Begin a run of a schedule now. Housekeeping queues its backups."""
    found = get_object_or_404(_seen(request), pk=pk)
    with transaction.atomic():
        run = schedules.begin_run(found)
        _record(request, "schedule-run", found, run=run.pk)
    return redirect("run", pk=run.pk)


@login_required
@require_http_methods(["GET", "POST"])
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for confirmation, then remove a schedule; its archives stay."""
    found = get_object_or_404(_seen(request), pk=pk)
    if request.method == "POST":
        with transaction.atomic():
            _record(request, "schedule-removed", found)
            found.delete()
        messages.success(request, f"The schedule “{found.name}” was removed. Its archives stay.")
        return redirect("schedules")
    crumbs = [("/schedules/", "Schedules"), (f"/schedules/{found.pk}/", found.name)]
    return render(request, "vault/schedule_remove.html", {"schedule": found, "crumbs": crumbs})


@login_required
@require_GET
def run(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the report of one run: the result for each course."""
    found = get_object_or_404(
        ScheduleRun.objects.select_related("schedule"), pk=pk, schedule__in=_seen(request)
    )
    state = request.GET.get("state", "")
    entries = found.entries.select_related("job", "job__archive")
    if state in ScheduleEntry.State.values:
        entries = entries.filter(state=state)
    words = {
        "queued": "Waiting",
        "skipped": "Skipped",
        "succeeded": "Done",
        "failed": "Failed",
        "cancelled": "Cancelled",
    }
    counts = [(value, words[value], found.report.get(value, 0)) for value in ScheduleEntry.State.values]
    page = key_page(entries, request.GET, size=PAGE, order=("pk",))
    context = {
        "run": found,
        "schedule": found.schedule,
        "page": page,
        "moving": not found.finished,
        **_seen_in_run(request, list(page)),
        "tabs": [("", "All", sum(number for _v, _t, number in counts)), *counts],
        "state": state,
        "crumbs": [("/schedules/", "Schedules"), (f"/schedules/{found.schedule_id}/", found.schedule.name)],
    }
    return render(request, "vault/run.html", context)


def _seen_in_run(request: HttpRequest, entries: Sequence[ScheduleEntry]) -> dict[str, set[int]]:
    """Return the ids of the courses, jobs and archives of a run's entries that the person may see."""
    jobs = [entry.job for entry in entries if hasattr(entry, "job")]
    courses = courses_where(request.user, "moodle/course:view").filter(
        pk__in=[entry.course_id for entry in entries if entry.course_id]
    )
    archives = catalogue.archives_seen(request.user).filter(
        pk__in=[job.archive_id for job in jobs if job.archive_id]
    )
    return {
        "courses_seen": set(courses.values_list("pk", flat=True)),
        "jobs_seen": job_catalogue.seen_among(request.user, [job.pk for job in jobs]),
        "archives_seen": set(archives.order_by().values_list("pk", flat=True)),
    }


def times_of(schedule: Schedule) -> str:
    """Return the times of a schedule in words: Monday to Friday at 02:30 (Europe/Madrid)."""
    days = sorted(set(schedule.weekdays))
    names = dict(DAYS)
    if len(days) == 7:
        text = "Every day"
    elif len(days) > 2 and days == list(range(days[0], days[-1] + 1)):
        text = f"{names[days[0]]} to {names[days[-1]]}"
    else:
        text = ", ".join(names[day] for day in days) or "Never"
    return f"{text} at {schedule.hour:02d}:{schedule.minute:02d} ({schedule.timezone.replace('_', ' ')})"


def _people(schedule: Schedule) -> str:
    titles = {value: title for value, title, _options in PEOPLE}
    users, anonymous = schedule.options.get("users", "1"), schedule.options.get("anonymize", "0")
    return titles["without" if users == "0" else "anonymous" if anonymous == "1" else "with"]


def _next(schedule: Schedule) -> str:
    if schedule.next_run is None:
        return "It is off."
    return f"It runs next on {schedule.next_run:%A %-d %B at %H:%M} UTC."


def _record(request: HttpRequest, action: str, found: Schedule, **details: Any) -> None:
    """Record in the audit trail what the person did with a schedule."""
    record(
        action,
        by=person(request.user),
        subject="schedule",
        subject_id=found.pk,
        title=found.name,
        owner=found.owner_id,
        **details,
    )


def _seen(request: HttpRequest) -> QuerySet[Schedule]:
    found = Schedule.objects.select_related("category", "owner")
    return found if request.user.is_superuser else found.filter(owner=person(request.user))


def _may_add(request: HttpRequest) -> bool:
    return courses_where(request.user, BACK_UP).exists() or request.user.is_superuser
