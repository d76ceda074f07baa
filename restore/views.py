"""Pages: the restore wizard, in Moodle's stages: confirm, destination, settings, schema, review, the job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from django.contrib.auth.decorators import login_required
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from archive.errors import CoursekeepError, NotAllowed
from archive.findings import errors_among
from archive.manifest import Manifest
from archive.numbers import natural, whole_or
from courses.accounts import person
from courses.capabilities import categories_where, courses_where, may_somewhere
from courses.models import Category, Course
from jobs import queue, report
from jobs.catalogue import jobs_seen
from jobs.form_tokens import sent_token
from jobs.models import Job
from restore import services, targets, uploads
from selection import forms, stages
from selection.drafts import Draft
from selection.items import items_of_archive
from selection.selection import Selection
from selection.settings import Settings
from vault import catalogue
from vault.models import StoredArchive

ONE_OF_TWO = "Choose “Into an existing course”, or set the course to “Choose a course”."
NAMES = ("inside", "destination", "settings", "schema", "review")
CREATE = "moodle/course:create"
PAGE = 20


@dataclass(frozen=True, slots=True)
class Wizard:
    """One restore that is being prepared: the archive, its manifest, and the choices so far."""

    request: HttpRequest
    archive: StoredArchive
    manifest: Manifest
    draft: Draft

    @property
    def target(self) -> dict[str, Any]:
        """The ids of the target, as far as they are chosen (see `Target.as_json`)."""
        return {
            name: self.draft.facts[name]
            for name in ("category", "course", "section")
            if name in self.draft.facts
        }

    def address(self, stage: str) -> str:
        """Return the URL of a stage of this wizard."""
        return reverse(f"restore-{stage}", args=[self.archive.pk])

    def resolve(self, asked: dict[str, str]) -> Settings:
        """Return every option with its value and lock, for the choices so far."""
        found = targets.find(self.target, self.manifest)
        return services.resolve_options(
            self.manifest,
            by=person(self.request.user),
            target=found,
            options=asked,
            source=self.archive,
            strict=False,
        )

    def selection(self, resolved: Settings) -> Selection:
        """Return the selection that these options make."""
        return services.selection_of(self.manifest, resolved, targets.find(self.target, self.manifest))

    def save(self, asked: dict[str, str]) -> list[tuple[str, str]]:
        """Save the choices in the draft if they are valid; return the errors, each as (name of the option, sentence)."""
        resolved = self.resolve(asked)
        if errors := forms.faults(resolved):
            return errors
        self.draft.asked = forms.departures(asked, resolved, self.resolve({}))
        self.draft.save()
        return []

    def summary(self, resolved: Settings) -> HttpResponse:
        """Show only the summary beside a form, for choices that are not saved yet: htmx asks for it at every change."""
        context = {"so_far": _so_far(self, resolved), "live": True}
        return render(self.request, "components/so_far.html", context)

    def context(self, stage: int, **more: object) -> dict[str, object]:
        """Return the template variables that all stages share, and `more`."""
        addresses = [self.address(name) for name in NAMES]
        return {
            "archive": self.archive,
            "manifest": self.manifest,
            "stages": stages.stages(stages.RESTORE_STAGES, stage, addresses),
            "back": addresses[stage - 1] if stage else reverse("restore"),
            "crumbs": [(reverse("restore"), "Restore")],
            "so_far": _so_far(self, self.resolve(self.draft.asked)) if stage > 1 else [],
            "live": stage in (2, 3),
            **more,
        }


@login_required
@require_GET
def start(request: HttpRequest) -> HttpResponse:
    """Show the stored archives and the upload of a file."""
    return _start(request, [])


def _start(request: HttpRequest, errors: list[tuple[str, str]]) -> HttpResponse:
    """Show the start page; with errors of an upload the status is 400."""
    found = catalogue.archives_seen(request.user)
    search = request.GET.get("search", "").strip()[:200]
    if search:
        found = found.filter(course_title__icontains=search)
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    allowed = catalogue.access(request.user, page.object_list)
    context = {
        "errors": errors,
        "page": page,
        "search": search,
        "rows": [(archive, allowed[archive.pk]) for archive in page],
        "may_upload": may_somewhere(request.user, uploads.UPLOAD),
    }
    return render(request, "restore/start.html", context, status=400 if errors else 200)


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
    except NotAllowed:
        raise
    except CoursekeepError as error:
        return _start(request, [("file", f"{title}: {error.sentence()}")])
    return redirect("restore-looking", pk=job.pk)


@login_required
@require_GET
def looking(request: HttpRequest, pk: int) -> HttpResponse:
    """Show that an upload is being looked at; then go to its first stage, or say what is wrong with it."""
    found = jobs_seen(request.user).filter(operation=uploads.OPERATION)
    job = get_object_or_404(found, pk=pk)
    if job.state == Job.State.SUCCEEDED and job.archive_id is not None:
        return redirect("restore-inside", pk=job.archive_id)
    if job.over:
        sentence = f"{job.error} {job.error_hint}".strip() or "The file is not here any more."
        return _start(request, [("file", f"{job.title}: {sentence}")])
    return render(request, "restore/looking.html", {"job": job, "crumbs": [(reverse("restore"), "Restore")]})


@login_required
@require_GET
def inside(request: HttpRequest, pk: int) -> HttpResponse:
    """Stage 1: the archive, its origin and its content."""
    wizard = _wizard(request, pk)
    items = items_of_archive(wizard.manifest)
    context = wizard.context(
        0,
        nodes=forms.plain_tree(items),
        types=forms.types(items),
        settings=[one for one in wizard.manifest.settings if not one.owner],
        description=uploads.description_of(wizard.archive),
        activities=len(wizard.manifest.activities),
    )
    return render(request, "restore/inside.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def destination(request: HttpRequest, pk: int) -> HttpResponse:
    """Stage 2: a new course in a category, or a course that exists."""
    wizard = _wizard(request, pk)
    archive_type = wizard.manifest.archive_type
    categories = _categories(request, archive_type)
    courses = courses_where(request.user, f"moodle/restore:restore{archive_type}").order_by("fullname")
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        named = request.POST.get("course", "") if archive_type != "course" else ""
        # A course that is chosen without a word on where says where.
        chosen = request.POST.get("where", "existing" if named else "")
        if chosen == "new" and named:
            errors = [("course", "A course is chosen, and “As a new course” as well. " + ONE_OF_TWO)]
        elif chosen == "new":
            category = request.POST.get("category", "")
            if category not in {str(pk) for pk, _title in categories}:
                errors = [("category", "Choose the category that the new course goes into.")]
            else:
                wizard.draft.facts = {"category": whole_or(category)}
        elif chosen == "existing" and archive_type != "course":
            course = (
                courses.filter(pk=number).first()
                if (number := natural(request.POST.get("course", ""))) is not None
                else None
            )
            if course is None:
                errors = [("course", f"Choose the course that the {archive_type} goes into.")]
            else:
                wizard.draft.facts = {"course": course.pk}
        else:
            errors = [("where-new", "Choose where it goes.")]
        if not errors:
            wizard.draft.save()
            wizard.save(wizard.draft.asked)
            return redirect(wizard.address("settings"))
    facts = wizard.draft.facts
    if request.method == "POST":
        existing = request.POST.get("where", "new" if "category" in request.POST else "") == "existing"
    else:
        existing = "course" in facts or bool(request.GET.get("course"))
    context = wizard.context(
        1,
        errors=errors,
        archive_type=archive_type,
        categories=categories,
        courses=courses if archive_type != "course" else [],
        category=facts.get("category") or (categories[0][0] if categories else None),
        course=natural(request.POST.get("course", ""))
        or facts.get("course")
        or natural(request.GET.get("course", "")),
        existing=existing and archive_type != "course",
    )
    return render(request, "restore/destination.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def settings(request: HttpRequest, pk: int) -> HttpResponse:
    """Stage 3: the options of the whole restore."""
    wizard = _wizard(request, pk)
    if not wizard.target:
        return redirect(wizard.address("destination"))
    resolved = wizard.resolve(wizard.draft.asked)
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        asked = {**wizard.draft.asked, **forms.asked_on(request.POST, resolved.of(""))}
        resolved = wizard.resolve(asked)
        if getattr(request, "htmx", False):
            return wizard.summary(resolved)
        errors = wizard.save(asked)
        if not errors:
            return redirect(wizard.address("review" if "jump" in request.POST else "schema"))
    groups = forms.option_groups(resolved)
    context = wizard.context(2, groups=groups, errors=errors, operation="restore")
    context["so_far"] = _so_far(wizard, resolved)
    return render(request, "restore/settings.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def schema(request: HttpRequest, pk: int) -> HttpResponse:
    """Stage 4: the sections and activities to restore."""
    wizard = _wizard(request, pk)
    if not wizard.target:
        return redirect(wizard.address("destination"))
    resolved = wizard.resolve(wizard.draft.asked)
    items = items_of_archive(wizard.manifest)
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        shown = forms.choosable(forms.tree(items, resolved))
        chosen = forms.asked_on(request.POST, shown) | forms.bulk(request.POST, items, resolved)
        asked = {**wizard.draft.asked, **chosen}
        resolved = wizard.resolve(asked)
        if getattr(request, "htmx", False):
            return wizard.summary(resolved)
        errors = wizard.save(asked)
        if not errors:
            return redirect(wizard.address("schema" if "bulk" in request.POST else "review"))
    context = wizard.context(
        3,
        nodes=forms.tree(items, resolved),
        types=forms.types(items),
        people=wizard.selection(resolved).people,
        errors=errors,
        chosen=forms.chosen(items, wizard.selection(resolved)),
    )
    return render(request, "restore/schema.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def review(request: HttpRequest, pk: int) -> HttpResponse:
    """Stage 5: the findings of the prechecks, all choices, and the button that starts the restore."""
    wizard = _wizard(request, pk)
    if (there := queue.requested_before(person(request.user), sent_token(request.POST))) is not None:
        return redirect("job", pk=there.pk)
    if not wizard.target:
        return redirect(wizard.address("destination"))
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        try:
            job = services.request_restore(
                wizard.archive,
                by=person(request.user),
                target=wizard.target,
                options=wizard.draft.asked,
                token=sent_token(request.POST),
            )
        except NotAllowed:
            raise
        except CoursekeepError as error:
            errors = [("", error.sentence())]
        else:
            wizard.draft.forget()
            return redirect("job", pk=job.pk)
    findings: list[Any] = []
    try:
        findings = services.review(
            wizard.archive, by=person(request.user), target=wizard.target, options=wizard.draft.asked
        )
    except NotAllowed:
        raise
    except CoursekeepError as error:
        errors = errors or [("", error.sentence())]
    resolved = wizard.resolve(wizard.draft.asked)
    items = items_of_archive(wizard.manifest)
    context = wizard.context(
        4,
        errors=errors,
        groups=forms.option_groups(resolved),
        findings=report.finding_groups(findings),
        stopped=bool(errors or errors_among(findings)),
        nodes=forms.tree(items, resolved),
        chosen=forms.chosen(items, wizard.selection(resolved)),
    )
    return render(request, "restore/review.html", context)


def _wizard(request: HttpRequest, pk: int) -> Wizard:
    """Return the wizard of an archive. Raises Http404 if the person may not see it, NotAllowed if they may not restore it."""
    try:
        archive = catalogue.archive_seen(request.user, pk)
    except StoredArchive.DoesNotExist:
        raise Http404("There is no such archive.") from None
    if not catalogue.access(request.user, [archive])[archive.pk].restore:
        raise NotAllowed("You may not restore this archive.")
    return Wizard(request, archive, uploads.manifest_of(archive), Draft(request.session, f"restore-{pk}"))


def _categories(request: HttpRequest, archive_type: str) -> list[tuple[int, str]]:
    """Return the categories in which the person may make a new course of the archive, as (id, title)."""
    allowed = [
        set(categories_where(request.user, capability).values_list("pk", flat=True))
        for capability in (CREATE, f"moodle/restore:restore{archive_type}")
    ]
    return [(pk, title) for pk, title in catalogue.category_choices() if all(pk in pks for pks in allowed)]


def _so_far(wizard: Wizard, resolved: Settings) -> list[tuple[str, str]]:
    """Return the choices so far, as (name, value) for people."""
    lines = []
    if "category" in wizard.draft.facts:
        category = Category.objects.filter(pk=wizard.draft.facts["category"]).first()
        lines.append(("Destination", f"a new course in {category.name}" if category else "a new course"))
    elif "course" in wizard.draft.facts:
        course = Course.objects.filter(pk=wizard.draft.facts["course"]).first()
        lines.append(("Destination", course.fullname if course else "a course"))
    return [*lines, *forms.so_far(wizard.selection(resolved))]
