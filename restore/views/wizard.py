"""The restore wizard: the archive, the choices so far, and what all its pages share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from archive.errors import NotAllowed, NotFound, UsageError
from archive.manifest import Manifest
from courses.accounts import person
from courses.models import Category, Course
from jobs.models import Job
from restore import services, targets
from restore.request import RestoreRequest
from selection import forms, stages
from selection.drafts import Draft
from selection.selection import Selection
from selection.settings import Settings
from vault import catalogue, manifests
from vault.models import StoredArchive

NAMES = ("inside", "destination", "settings", "schema", "people", "review")
NAMES_OF_ONE = ("inside", "destination", "people", "review")
"""The stages before the job, by the names of their addresses: of an archive, and of that of one activity."""

SHOW = "show"
"""The parameter that shows the page of people and roles although nobody has to decide, and the fact that it was shown."""


@dataclass(frozen=True, slots=True)
class Wizard:
    """One restore that is being prepared: the archive, its manifest, and the choices so far."""

    request: HttpRequest
    archive: StoredArchive
    manifest: Manifest
    draft: Draft
    _resolved: dict[Any, Settings] = field(default_factory=dict, repr=False)

    @property
    def target(self) -> dict[str, Any]:
        """The ids of the target, as far as they are chosen (see `Target.as_json`)."""
        return {name: self.draft.facts[name] for name in targets.NAMES if name in self.draft.facts}

    @property
    def of_one(self) -> bool:
        """Whether the archive is that of one activity: its options are on the page of the review."""
        return self.manifest.archive_type == "activity"

    @property
    def people_come(self) -> bool:
        """Whether people come along with the choices so far."""
        return self.selection(self.resolve(self.draft.asked)).people

    @property
    def names(self) -> tuple[str, ...]:
        """The stages before the job, by the names of their addresses."""
        return NAMES_OF_ONE if self.of_one else NAMES

    def address(self, stage: str) -> str:
        """Return the URL of a stage of this wizard."""
        return reverse(f"restore-{stage}", args=[self.archive.pk])

    def after(self, stage: str) -> str:
        """Return the URL of the stage after another one."""
        return self.address(self.names[self.names.index(stage) + 1])

    def resolve(self, asked: dict[str, str]) -> Settings:
        """Return every option with its value and lock, for the choices so far."""
        key = (tuple(sorted(asked.items())), tuple(sorted(self.target.items())))
        if key not in self._resolved:
            found = targets.find(self.target, self.manifest)
            request = RestoreRequest(
                self.archive, person(self.request.user), self.target, asked, strict=False
            )
            # A page asks several times for the same choices, and an archive may have thousands of options.
            self._resolved[key] = services.resolve_options(self.manifest, request, found)
        return self._resolved[key]

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
        """Show only the summary beside a form, for its choices: htmx asks for it at every change."""
        context = {"so_far": self.so_far(resolved), "live": True, "reset": self.address("reset")}
        return render(self.request, "components/so_far.html", context)

    def context(self, stage: str, **more: object) -> dict[str, object]:
        """Return the template variables that all stages share, and `more`; `stage` is the name of its address."""
        addresses, number = [self.address(name) for name in self.names], self.names.index(stage)
        people = self.names.index("people")
        addresses[people] = f"{self.address('people')}?{SHOW}=1"
        # There is nothing to go back to where nobody had to decide.
        skips = stage == "review" and not self.draft.facts.get(SHOW)
        back = addresses[number - (2 if skips else 1)] if number else reverse("restore")
        titles = stages.titles("restore", self.manifest.archive_type)
        found = stages.stages(titles, number, addresses)
        asks = self.names[number + 1 : number + 2] == ("people",) and self.people_come
        return {
            "archive": self.archive,
            "manifest": self.manifest,
            "stages": found,
            "go_on": stages.go_on(found, people=asks),
            "back": back,
            "crumbs": [(reverse("restore"), "Restore")],
            "so_far": self.so_far(self.resolve(self.draft.asked)) if number > 1 else [],
            "reset": self.address("reset"),
            "live": stage in ("settings", "schema") or (stage == "review" and self.of_one),
            "operation": "restore",
            **more,
        }

    def so_far(self, resolved: Settings) -> list[tuple[str, str]]:
        """Return the choices so far, as (name, value) for people."""
        lines = [("Destination", text)] if (text := destination_text(self.draft.facts)) else []
        return [*lines, *forms.so_far(self.selection(resolved))]


def destination_text(facts: dict[str, Any]) -> str:
    """Return where a restore goes, in words: `a new course in Science`; "" if it is not chosen yet."""
    if "category" in facts:
        category = Category.objects.filter(pk=facts["category"]).first()
        return f"a new course in {category.name}" if category else "a new course"
    if "course" not in facts:
        return ""
    course = Course.objects.filter(pk=facts["course"]).first()
    name = course.fullname if course else "a course"
    if facts.get("replace"):
        return f"replaces the content of {name}"
    section = course.sections.filter(pk=facts["section"]).first() if course and facts.get("section") else None
    if section is None and facts.get("position"):
        return f"{name}, as a new section"
    return f"{name}, {section}" if section else name


def wizard_of(request: HttpRequest, pk: int) -> Wizard:
    """Return the wizard of an archive. Raises Http404 if the person may not see it, NotAllowed if they may not restore it."""
    try:
        archive = catalogue.archive_seen(request.user, pk)
    except StoredArchive.DoesNotExist:
        raise Http404("There is no such archive.") from None
    if not catalogue.access(request.user, [archive])[archive.pk].restore:
        raise NotAllowed("You may not restore this archive.")
    wizard = Wizard(request, archive, manifests.manifest_of(archive), draft_of(request, archive))
    try:
        targets.find(wizard.target, wizard.manifest)
    except (NotFound, UsageError):
        # The course, the category or the section has been removed since it was chosen.
        wizard.draft.facts = {}
    return wizard


def draft_of(request: HttpRequest, archive: StoredArchive) -> Draft:
    """Return the choices for an archive so far; none after a restore with them has succeeded."""
    draft = Draft(request.session, f"restore-{archive.pk}")
    if draft.job is not None and Job.objects.filter(pk=draft.job, state=Job.State.SUCCEEDED).exists():
        draft.forget()
    return draft
