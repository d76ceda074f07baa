"""Pages: remove a course, section or activity; what was removed, and bringing it back."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from archive.errors import NotAllowed
from courses.accounts import person
from courses.capabilities import categories_where, courses_where, may
from courses.models import Activity, Course, Section, User
from courses.paging import KeyPage, key_page
from courses.removal import Removable, course_around
from jobs import limits
from jobs.form_tokens import sent_token
from jobs.models import Job
from transfer import removals, returns
from transfer.models import RemovedItem

PAGE = 40
NEWEST = ("-removed", "-pk")
"""The order of the lists."""


@login_required
@require_http_methods(["GET", "POST"])
def remove(request: HttpRequest, archive_type: str, pk: int) -> HttpResponse:
    """Ask for confirmation, then queue the removal of a course, section or activity."""
    owner = _owner(archive_type, pk)
    by = person(request.user)
    removals.require_right(owner, by=by)
    if request.method == "POST":
        return redirect("job", pk=removals.request_removal(owner, by=by, token=sent_token(request.POST)).pk)
    course = course_around(owner)
    back = (
        reverse("activity", args=[pk]) if archive_type == "activity" else reverse("course", args=[course.pk])
    )
    inside = Activity.objects.filter(course=course)
    context = {
        "owner": owner.title if isinstance(owner, Activity) else str(owner),
        "archive_type": archive_type,
        "activities": {
            "course": inside.count(),
            "section": inside.filter(section=pk).count(),
        }.get(archive_type, 0),
        "days": limits.value("bin_days"),
        "back": back,
        "crumbs": crumbs_of(course),
    }
    return render(request, "transfer/remove.html", context)


def _owner(archive_type: str, pk: int) -> Removable:
    """Return the course, section or activity. Raises Http404."""
    if archive_type == "course":
        return get_object_or_404(Course.objects.select_related("category"), pk=pk)
    if archive_type == "section":
        return get_object_or_404(Section.objects.select_related("course"), pk=pk)
    if archive_type == "activity":
        return get_object_or_404(Activity.objects.select_related("course", "section"), pk=pk)
    raise Http404("Only courses, sections and activities are removed.")


@login_required
@require_GET
def of_course(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what was removed from a course."""
    course = get_object_or_404(Course, pk=pk)
    rights = may(request.user, course)
    if returns.SEE not in rights:
        raise NotAllowed(
            "You may not see what was removed from this course.",
            hint="Ask a teacher or manager of the course.",
        )
    found = returns.items_of(course)
    page = key_page(found, request.GET, size=PAGE, order=NEWEST)
    listed = {item.pk for item in page}
    allowed = {
        "restore": listed if returns.BRING_BACK in rights else set(),
        "empty": listed if returns.EMPTY in rights else set(),
    }
    context = {"course": course, "crumbs": crumbs_of(course), **_listed(page, allowed)}
    return render(request, "transfer/bin.html", context)


@login_required
@require_GET
def of_courses(request: HttpRequest) -> HttpResponse:
    """Show the removed courses of the categories in which the person sees the recycle bin."""
    by = person(request.user)
    page = key_page(returns.courses_seen(by), request.GET, size=PAGE, order=NEWEST)
    allowed = {
        "restore": _in_categories(page, by, returns.BRING_BACK),
        "empty": _in_categories(page, by, returns.EMPTY),
    }
    context = {"course": None, "crumbs": [("/", "Courses")], **_listed(page, allowed)}
    return render(request, "transfer/bin.html", context)


def _in_categories(page: KeyPage[RemovedItem], by: User, right: str) -> set[int]:
    """Return the ids of the entries about whose category a person has a right."""
    if by.is_superuser:
        return {item.pk for item in page}
    categories = set(categories_where(by, right).values_list("pk", flat=True))
    return {item.pk for item in page if item.category_id in categories}


def _listed(page: KeyPage[RemovedItem], allowed: dict[str, set[int]]) -> dict[str, object]:
    """Return the template variables of a page of entries."""
    archives = [item.archive_id for item in page]
    days = limits.value("bin_days")
    returned = Job.objects.filter(operation="bring_back", archive__in=archives)
    failed = returned.filter(state=Job.State.FAILED)
    parted = returned.filter(state=Job.State.SUCCEEDED, result__in_bin=True)
    return {
        "page": page,
        "rows": [(item, removals.expires(item, days=days)) for item in page],
        "allowed": allowed,
        "failed": set((failed | parted).values_list("archive__removed_item", flat=True)),
        "parted": set(parted.values_list("archive__removed_item", flat=True)),
        "days": days,
    }


@login_required
@require_POST
def bring_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Queue the return of an entry of the recycle bin."""
    job = returns.request_return(seen(request, pk), by=person(request.user), token=sent_token(request.POST))
    return redirect("job", pk=job.pk)


def bin_of(item: RemovedItem) -> str:
    """Return the URL of the recycle bin that has an entry: that of its course, or that of the courses."""
    course = item.archive.course
    return reverse("course-bin", args=[course.pk]) if course else reverse("bin")


@login_required
@require_http_methods(["GET", "POST"])
def empty(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for confirmation, then remove an entry of the recycle bin for good."""
    item = seen(request, pk)
    returns.require_right(item, returns.EMPTY, by=person(request.user))
    course, back = item.archive.course, bin_of(item)
    if request.method == "POST":
        removals.empty([item], by=person(request.user))
        messages.success(request, f"“{item.title}” was removed for good.")
        return redirect(back)
    crumbs = crumbs_of(course) if course else [("/", "Courses")]
    context = {"item": item, "back": back, "crumbs": [*crumbs, (back, "Recycle bin")]}
    return render(request, "transfer/bin_empty.html", context)


def seen(request: HttpRequest, pk: int) -> RemovedItem:
    """Return an entry of the recycle bin. Raises Http404 if the person may not see it."""
    item = returns.items().filter(pk=pk).first()
    if item is None:
        raise Http404("There is no such entry.")
    by = person(request.user)
    if item.archive.archive_type == "course":
        visible = returns.courses_seen(by).filter(pk=pk).exists()
    else:
        visible = courses_where(by, returns.SEE).filter(pk=item.archive.course_id or 0).exists()
    if not visible and not by.is_superuser:
        raise Http404("There is no such entry.")
    return item


def crumbs_of(course: Course) -> list[tuple[str, str]]:
    """Return the links to the pages above a page about a course."""
    return [("/", "Courses"), (reverse("course", args=[course.pk]), course.fullname)]
