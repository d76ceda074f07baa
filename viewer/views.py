"""Pages of activities and of a course, downloads of files, and redirects for links inside restored courses."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.db import models
from django.db.models.functions import Cast, Concat
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from archive.numbers import natural
from courses import pool, sentinel
from courses.capabilities import may
from courses.models import Activity, Course, File, Section
from courses.storage_errors import begun
from viewer import pages
from viewer.locations import location_of, section_location
from viewer.page_context import PageContext, readable
from viewer.panels import Detail, Location, Sheet
from viewer.presentation import course_presentations, presentations
from viewer.records import RecordGroup, record_entries, record_groups
from viewer.templatetags.coursekeep import THEME_COOKIE, THEMES, href

PAGE = 50
PEOPLE = "moodle/backup:userinfo"
"""The capability to see userdata, which is the capability to include it in a backup."""
YEAR = 365 * 24 * 3600
# Types that a browser shows without running anything in them. All others are downloaded.
SHOWN = frozenset(
    {"image/png", "image/jpeg", "image/gif", "image/webp", "text/plain", "audio/mpeg", "video/mp4"}
)


@login_required
@require_GET
def activity(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an activity: its presentation, and the records that the presentation leaves out."""
    found, page, rights = _activity(request, pk)
    context = {
        "activity": found,
        "course": found.course,
        "view": pages.activity_page(page),
        "crumbs": _crumbs(found.course),
        "may_back_up": "moodle/backup:backupactivity" in rights,
        "held": rights,
        "may_see_people": page.people,
    }
    return render(request, "viewer/activity.html", context)


@login_required
@require_GET
def activity_detail(request: HttpRequest, pk: int, name: str, number: int) -> HttpResponse:
    """Show one record of an activity on a separate page, such as a discussion."""
    found, page, _ = _activity(request, pk)
    presentation = presentations().get(found.modulename)
    sheet = _sheet(page, presentation.details.get(name) if presentation and page.content else None, number)
    context = {"sheet": sheet, "within": found.title, "crumbs": _crumbs(found.course, found)}
    return render(request, "viewer/sheet.html", context)


