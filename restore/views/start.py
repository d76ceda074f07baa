"""Pages: where a restore begins: a stored archive, an upload, the archives of one course, or a job to start again."""

from __future__ import annotations

from typing import BinaryIO, cast
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from archive.errors import CoursekeepError, NoSpace, NotAllowed, StorageAway, StorageFailed
from archive.numbers import natural
from courses.accounts import person
from courses.capabilities import may, may_somewhere
from courses.models import Course
from courses.text_search import having
from jobs.catalogue import jobs_seen
from jobs.form_requests import WITH_PAGES
from jobs.form_tokens import sent_token
from jobs.models import Job
from restore import targets, uploads
from restore.views.destination import NO_CATEGORY, categories_for
from restore.views.wizard import wizard_of
from vault import catalogue
from vault.text_indexes import ARCHIVES

PAGE = 20
STORAGE_CODES = frozenset(kind.code for kind in (StorageFailed, StorageAway, NoSpace))
"""Codes of jobs that a storage failed: no fault of the upload."""

RESTORE = "moodle/restore:restorecourse"


@login_required
@require_GET
def start(request: HttpRequest) -> HttpResponse:
    """Show the stored archives and the upload of a file."""
    return _start(request, [])


def _start(request: HttpRequest, errors: list[tuple[str, str]], *, status: int = 400) -> HttpResponse:
    """Show the start page; `status` is that of a page with errors of an upload."""
    found = catalogue.archives_seen(request.user)
    search = request.GET.get("search", "").strip()[:200]
    if search:
        found = having(found.filter(course_title__icontains=search), search, ARCHIVES)
    page = catalogue.archive_page(request.user, found, request.GET, size=PAGE)
    allowed = catalogue.access(request.user, page)
    context = {
        "errors": errors,
        "page": page,
        "search": search,
        "rows": [(archive, allowed[archive.pk]) for archive in page],
        "may_upload": may_somewhere(request.user, uploads.UPLOAD),
    }
    return render(request, "restore/start.html", context, status=status if errors else 200)


@login_required
@require_GET
def of_course(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the archives of a course, each with the ways to restore it, and the upload of a file for the course."""
    course = get_object_or_404(Course.objects.select_related("category"), pk=pk)
    rights = may(request.user, course)
    if RESTORE not in rights:
        raise NotAllowed("You may not restore into this course.")
    found = catalogue.archives_seen(request.user).filter(course=course)
    page = catalogue.archive_page(request.user, found, request.GET, size=PAGE)
    allowed = catalogue.access(request.user, page)
    categories = [pk for pk, _path in categories_for(request.user, "course")]
    category = course.category_id if course.category_id in categories else next(iter(categories), None)
    context = {
        "course": course,
        "page": page,
        "rows": [(archive, allowed[archive.pk]) for archive in page],
        "may_upload": uploads.UPLOAD in rights or may_somewhere(request.user, uploads.UPLOAD),
        "category": category,
        "why_no_new_course": NO_CATEGORY,
        "crumbs": [("/", "Courses"), (reverse("course", args=[course.pk]), course.fullname)],
    }
    return render(request, "restore/course.html", context)


@login_required
@require_POST
def upload(request: HttpRequest) -> HttpResponse:
    """Store an uploaded file, and show that it is being looked at."""
    uploads.require_right(person(request.user))
    sent = request.FILES.get("file")
    if not isinstance(sent, UploadedFile):
        return _start(request, [("file", "Choose a file first. It ends in .mbz.")])
    title = sent.name or "archive.mbz"
    file = uploads.Sent(cast("BinaryIO", sent.file), title, sent.size or 0)
    try:
        job = uploads.receive(file, by=person(request.user), token=sent_token(request.POST))
    except WITH_PAGES:
        raise
    except CoursekeepError as error:
        return _start(request, [("file", f"{title}: {error.sentence()}")])
    return redirect(_for_course(reverse("restore-looking", args=[job.pk]), request.POST.get("course", "")))


@login_required
@require_GET
def looking(request: HttpRequest, pk: int) -> HttpResponse:
    """Show that an upload is being looked at; then go to its first stage, or say what is wrong with it."""
    found = jobs_seen(request.user).filter(operation=uploads.OPERATION)
    job = get_object_or_404(found, pk=pk)
    if job.state == Job.State.SUCCEEDED and job.archive_id is not None:
        address = reverse("restore-inside", args=[job.archive_id])
        return redirect(_for_course(address, request.GET.get("course", "")))
    if job.over:
        sentence = f"{job.error} {job.error_hint}".strip() or "The file is not here any more."
        status = 503 if job.error_code in STORAGE_CODES else 400
        return _start(request, [("file", f"{job.title}: {sentence}")], status=status)
    return render(request, "restore/looking.html", {"job": job, "crumbs": [(reverse("restore"), "Restore")]})


def _for_course(address: str, course: str) -> str:
    """Return an address of the wizard that remembers the course for which an archive was uploaded."""
    number = natural(course)
    return f"{address}?{urlencode({'course': number})}" if number is not None else address


@login_required
@require_POST
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """Open the wizard with the choices of a restore that failed or was cancelled."""
    job = get_object_or_404(jobs_seen(request.user).filter(operation="restore", archive__isnull=False), pk=pk)
    assert job.archive_id is not None
    wizard = wizard_of(request, job.archive_id)
    wizard.draft.asked = {name: str(value) for name, value in job.asked.items()}
    wizard.draft.facts = {name: value for name, value in job.target.items() if name in targets.NAMES}
    wizard.draft.save()
    return redirect(wizard.address("settings" if "change" in request.POST else "review"))


@login_required
@require_POST
def reset(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget the choices for an archive and start its wizard again."""
    wizard = wizard_of(request, pk)
    wizard.draft.forget()
    messages.info(request, "All choices are back at the defaults.")
    return redirect(wizard.address("inside"))
