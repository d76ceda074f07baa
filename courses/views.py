"""The pages of what a course is: an activity, its files, and where links inside courses lead."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from courses import pool, reading
from courses.capabilities import may
from courses.models import Activity, Course, File, User
from courses.templatetags.coursekeep import THEME_COOKIE, THEMES

PAGE = 50
YEAR = 365 * 24 * 3600
# What a browser shows by itself without being able to run anything in it. All else is downloaded.
SHOWN = frozenset(
    {"image/png", "image/jpeg", "image/gif", "image/webp", "text/plain", "audio/mpeg", "video/mp4"}
)


@login_required
@require_GET
def activity(request: HttpRequest, pk: int) -> HttpResponse:
    """What is in an activity: texts, settings, records, files, and what is kept as it came."""
    found = get_object_or_404(Activity.objects.select_related("course", "section"), pk=pk)
    rights = _rights(request, found.course)
    people = "moodle/backup:userinfo" in rights
    context = {
        "activity": found,
        "course": found.course,
        "view": reading.activity_view(found, people=people),
        "crumbs": [("/", "Courses"), (f"/course/{found.course_id}/", found.course.fullname)],
        "may_back_up": "moodle/backup:backupactivity" in rights,
    }
    return render(request, "courses/activity.html", context)


@login_required
@require_GET
def records(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """All records of one kind in an activity, some on a page."""
    found = get_object_or_404(Activity.objects.select_related("course"), pk=pk)
    people = "moodle/backup:userinfo" in _rights(request, found.course)
    number = max(1, int(request.GET["page"])) if request.GET.get("page", "").isdecimal() else 1
    shown = reading.records_of(found, name, people=people, start=(number - 1) * PAGE, rows=PAGE)
    if shown is None:
        raise Http404("This activity has no such records.")
    if shown.closed:
        raise PermissionDenied("You may not see people's work in this course.")
    context = {
        "activity": found,
        "shown": shown,
        "page": Paginator(range(shown.total), PAGE).get_page(number),
        "crumbs": [
            ("/", "Courses"),
            (f"/course/{found.course_id}/", found.course.fullname),
            (f"/activity/{found.pk}/", found.title),
        ],
    }
    return render(request, "courses/records.html", context)


@login_required
@require_GET
def file(request: HttpRequest, path: str) -> HttpResponse | FileResponse:
    """A file of a course: context, component, area, item and name, as rich text refers to it."""
    parts = path.split("/")
    if len(parts) < 5 or not (parts[0].isdecimal() and parts[3].isdecimal()):
        raise Http404("There is no such file.")
    folder = "/".join(["", *parts[4:-1], ""])
    stored = get_object_or_404(
        File.objects.select_related("course"),
        contextid=parts[0],
        component=parts[1],
        filearea=parts[2],
        itemid=parts[3],
        filepath=folder,
        filename=parts[-1],
    )
    if stored.course is None:
        raise Http404("There is no such file.")
    rights = _rights(request, stored.course)
    if (
        stored.itemid
        and "moodle/backup:userinfo" not in rights
        and stored.userid not in (None, request.user.pk)
    ):
        raise PermissionDenied("You may not see people's work in this course.")
    kind = stored.mimetype or "application/octet-stream"
    answer = FileResponse(
        pool.open_content(stored.contenthash), as_attachment=kind not in SHOWN, filename=stored.filename
    )
    answer["Content-Type"] = kind if kind in SHOWN else "application/octet-stream"
    answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keep the theme that this browser chose, and go back."""
    back = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
        back = "/"
    answer = HttpResponseRedirect(back)
    chosen = request.POST.get("theme", "")
    if chosen in THEMES:
        answer.set_cookie(
            THEME_COOKIE, chosen, max_age=YEAR, samesite="Lax", httponly=True, secure=request.is_secure()
        )
    else:
        answer.delete_cookie(THEME_COOKIE)
    return answer


@login_required
@require_GET
def course_link(request: HttpRequest) -> HttpResponse:
    """/course/view.php?id=12, as links inside restored courses have it."""
    return redirect("course", pk=_number(request, "id"))


@login_required
@require_GET
def activity_link(request: HttpRequest, modulename: str, script: str) -> HttpResponse:
    """/mod/TYPE/view.php?id=12 and the like, as the type's own description of its addresses explains them."""
    found = reading.whereabouts(modulename, script, request.GET)
    if isinstance(found, Course):
        return redirect("course", pk=found.pk)
    if isinstance(found, Activity):
        return redirect("activity", pk=found.pk)
    raise Http404("What the address leads to is not on this site.")


def _number(request: HttpRequest, name: str) -> int:
    text = request.GET.get(name, "")
    if not text.isdecimal() or len(text) > 18:
        raise Http404("The address has no number of what it leads to.")
    return int(text)


def person(request: HttpRequest) -> User:
    """Who asks. Only for pages that one has to sign in for."""
    assert isinstance(request.user, User)
    return request.user


def _rights(request: HttpRequest, course: Course) -> frozenset[str]:
    """What the person may in the course. PermissionDenied when not even looking at it."""
    rights = may(request.user, course)
    if "moodle/course:view" not in rights:
        raise PermissionDenied(
            "You are not enrolled in this course, and nobody gave you the right to look at it."
        )
    return rights
