"""Pages: import from another course in two stages, and the button that duplicates an activity."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from archive.errors import NotAllowed
from archive.numbers import natural
from courses import services, summaries
from courses.accounts import person
from courses.capabilities import courses_where, may
from courses.models import Activity, Course
from courses.paging import BY_NAME, key_page
from courses.services import course_named
from jobs.form_requests import job_or_errors
from jobs.form_tokens import sent_token
from selection import forms
from selection.items import items_of_course
from transfer import imports

PAGE = 20


@login_required
@require_GET
def sources(request: HttpRequest, pk: int) -> HttpResponse:
    """Stage 1: choose the course to import from."""
    course = get_object_or_404(Course, pk=pk)
    if imports.BRING not in may(request.user, course):
        raise NotAllowed(
            "You may not import into this course.", hint="Ask a teacher or manager of the course."
        )
    search = request.GET.get("search", "").strip()[:200]
    found = courses_where(request.user, imports.TAKE).exclude(pk=pk).select_related("category")
    if search:
        found = found.filter(course_named(search) | Q(category__name__icontains=search))
    page = key_page(found, request.GET, size=PAGE, order=BY_NAME)
    context = {"course": course, "page": page, "search": search, "crumbs": _crumbs(course)}
    return render(request, "transfer/import.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def parts(request: HttpRequest, pk: int, source: int) -> HttpResponse:
    """Stage 2: choose the sections and activities, and queue the import."""
    course, other = get_object_or_404(Course, pk=pk), get_object_or_404(Course, pk=source)
    by = person(request.user)
    imports.require_rights(other, course, by=by)
    errors: list[tuple[str, str]] = []
    if request.method == "POST" and not forms.searches(request.POST):
        chosen = imports.Parts(
            sections=_numbers(request, "section"), activities=_numbers(request, "activity")
        )
        place = natural(request.POST.get("place", ""))
        if not chosen.sections and not chosen.activities:
            errors = [("parts", "Choose what is to be imported.")]
        else:
            job, errors = job_or_errors(
                lambda: imports.request_import(
                    other,
                    course,
                    chosen,
                    by=by,
                    place={"section": place} if place and _is_one(chosen) else None,
                    token=sent_token(request.POST),
                )
            )
            if job is not None:
                return redirect("job", pk=job.pk)
    context = {
        "course": course,
        "source": other,
        "errors": errors,
        **_tree(other, forms.search_of(request.POST)),
        "activities_chosen": set(_numbers(request, "activity")),
        "sections_chosen": set(_numbers(request, "section")),
        "places": services.course_tree(course).sections,
        "place": natural(request.POST.get("place", "")),
        "crumbs": [*_crumbs(course), (reverse("course-import", args=[pk]), "Import")],
    }
    return render(request, "transfer/import_parts.html", context, status=400 if errors else 200)


def _tree(source: Course, text: str) -> dict[str, object]:
    """Return the template variables of the sections and activities of a course, searched for `text`.

    `nodes` has the tree's node of each by its folder; a section that an activity owns has that of the activity.
    """
    outline = services.course_tree(source)
    nodes = forms.plain_tree(items_of_course(outline))
    return {
        "found": forms.search(nodes, text),
        "search": text,
        "nodes": {node.item.owner: node for node in forms.every_node(nodes)},
        "sections": [section for section in outline.sections if not section.under],
        "nested": {section.under: section for section in outline.sections if section.under},
        "counts": summaries.counts(source),
    }


def _is_one(chosen: imports.Parts) -> bool:
    """Whether one activity is chosen, which goes into a section of its own choice."""
    return len(chosen.activities) == 1 and not chosen.sections


def _numbers(request: HttpRequest, name: str) -> tuple[int, ...]:
    found = (natural(text) for text in request.POST.getlist(name))
    return tuple(number for number in found if number is not None)


@login_required
@require_POST
def duplicate(request: HttpRequest, pk: int) -> HttpResponse:
    """Queue the duplication of an activity."""
    activity = get_object_or_404(Activity.objects.select_related("course", "section"), pk=pk)
    job = imports.request_duplicate(activity, by=person(request.user), token=sent_token(request.POST))
    return redirect("job", pk=job.pk)


def _crumbs(course: Course) -> list[tuple[str, str]]:
    return [("/", "Courses"), (reverse("course", args=[course.pk]), course.fullname)]
