"""Pages: all courses with their last backup, and one course with what is in it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from archive.errors import NotAllowed
from archive.numbers import natural
from courses import services, summaries
from courses.capabilities import courses_where, may
from courses.models import Category, Course
from courses.paging import BY_NAME, Counted, KeyPage, counted, key_page
from jobs import catalogue as job_catalogue
from jobs.models import Job
from vault import catalogue
from vault.models import StoredArchive
from viewer import pages
from viewer.page_context import PageContext

PAGE = 40


@login_required
@require_GET
def courses(request: HttpRequest) -> HttpResponse:
    """Show all courses that the person may view, with their last backup; filters: search, category, state."""
    search = request.GET.get("search", "").strip()[:200]
    state = request.GET.get("state", "")
    chosen = request.GET.get("category", "")
    category = Category.objects.filter(pk=number).first() if (number := natural(chosen)) is not None else None
    found = catalogue.courses_seen(request.user, search=search, category=category, state=state)
    page = key_page(found, request.GET, size=PAGE, order=BY_NAME)
    rows: list[Any] = list(page)  # courses, with what the catalogue adds to them
    archives = StoredArchive.objects.in_bulk([row.last_archive for row in rows if row.last_archive])
    allowed = courses_where(request.user, "moodle/backup:backupcourse").filter(
        pk__in=[row.pk for row in rows]
    )
    context = {
        "page": page,
        "number": _number(page, found),
        "rows": [(row, archives.get(row.last_archive)) for row in rows],
        "jobs_seen": job_catalogue.seen_among(request.user, [row.open_job for row in rows]),
        "moving": any(row.open_job for row in rows),
        "may_back_up": set(allowed.values_list("pk", flat=True)),
        "may_take_people": set(
            courses_where(request.user, "moodle/backup:userinfo")
            .filter(pk__in=[row.pk for row in rows])
            .values_list("pk", flat=True)
        ),
        "search": search,
        "state": state,
        "category": category,
        "categories": catalogue.category_choices(),
        "states": catalogue.STATES,
        "filtered": bool(search or state or category),
        "may_create": "moodle/course:create" in may(request.user, None),
    }
    return render(request, "vault/courses.html", context)


def _number(page: KeyPage[Course], found: QuerySet[Course]) -> Counted:
    """Return the number of courses that are found; they are counted only if the page does not show all of them."""
    return counted(found) if page.has_other_pages else Counted(len(page))


@login_required
@require_GET
def course(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one course: its sections and activities with their counts, and its last backups."""
    found = get_object_or_404(Course.objects.select_related("category"), pk=pk)
    rights = may(request.user, found)
    if "moodle/course:view" not in rights:
        raise NotAllowed(
            "You may not see this course. You are not enrolled in it, and no role gives you the right."
        )
    outline = services.outline(found)
    nested = {section.under: section for section in outline.sections if section.under}
    open_jobs = list(found.jobs.filter(state__in=Job.OPEN).order_by("-pk")[:3])
    archives = list(catalogue.archives_seen(request.user).filter(course=found)[:5])
    allowed = catalogue.access(request.user, archives)
    context = {
        "course": found,
        "outline": outline,
        "summary_place": f"{found.contextid}/course/summary/0",
        "sections": [section for section in outline.sections if not section.under],
        "nested": nested,
        "counts": summaries.counts(found),
        "abouts": pages.sections(PageContext(found, people="moodle/backup:userinfo" in rights)),
        "types": sorted(outline.by_type().items()),
        "archives": [(archive, allowed[archive.pk]) for archive in archives],
        "jobs": open_jobs,
        "jobs_seen": job_catalogue.seen_among(request.user, [job.pk for job in open_jobs]),
        "moving": bool(open_jobs),
        "rights": {
            "back_up": "moodle/backup:backupcourse" in rights,
            "people": "moodle/backup:userinfo" in rights,
            "section": "moodle/backup:backupsection" in rights,
            "configure": "moodle/backup:configure" in rights,
            "restore": "moodle/restore:restorecourse" in rights,
        },
        "held": rights,
        "tabs": pages.tabs(found),
        "crumbs": [("/", "Courses")],
    }
    return render(request, "vault/course.html", context)
