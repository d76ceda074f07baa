"""Targets: find the category or course into which an archive is restored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from archive.errors import NotFound, UsageError
from archive.manifest import Manifest
from courses.models import Category, Course
from courses.services import default_category
from selection.option import TargetKind


@dataclass(frozen=True, slots=True)
class Target:
    """The target of a restore: a category for a new course, or an existing `course`.

    `section` is the id of the section for an activity; None: the last section of the course.
    """

    category: Category | None = None
    course: Course | None = None
    section: int | None = None

    @property
    def place(self) -> Course | Category | None:
        """The course or category whose capabilities a restore needs."""
        return self.course or self.category

    @property
    def kind(self) -> TargetKind:
        """The kind of target: a new course, or a course that is added to."""
        return "new" if self.course is None else "merge"

    def as_json(self) -> dict[str, int]:
        """Return the ids that are set, as a job stores them: {"category": 1} or {"course": 2, "section": 3}."""
        found = {
            "category": self.category.pk if self.category else None,
            "course": self.course.pk if self.course else None,
            "section": self.section,
        }
        return {name: value for name, value in found.items() if value is not None}


def find(asked: Mapping[str, Any], manifest: Manifest) -> Target:
    """Return the target with the ids in `asked` (see `Target.as_json`); the site's first category if there are none.

    Raises NotFound for an id that does not exist, UsageError for a whole course into an existing one, and for an id that has no
    effect.
    """
    _require_effect(asked)
    if asked.get("course") is not None:
        if manifest.archive_type == "course":
            raise UsageError(
                "The archive of a whole course is restored as a new course, not into an existing one.",
                hint="Restore it as a new course, or take the archive of a section or an activity.",
            )
        course = Course.objects.filter(pk=asked["course"]).first()
        if course is None:
            raise NotFound(
                f"There is no course {asked['course']}.", hint="Look at the list of courses for its number."
            )
        section = asked.get("section")
        if section is not None and not course.sections.filter(pk=section).exists():
            raise NotFound(f"Course {course.pk} has no section {section}.")
        if section is not None and manifest.archive_type != "activity":
            raise UsageError(
                f"A section has no effect on the archive of a {manifest.archive_type}: only an activity goes into one.",
                hint="Leave the section out.",
            )
        return Target(course=course, section=section)
    if asked.get("category") is None:
        return Target(category=default_category())
    category = Category.objects.filter(pk=asked["category"]).first()
    if category is None:
        raise NotFound(
            f"There is no category {asked['category']}.", hint="Leave it out to take the first one."
        )
    return Target(category=category)


def _require_effect(asked: Mapping[str, Any]) -> None:
    """Raise UsageError for an id in the target that would be ignored."""
    named = {name for name, value in asked.items() if value is not None}
    if unknown := named - {"category", "course", "section"}:
        raise UsageError(f"A target has no {min(unknown)}.", hint="It has a category, a course or a section.")
    if {"category", "course"} <= named:
        raise UsageError(
            "The target is a category or a course, and both are given.",
            hint="Leave the category out to restore into the course.",
        )
    if "section" in named and "course" not in named:
        raise UsageError("A section says nothing without a course.", hint="Name the course that it is in.")
