"""Page: the form of a copy of a course."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from archive.errors import NotAllowed
from archive.numbers import natural
from courses.accounts import person
from courses.capabilities import assignable_roles, categories_where, may
from courses.models import Course, User
from jobs.form_requests import job_or_errors
from jobs.form_tokens import sent_token
from restore.course_names import CourseNames, free_names
from transfer import copies
from vault import catalogue

DAY = 24 * 3600


@login_required
@require_http_methods(["GET", "POST"])
def copy(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the form of a copy, and queue the copy."""
    course = get_object_or_404(Course.objects.select_related("category"), pk=pk)
    by = person(request.user)
    rights = may(by, course)
    if copies.BACK_UP not in rights:
        raise NotAllowed("You may not back up this course.", hint="Ask a teacher or manager of the course.")
    categories = _categories(by)
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        choices, errors = _choices(course, request.POST)
        if not errors:
            token = sent_token(request.POST)
            job, errors = job_or_errors(lambda: copies.request_copy(course, choices, by=by, token=token))
            if job is not None:
                return redirect("job", pk=job.pk)
    context = {
        "course": course,
        "errors": errors,
        "values": request.POST if request.method == "POST" else _proposed(course, categories),
        "categories": categories,
        "roles": assignable_roles(by, course.category),
        "roles_chosen": {natural(text) for text in request.POST.getlist("roles")},
        "may_take_people": copies.PEOPLE[0] in rights,
        "may_move_dates": copies.MOVE_DATES in rights,
        "crumbs": [("/", "Courses"), (reverse("course", args=[pk]), course.fullname)],
    }
    return render(request, "transfer/copy.html", context, status=400 if errors else 200)


def _categories(by: User) -> list[tuple[int, str]]:
    """Return the categories in which a person may make a copy, as (id, path)."""
    allowed: set[int] | None = None
    for right in copies.IN_CATEGORY:
        found = set(categories_where(by, right).values_list("pk", flat=True))
        allowed = found if allowed is None else allowed & found
    return [(pk, title) for pk, title in catalogue.category_choices() if pk in (allowed or ())]


def _proposed(course: Course, categories: list[tuple[int, str]]) -> dict[str, object]:
    """Return the values with which the form opens."""
    names = free_names(CourseNames(course.fullname, course.shortname))
    known = {pk for pk, _ in categories}
    return {
        "fullname": names.fullname,
        "shortname": names.shortname,
        "category": str(course.category_id if course.category_id in known else min(known, default="")),
        "visible": "1" if course.visible else "",
        "keep_weekdays": "1",
        "people": "none",
    }


def _choices(course: Course, form: QueryDict) -> tuple[copies.Choices, list[tuple[str, str]]]:
    """Return the choices of a form, and the errors, each as (name of the field, sentence)."""
    errors: list[tuple[str, str]] = []
    if (category := natural(form.get("category", ""))) is None:
        errors.append(("category", "Choose the category that the copy goes into."))
    dates: dict[str, int | None] = {}
    for name in ("startdate", "enddate"):
        dates[name], fault = _moment(form, name, like=course.startdate or 0)
        errors += [(name, fault)] if fault else []
    roles = tuple(number for text in form.getlist("roles") if (number := natural(text)) is not None)
    people = form.get("people", "none")
    choices = copies.Choices(
        category=category or 0,
        fullname=form.get("fullname", "").strip()[:1333],
        shortname=form.get("shortname", "").strip()[:255],
        idnumber=form.get("idnumber", "").strip()[:100],
        visible="visible" in form,
        startdate=dates["startdate"],
        enddate=dates["enddate"],
        keep_weekdays="keep_weekdays" in form,
        people=people == "all",
        roles=roles if people == "roles" else None,
    )
    if people == "roles" and not roles:
        errors.append(("people-roles", "Choose the roles whose people are enrolled in the copy."))
    return choices, errors


def _moment(form: Mapping[str, Any], name: str, *, like: int) -> tuple[int | None, str]:
    """Return a date of the form in epoch seconds, at the time of day of `like`, and what is wrong with it."""
    text = str(form.get(name, "")).strip()
    if not text:
        return None, ""
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None, "Write the date as 2027-09-01."
    return int((day + timedelta(seconds=like % DAY)).timestamp()), ""
