"""Pages: the backup wizard, in Moodle's stages: initial settings, schema, confirmation, then the job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from archive.errors import CoursekeepError, NotAllowed
from archive.manifest import ArchiveType
from archive.numbers import whole_or
from backup import services
from backup.content import ChosenContent
from courses import summaries
from courses.accounts import person
from courses.capabilities import may
from courses.models import Activity, Course, Section
from jobs import report
from jobs.catalogue import jobs_seen
from jobs.form_requests import WITH_PAGES
from jobs.form_tokens import sent_token
from jobs.models import Job
from selection import forms, stages
from selection.drafts import Draft
from selection.selection import Selection
from selection.settings import Item, Settings

FREE_ON_CONFIRMATION = ("filename", "container", "moodle", "long_names")


@dataclass(frozen=True)
class Subject:
    """The course, section or activity that a wizard backs up; `item` is the id of the section or activity.

    It lives for one request, in which the course does not change for it.
    """

    archive_type: str
    pk: int
    course: Course
    item: int | None
    title: str
    resolved: dict[Any, Settings] = field(default_factory=dict, repr=False)

    @cached_property
    def items(self) -> Sequence[Item]:
        """The sections and activities that can be chosen."""
        return services.items_of(self.course, self.archive_type, self.item)

    @property
    def of_one(self) -> bool:
        """Whether it is one activity: all of its options are on one page."""
        return self.archive_type == "activity"

    @property
    def names(self) -> tuple[str, ...]:
        """The stages before the job, by the names of their addresses."""
        return ("confirm",) if self.of_one else ("settings", "schema", "confirm")

    @property
    def first(self) -> str:
        """The URL of the first stage."""
        return self.address(self.names[0])

    def address(self, stage: str) -> str:
        """Return the URL of a stage of this wizard."""
        return reverse(f"backup-{stage}", args=[self.archive_type, self.pk])

    def selection(self, resolved: Settings) -> Selection:
        """Return the selection that these options make."""
        return Selection(resolved, "backup", cast(ArchiveType, self.archive_type))


@login_required
@require_POST
def now(request: HttpRequest, archive_type: str, pk: int) -> HttpResponse:
    """Request a backup with the default options, without the wizard."""
    subject = _subject(request, archive_type, pk)
    job = services.request_backup(
        subject.course,
        by=person(request.user),
        archive_type=archive_type,
        item=subject.item,
        options={},
        token=sent_token(request.POST),
    )
    return redirect("job", pk=job.pk)


@login_required
@require_http_methods(["GET", "POST"])
def settings(request: HttpRequest, archive_type: str, pk: int) -> HttpResponse:
    """Stage 1: the options of the whole backup."""
    subject = _subject(request, archive_type, pk)
    if subject.of_one:
        return redirect(subject.first)
    draft = _draft(request, subject)
    resolved = _resolve(request, subject, draft.asked)
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        shown = [one for one in resolved.of("") if one.name not in FREE_ON_CONFIRMATION]
        asked = {**draft.asked, **forms.asked_on(request.POST, shown)}
        resolved = _resolve(request, subject, asked)
        errors = _save(request, subject, draft, asked)
        if getattr(request, "htmx", False):
            return _summary(request, subject, resolved)
        if "back" in request.POST:
            return redirect(reverse("course", args=[subject.course.pk]))
        if not errors:
            skip = "confirm" if "jump" in request.POST else "schema"
            return redirect(subject.address(skip))
    context = _context(request, subject, resolved, "settings")
    context |= {"groups": forms.option_groups(resolved, leave_out=FREE_ON_CONFIRMATION), "errors": errors}
    return render(request, "backup/wizard_settings.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def schema(request: HttpRequest, archive_type: str, pk: int) -> HttpResponse:
    """Stage 2: the sections and activities to back up, and those with userdata."""
    subject = _subject(request, archive_type, pk)
    if subject.of_one:
        return redirect(subject.first)
    draft = _draft(request, subject)
    resolved = _resolve(request, subject, draft.asked)
    items = subject.items
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        shown = forms.choosable(forms.tree(items, resolved))
        chosen = forms.asked_on(request.POST, shown) | forms.bulk(request.POST, items, resolved)
        asked = {**draft.asked, **chosen}
        resolved = _resolve(request, subject, asked)
        errors = _save(request, subject, draft, asked)
        if getattr(request, "htmx", False):
            return _summary(request, subject, resolved)
        if "back" in request.POST:
            return redirect(subject.address("settings"))
        if not errors:
            stays = "bulk" in request.POST or forms.searches(request.POST)
            schema_address = forms.same_tree(subject.address("schema"), request.POST)
            return redirect(schema_address if stays else subject.address("confirm"))
    text = forms.search_of(request.POST or request.GET)
    context = _context(request, subject, resolved, "schema") | {"errors": errors}
    context |= forms.tree_context(items, subject.selection(resolved), text, _counts(subject, items))
    return render(request, "backup/wizard_schema.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def confirm(request: HttpRequest, archive_type: str, pk: int) -> HttpResponse:
    """Stage 3: all choices for review, and the button that starts the backup; one activity has all of its options here."""
    subject = _subject(request, archive_type, pk)
    draft = _draft(request, subject)
    resolved = _resolve(request, subject, draft.asked)
    items = subject.items
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        asked = {**draft.asked, **_asked_at_the_end(request, subject, items, resolved)}
        resolved = _resolve(request, subject, asked)
        errors = _save(request, subject, draft, asked)
        if getattr(request, "htmx", False):
            return _summary(request, subject, resolved)
        if "back" in request.POST:
            return redirect(reverse("course", args=[subject.course.pk]))
        if not errors and ("bulk" in request.POST or forms.searches(request.POST)):
            return redirect(forms.same_tree(subject.address("confirm"), request.POST))
        if not errors:
            answer = _request(request, subject, draft)
            if isinstance(answer, HttpResponse):
                return answer
            errors = answer
    selection = subject.selection(resolved)
    lost = ChosenContent(subject.course, selection).groups_left_out()
    context = _context(request, subject, resolved, "confirm")
    context |= {
        "files": [resolved[name] for name in FREE_ON_CONFIRMATION if name in resolved],
        "groups": forms.option_groups(resolved, leave_out=() if subject.of_one else FREE_ON_CONFIRMATION),
        "findings": report.finding_groups([lost] if lost else []),
        "errors": errors,
    }
    context |= forms.tree_context(items, selection, forms.search_of(request.GET), _counts(subject, items))
    return render(request, "backup/wizard_confirm.html", context)


def _asked_at_the_end(
    request: HttpRequest, subject: Subject, items: Sequence[Item], resolved: Settings
) -> dict[str, str]:
    """Return the values that the last page asks for: those of all options for one activity, else those of the file."""
    if subject.of_one:
        return forms.asked_on_one_page(request.POST, items, resolved)
    files = [resolved[name] for name in FREE_ON_CONFIRMATION if name in resolved]
    return forms.asked_on(request.POST, files)


def _request(request: HttpRequest, subject: Subject, draft: Draft) -> HttpResponse | list[tuple[str, str]]:
    """Request the backup with the saved choices: return the answer that leads to its job, or the errors."""
    try:
        job = services.request_backup(
            subject.course,
            by=person(request.user),
            archive_type=subject.archive_type,
            item=subject.item,
            options=draft.asked,
            token=sent_token(request.POST),
        )
    except WITH_PAGES:
        raise
    except CoursekeepError as error:
        return [(error.where, error.sentence())]
    draft.requested(job.pk)
    return redirect("job", pk=job.pk)


@login_required
@require_POST
def reset(request: HttpRequest, archive_type: str, pk: int) -> HttpResponse:
    """Forget the choices and start the wizard again."""
    Draft(request.session, f"backup-{archive_type}-{pk}").forget()
    messages.info(request, "All choices are back at the defaults.")
    return redirect("backup-settings", archive_type=archive_type, pk=pk)


@login_required
@require_POST
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """Open the wizard with the choices of a backup that failed or was cancelled."""
    job = get_object_or_404(jobs_seen(request.user).filter(operation="backup"), pk=pk)
    subject = _subject(request, job.archive_type, job.item or job.course_id or 0)
    draft = _draft(request, subject)
    draft.asked = {name: str(value) for name, value in job.asked.items()}
    draft.save()
    return redirect(subject.first if "change" in request.POST else subject.address("confirm"))


def _subject(request: HttpRequest, archive_type: str, pk: int) -> Subject:
    """Return the subject of an address. Raises Http404, and NotAllowed if the person may not back it up."""
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
        raise Http404("There is no such archive type.")
    if f"moodle/backup:backup{archive_type}" not in may(
        request.user, services.place_of(subject.course, archive_type, subject.item)
    ):
        raise NotAllowed(
            f"You may not back up {'this ' + archive_type if archive_type != 'course' else 'this course'}."
        )
    return subject


def _resolve(request: HttpRequest, subject: Subject, asked: dict[str, str]) -> Settings:
    """Return every option with its value and lock, for the choices so far."""
    key = tuple(sorted(asked.items()))
    if key not in subject.resolved:
        subject.resolved[key] = services.resolve_options(
            subject.course,
            by=person(request.user),
            archive_type=subject.archive_type,
            item=subject.item,
            options=asked,
            strict=False,
            items=subject.items,
        )
    return subject.resolved[key]


def _save(
    request: HttpRequest, subject: Subject, draft: Draft, asked: dict[str, str]
) -> list[tuple[str, str]]:
    """Save the choices in the draft if they are valid; return the errors, each as (name of the option, sentence)."""
    resolved = _resolve(request, subject, asked)
    if errors := forms.faults(resolved):
        return errors
    draft.asked = forms.departures(asked, resolved, _resolve(request, subject, {}))
    draft.save()
    return []


def _summary(request: HttpRequest, subject: Subject, resolved: Settings) -> HttpResponse:
    """Show only the summary beside a form, for its choices: htmx asks for it at every change."""
    context = {
        "so_far": forms.so_far(subject.selection(resolved)),
        "reset": subject.address("reset"),
        "live": True,
    }
    return render(request, "components/so_far.html", context)


def _counts(subject: Subject, items: Sequence[Item]) -> dict[str, str]:
    """Return the number of records in each activity in words (`3 discussions`), by its name in the archive."""
    said = summaries.counts(subject.course)
    return {
        item.owner: said.get(whole_or(item.owner.rpartition("_")[2]), "")
        for item in items
        if item.level == "activity"
    }


def _draft(request: HttpRequest, subject: Subject) -> Draft:
    """Return the choices for a subject so far; none after a backup with them has succeeded."""
    draft = Draft(request.session, f"backup-{subject.archive_type}-{subject.pk}")
    if draft.job is not None and Job.objects.filter(pk=draft.job, state=Job.State.SUCCEEDED).exists():
        draft.forget()
    return draft


def _context(request: HttpRequest, subject: Subject, resolved: Settings, stage: str) -> dict[str, object]:
    """Return the template variables that all stages share; `stage` is the name of its address."""
    course = subject.course
    addresses, number = [subject.address(name) for name in subject.names], subject.names.index(stage)
    found = stages.stages(stages.titles("backup", subject.archive_type), number, addresses)
    return {
        "subject": subject,
        "course": course,
        "stages": found,
        "go_on": stages.go_on(found),
        "back": addresses[number - 1] if number else reverse("course", args=[course.pk]),
        "so_far": forms.so_far(subject.selection(resolved)),
        "crumbs": [("/", "Courses"), (reverse("course", args=[course.pk]), course.fullname)],
        "reset": subject.address("reset"),
        "live": stage != "confirm" or subject.of_one,
        "userdata_withheld": resolved["users"].withheld,
        "operation": "backup",
    }
