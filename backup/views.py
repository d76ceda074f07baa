"""Pages: the backup wizard, in Moodle's stages: initial settings, schema, confirmation, then the job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from archive.errors import CoursekeepError, NotAllowed
from archive.manifest import ArchiveType
from backup import services
from courses import summaries
from courses.accounts import person
from courses.capabilities import may
from courses.models import Activity, Course, Section
from courses.services import outline
from selection import forms, stages
from selection.drafts import Draft
from selection.items import items_of_course
from selection.selection import Selection
from selection.settings import Item, Settings
from selection.stages import BACKUP_STAGES

KINDS = ("course", "section", "activity")
FREE_ON_CONFIRMATION = ("filename", "container")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a wizard is about: the course, or one section or activity of it (`item` is its id)."""

    archive_type: str
    pk: int
    course: Course
    item: int | None
    title: str

    def address(self, stage: str) -> str:
        """Where a stage of this wizard is."""
        return reverse(f"backup-{stage}", args=[self.archive_type, self.pk])

    def selection(self, settled: Settings) -> Selection:
        """What comes along with these options."""
        return Selection(settled, "backup", cast(ArchiveType, self.archive_type))


@login_required
@require_POST
def now(request: HttpRequest, archive_type: str, pk: int) -> HttpResponse:
    """Back up at once, with all that holds by default: the shortest way."""
    subject = _subject(request, archive_type, pk)
    job = services.request_backup(
        subject.course, by=person(request.user), archive_type=archive_type, item=subject.item, options={}
    )
    return redirect("job", pk=job.pk)


