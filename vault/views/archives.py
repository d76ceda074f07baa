"""Pages: the stored archives, one archive, its download, and an upload."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.db.models import Sum
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from archive.errors import NotAllowed, UsageError
from audit.trail import record
from courses.accounts import person
from courses.capabilities import may, may_somewhere
from courses.paging import counted
from courses.storage_errors import begun
from courses.text_search import having
from jobs import catalogue as job_catalogue
from jobs.form_tokens import sent_token
from vault import catalogue, checks, storage
from vault.models import StoredArchive
from vault.text_indexes import ARCHIVES

PAGE = 40
VIEW = "moodle/course:view"


@login_required
@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """Show all archives that the person may see, newest first."""
    found = catalogue.archives_seen(request.user)
    number = counted(found)
    total = 0 if number.more else found.order_by().aggregate(size=Sum("size"))["size"] or 0
    search = request.GET.get("search", "").strip()[:200]
    source = request.GET.get("source", "")
    people = request.GET.get("people", "")
    if search:
        found = having(found, search, ARCHIVES)
    if source in StoredArchive.Source.values:
        found = found.filter(source=source)
    if people == "with":
        found = found.filter(users=True, anonymized=False)
    elif people == "anonymous":
        found = found.filter(users=True, anonymized=True)
    elif people == "without":
        found = found.filter(users=False)
    page = catalogue.archive_page(request.user, found, request.GET, size=PAGE)
    allowed = catalogue.access(request.user, page)
    context = {
        "page": page,
        "rows": [(archive, allowed[archive.pk]) for archive in page],
        "number": number,
        "total": total,
        "search": search,
        "source": source,
        "people": people,
        "filtered": bool(search or source or people),
        "may_upload": may_somewhere(request.user, "moodle/restore:uploadfile"),
    }
    return render(request, "vault/archives.html", context)


@login_required
@require_GET
def archive(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one archive, with its facts and the actions that the person may take."""
    found = _seen(request, pk)
    jobs = list(job_catalogue.jobs_seen(request.user).filter(archive=found)[:10])
    schedule = found.schedule
    context = {
        "archive": found,
        "access": catalogue.access(request.user, [found])[found.pk],
        "course_seen": found.course is not None and VIEW in may(request.user, found.course),
        "schedule_seen": schedule and (request.user.is_superuser or schedule.owner_id == request.user.pk),
        "jobs": jobs,
        "moving": any(not job.over for job in jobs),
        "crumbs": [("/archives/", "Archives")],
    }
    return render(request, "vault/archive.html", context)


@login_required
@require_GET
def download(request: HttpRequest, pk: int) -> FileResponse:
    """Send the archive's file. The permission is checked on every request, since it follows the content.

    `FileResponse` states the size of the file, which is another than that of the row if the file was changed since.
    """
    found = _seen(request, pk)
    catalogue.require_download(request.user, found)
    content = begun(storage.ALIAS, storage.open_stored(found))
    answer = FileResponse(content, as_attachment=True, filename=found.title)
    _record(request, "download", found, people=found.holds_people)
    answer["Content-Type"] = "application/vnd.moodle.backup"
    return answer


@login_required
@require_POST
def check(request: HttpRequest, pk: int) -> HttpResponse:
    """Queue a check of the archive."""
    job = checks.request_check(_seen(request, pk), by=person(request.user), token=sent_token(request.POST))
    return redirect("job", pk=job.pk)


@login_required
@require_POST
def hold(request: HttpRequest, pk: int) -> HttpResponse:
    """Hold an archive, so that no schedule removes it, or release it."""
    found = _seen(request, pk)
    access = catalogue.access(request.user, [found])[found.pk]
    if not access.restore:
        raise NotAllowed("You may not change how long this archive is kept.")
    if request.POST.get("keep") not in ("0", "1"):
        raise UsageError(
            "Nothing says whether the archive is to be protected.", hint="Press the button on its page."
        )
    if request.POST["keep"] == "1":
        # Whoever protected it first goes on being the one who may end that.
        with transaction.atomic():
            if StoredArchive.objects.filter(pk=pk, keep=False).update(
                keep=True, held_by=person(request.user)
            ):
                _record(request, "archive-held", found)
        messages.success(request, "The archive is protected: no schedule removes it.")
    elif found.keep and not access.let_go:
        raise NotAllowed(
            "You may not end the protection of this archive. Only the person who protected it and administrators do."
        )
    else:
        with transaction.atomic():
            held = StoredArchive.objects.filter(pk=pk, held_by=found.held_by, keep=True)
            if held.update(keep=False, held_by=None):
                _record(request, "archive-released", found)
        messages.success(request, "The archive is no longer protected.")
    return redirect("archive", pk=pk)


@login_required
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for confirmation, then remove an archive for good."""
    found = _seen(request, pk)
    if not catalogue.access(request.user, [found])[found.pk].remove:
        raise NotAllowed(
            "You may not remove this archive. Only the person who made it and administrators do, "
            "and while it is protected only the person who protected it and administrators."
        )
    if request.method == "POST":
        with transaction.atomic():
            _record(request, "archive-removed", found)
            storage.remove(found)
        messages.success(request, f"The archive {found.title} was removed.")
        return redirect("archives")
    crumbs = [("/archives/", "Archives"), (f"/archives/{found.pk}/", found.title)]
    return render(request, "vault/archive_remove.html", {"archive": found, "crumbs": crumbs})


def _seen(request: HttpRequest, pk: int) -> StoredArchive:
    """Return the archive, or 404 if the person may not see it."""
    try:
        return catalogue.archive_seen(request.user, pk)
    except StoredArchive.DoesNotExist:
        raise Http404("There is no such archive.") from None


def _record(request: HttpRequest, action: str, found: StoredArchive, **details: Any) -> None:
    """Record in the audit trail what the person did with an archive."""
    record(
        action,
        by=person(request.user),
        subject="archive",
        subject_id=found.pk,
        title=found.title,
        course=found.course_id,
        **details,
    )