@login_required
@require_GET
def records(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """Show all records of one model in an activity, with all their values, page by page."""
    found, page, _ = _activity(request, pk)
    context = {"within": found.title, "crumbs": _crumbs(found.course, found)}
    return _records(request, page, record_groups(found, page.content), name, context)


@login_required
@require_GET
def course_page(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """Show a page of a course: gradebook, questions, people, ..."""
    found = get_object_or_404(Course, pk=pk)
    presentation = course_presentations().get(name)
    if presentation is None:
        raise Http404("A course has no such page.")
    page = _page(request, found)[0]
    panels = [panel for panel in presentation.present(page) if panel.total is None or panel.total]
    context = {
        "course": found,
        "title": presentation.title,
        "panels": panels,
        "current": name,
        "tabs": pages.tabs(found),
        "crumbs": [("/", "Courses")],
    }
    return render(request, "viewer/course_page.html", context)


@login_required
@require_GET
def course_detail(request: HttpRequest, pk: int, name: str, number: int) -> HttpResponse:
    """Show one record of a course on a separate page, such as a category of questions."""
    found = get_object_or_404(Course, pk=pk)
    page = _page(request, found)[0]
    for page_name, presentation in course_presentations().items():
        if name in presentation.details:
            sheet = _sheet(page, presentation.details[name], number)
            crumbs = [*_crumbs(found), (reverse("course-page", args=[pk, page_name]), presentation.title)]
            return render(
                request, "viewer/sheet.html", {"sheet": sheet, "within": found.fullname, "crumbs": crumbs}
            )
    raise Http404("A course has no such page.")


@login_required
@require_GET
def course_records(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """Show all records of one model in a course, with all their values, page by page."""
    found = get_object_or_404(Course, pk=pk)
    page = _page(request, found)[0]
    return _records(
        request, page, record_groups(found), name, {"within": found.fullname, "crumbs": _crumbs(found)}
    )


def _activity(request: HttpRequest, pk: int) -> tuple[Activity, PageContext, frozenset[str]]:
    found = get_object_or_404(Activity.objects.select_related("course", "section"), pk=pk)
    page, rights = _page(request, found.course, found)
    return found, page, rights


def _page(
    request: HttpRequest, course: Course, activity: Activity | None = None
) -> tuple[PageContext, frozenset[str]]:
    rights = _rights(request, activity or course)
    return PageContext(course, activity=activity, people=PEOPLE in rights, query=request.GET.dict()), rights


def _crumbs(course: Course, activity: Activity | None = None) -> list[tuple[str, str]]:
    found = [("/", "Courses"), (f"/course/{course.pk}/", course.fullname)]
    return [*found, (f"/activity/{activity.pk}/", activity.title)] if activity else found


def _sheet(page: PageContext, detail: Detail | None, number: int) -> Sheet:
    if detail is None:
        raise Http404("There is no such page.")
    if detail.userdata and not page.people:
        raise PermissionDenied("You may not see people and their work in this course.")
    try:
        return detail.show(page, number)
    except ObjectDoesNotExist as error:
        raise Http404("There is no such record here.") from error


def _records(
    request: HttpRequest, page: PageContext, groups: list[RecordGroup], name: str, context: dict[str, object]
) -> HttpResponse:
    one = next((group for group in groups if group.name == name), None)
    if one is None:
        raise Http404("There are no such records here.")
    if one.userdata and not page.people and not one.model.archive_meta.person:
        raise PermissionDenied("You may not see people and their work in this course.")
    panel = page.listed(
        one.title,
        one.seen(people=page.people),
        lambda rows: record_entries(page, one.model, rows),
        size=PAGE,
        name="records",
    )
    return render(request, "viewer/records.html", {**context, "panel": panel})


@login_required
@require_GET
def file(request: HttpRequest, path: str) -> HttpResponse | FileResponse:
    """Send a file of a course; `path` is context, component, area, item, folders and name."""
    stored = _stored(path)
    if stored is None or stored.course is None:
        raise Http404("There is no such file.")
    activity = Activity.objects.select_related("course").filter(contextid=stored.contextid).first()
    people = PEOPLE in _rights(request, activity or stored.course)
    if (
        stored.userid != request.user.pk
        and not readable(File.objects.filter(pk=stored.pk), people=people).exists()
    ):
        raise PermissionDenied("You may not see people and their work in this course.")
    try:
        content = begun(pool.ALIAS, pool.open_content(stored.contenthash))
    except FileNotFoundError as error:
        sentinel.require(pool.ALIAS)
        raise Http404("The content of the file is not on this site.") from error
    content_type = stored.mimetype if stored.mimetype in SHOWN else "application/octet-stream"
    answer = FileResponse(
        content, as_attachment=content_type not in SHOWN, filename=one_line(stored.filename)
    )
    answer["Content-Type"] = content_type
    answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


def one_line(name: str) -> str:
    """Return a file's name without line breaks and other control characters, which no header can hold."""
    return "".join(character if character.isprintable() else "_" for character in name)


def _stored(path: str) -> File | None:
    """Return the file at a path; None if the path is not valid or no file is there."""
    parts = path.split("/")
    contextid = natural(parts[0])
    if len(parts) < 5 or contextid is None or "\0" in path:
        return None
    # A name or an area may hold a slash, so that only the whole path tells which file it is.
    whole = Concat(
        "component",
        models.Value("/"),
        "filearea",
        models.Value("/"),
        Cast("itemid", models.TextField()),
        "filepath",
        "filename",
        output_field=models.TextField(),
    )
    found = File.objects.select_related("course").filter(contextid=contextid).exclude(filename=".")
    return found.annotate(whole=whole).filter(whole="/".join(parts[1:])).order_by("pk").first()


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Set the cookie with the theme that this browser chose, and go back."""
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
    """Redirect /course/view.php?id=12 and /course/view.php?id=12&section=2, as links inside restored courses have it."""
    number, section_number = _number(request, "id"), natural(request.GET.get("section", ""))
    if section_number is not None:
        section = Section.objects.filter(course=number, number=section_number).first()
        if section is not None:
            return _redirect_to(section_location(section))
    return redirect("course", pk=number)


@login_required
@require_GET
def section_link(request: HttpRequest) -> HttpResponse:
    """Redirect /course/section.php?id=34 to the section on the page of its course."""
    return _redirect_to(section_location(get_object_or_404(Section, pk=_number(request, "id"))))


@login_required
@require_GET
def course_page_link(request: HttpRequest, name: str) -> HttpResponse:
    """Redirect /grade/report/index.php?id=12 and the like to the page of the course that shows the same."""
    return redirect("course-page", pk=_number(request, "id"), name=name)


@login_required
@require_GET
def activity_link(request: HttpRequest, modulename: str, script: str) -> HttpResponse:
    """Redirect /mod/TYPE/view.php?id=12 and the like, according to the `links` of the activity type."""
    location = location_of(modulename, script, request.GET)
    if location is None:
        raise Http404("What the address leads to is not on this site.")
    return _redirect_to(location)


@login_required
@require_GET
def file_link(request: HttpRequest, path: str) -> HttpResponse:
    """Redirect /pluginfile.php/56/mod_page/intro/map.png; some areas leave out the item if it is 0."""
    parts = path.split("/")
    if len(parts) > 3 and not (len(parts) > 4 and natural(parts[3]) is not None):
        parts.insert(3, "0")
    return redirect("file", path="/".join(parts))


def _redirect_to(location: Location) -> HttpResponseRedirect:
    query, anchor = location.query and f"?{location.query}", location.anchor and f"#{location.anchor}"
    return HttpResponseRedirect(f"{href(location.address)}{query}{anchor}")


def _number(request: HttpRequest, name: str) -> int:
    number = natural(request.GET.get(name, ""))
    if number is None:
        raise Http404("The address has no number of what it leads to.")
    return number


def _rights(request: HttpRequest, owner: Course | Activity) -> frozenset[str]:
    """Return the person's capabilities at a course or an activity. PermissionDenied without the right to view it."""
    rights = may(request.user, owner)
    if "moodle/course:view" not in rights:
        raise PermissionDenied(
            "You may not see this course. You are not enrolled in it, and no role gives you the right."
        )
    return rights