@login_required
@require_http_methods(["GET", "POST"])
def settings(request: HttpRequest, archive_type: str, pk: int) -> HttpResponse:
    """Stage 1: what of the whole comes along."""
    subject = _subject(request, archive_type, pk)
    draft = Draft(request.session, f"backup-{archive_type}-{pk}")
    settled = _settle(request, subject, draft.asked)
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        shown = [one for one in settled.of("") if one.name not in FREE_ON_CONFIRMATION]
        asked = {**draft.asked, **forms.asked_on(request.POST, shown)}
        errors = _keep(request, subject, draft, asked)
        if not errors:
            skip = "confirm" if "jump" in request.POST else "schema"
            return redirect(subject.address(skip))
    context = _context(request, subject, settled, 0)
    context |= {"groups": forms.option_groups(settled, leave_out=FREE_ON_CONFIRMATION), "errors": errors}
    return render(request, "backup/wizard_settings.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def schema(request: HttpRequest, archive_type: str, pk: int) -> HttpResponse:
    """Stage 2: which sections and activities come along, and which of them with people's work."""
    subject = _subject(request, archive_type, pk)
    draft = Draft(request.session, f"backup-{archive_type}-{pk}")
    settled = _settle(request, subject, draft.asked)
    items = _items(subject)
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        shown = forms.choosable(forms.tree(items, settled))
        chosen = forms.asked_on(request.POST, shown) | forms.bulk(request.POST, items, settled)
        errors = _keep(request, subject, draft, {**draft.asked, **chosen})
        if not errors:
            return redirect(subject.address("schema" if "bulk" in request.POST else "confirm"))
    context = _context(request, subject, settled, 1)
    context |= {
        "nodes": forms.tree(items, settled, _counts(subject, items)),
        "types": forms.types(items),
        "people": subject.selection(settled).people,
        "errors": errors,
        "chosen": forms.chosen(items, subject.selection(settled)),
    }
    return render(request, "backup/wizard_schema.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def confirm(request: HttpRequest, archive_type: str, pk: int) -> HttpResponse:
    """Stage 3: all choices to look at, the file's name, and the button that starts it."""
    subject = _subject(request, archive_type, pk)
    draft = Draft(request.session, f"backup-{archive_type}-{pk}")
    settled = _settle(request, subject, draft.asked)
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        free = [settled[name] for name in FREE_ON_CONFIRMATION if name in settled]
        errors = _keep(request, subject, draft, {**draft.asked, **forms.asked_on(request.POST, free)})
        if not errors:
            try:
                job = services.request_backup(
                    subject.course,
                    by=person(request.user),
                    archive_type=archive_type,
                    item=subject.item,
                    options=draft.asked,
                )
            except NotAllowed:
                raise
            except CoursekeepError as error:
                errors = [(error.where, error.sentence())]
            else:
                draft.forget()
                return redirect("job", pk=job.pk)
    items = _items(subject)
    context = _context(request, subject, settled, 2)
    context |= {
        "files": [settled[name] for name in FREE_ON_CONFIRMATION if name in settled],
        "groups": forms.option_groups(settled, leave_out=FREE_ON_CONFIRMATION),
        "nodes": forms.tree(items, settled, _counts(subject, items)),
        "chosen": forms.chosen(items, subject.selection(settled)),
        "errors": errors,
    }
    return render(request, "backup/wizard_confirm.html", context)


@login_required
@require_POST
def reset(request: HttpRequest, archive_type: str, pk: int) -> HttpResponse:
    """Forget the choices and begin again."""
    Draft(request.session, f"backup-{archive_type}-{pk}").forget()
    messages.info(request, "All choices are back at the defaults.")
    return redirect("backup-settings", archive_type=archive_type, pk=pk)


def _subject(request: HttpRequest, archive_type: str, pk: int) -> Subject:
    """What is to be backed up. NotAllowed when the person may not."""
    if archive_type == "course":
        course = get_object_or_404(Course.objects.select_related("category"), pk=pk)
        subject = Subject(archive_type, pk, course, None, course.fullname)
    elif archive_type == "section":
        section = get_object_or_404(Section.objects.select_related("course__category"), pk=pk)
        subject = Subject(archive_type, pk, section.course, pk, str(section))
    elif archive_type == "activity":
        activity = get_object_or_404(Activity.objects.select_related("course__category"), pk=pk)
        subject = Subject(archive_type, pk, activity.course, pk, activity.title)
    else:
        raise Http404("There is no such kind of backup.")
    if f"moodle/backup:backup{archive_type}" not in may(
        request.user, services.place_of(subject.course, archive_type, subject.item)
    ):
        raise NotAllowed(
            f"You may not back up {'this ' + archive_type if archive_type != 'course' else 'this course'}."
        )
    return subject


def _items(subject: Subject) -> Sequence[Item]:
    return items_of_course(outline(subject.course), only=_only(subject))


def _only(subject: Subject) -> str:
    """The name in the archive of the one section or activity that is backed up; "" for a whole course."""
    if subject.archive_type == "section":
        return f"section_{subject.pk}"
    if subject.archive_type == "activity":
        return f"{Activity.objects.get(pk=subject.pk).modulename}_{subject.pk}"
    return ""


def _settle(request: HttpRequest, subject: Subject, asked: dict[str, str]) -> Settings:
    return services.resolve_options(
        subject.course,
        by=person(request.user),
        archive_type=subject.archive_type,
        item=subject.item,
        options=asked,
        strict=False,
    )


def _keep(
    request: HttpRequest, subject: Subject, draft: Draft, asked: dict[str, str]
) -> list[tuple[str, str]]:
    """Keep what was asked for as far as it can be so; the errors that forbid it."""
    settled = _settle(request, subject, asked)
    if errors := forms.faults(settled):
        return errors
    draft.asked = forms.departures(asked, settled, _settle(request, subject, {}))
    draft.save()
    return []


def _counts(subject: Subject, items: Sequence[Item]) -> dict[str, str]:
    """What is in each activity, by its name in the archive."""
    said = summaries.counts(subject.course)
    return {
        item.owner: said.get(int(item.owner.rpartition("_")[2]), "")
        for item in items
        if item.level == "activity"
    }


def _context(request: HttpRequest, subject: Subject, settled: Settings, stage: int) -> dict[str, object]:
    course = subject.course
    addresses = [subject.address(name) for name in ("settings", "schema", "confirm")]
    return {
        "subject": subject,
        "course": course,
        "stages": stages.stages(BACKUP_STAGES, stage, addresses),
        "back": addresses[stage - 1] if stage else reverse("course", args=[course.pk]),
        "so_far": forms.so_far(subject.selection(settled)),
        "crumbs": [("/", "Courses"), (reverse("course", args=[course.pk]), course.fullname)],
        "reset": subject.address("reset"),
        "operation": "backup",
    }
