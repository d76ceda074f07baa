"""Targets: find the category or course into which an archive is restored, and the place in the course."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from archive.errors import NotFound, UsageError
from archive.manifest import Manifest
from courses.models import Activity, Category, Course, Section
from courses.services import default_category
from selection.option import TargetKind

NAMES = ("category", "course", "replace", "section", "position", "beside")
"""The names of what a target can have, as a job stores them."""


@dataclass(frozen=True, slots=True)
class Target:
    """The target of a restore: a category for a new course, or an existing `course`, whose content is replaced or added to.

    `section` is the id of the section that an activity goes into, or that the section of a section's archive is merged with;
    None: the section of the same number. `position` counts from 1: the position of an activity in its section, None for the
    last one; the number of a section that is added as a new one, None to merge it. `beside` is the id of an
    activity here and in the archive: the archive's goes into the section of that here, without the sections around it.
    """

    category: Category | None = None
    course: Course | None = None
    replace: bool = False
    section: int | None = None
    position: int | None = None
    beside: int | None = None

    @property
    def place(self) -> Course | Category | None:
        """The course or category whose capabilities a restore needs."""
        return self.course or self.category

    @property
    def kind(self) -> TargetKind:
        """The kind of target: a new course, a course that is added to, or one whose content is replaced."""
        if self.course is None:
            return "new"
        return "replace" if self.replace else "merge"

    def as_json(self) -> dict[str, int]:
        """Return what is set, as a job stores it: {"category": 1}, {"course": 2, "replace": True}."""
        found: dict[str, int | None] = {
            "category": self.category.pk if self.category else None,
            "course": self.course.pk if self.course else None,
            "replace": self.replace or None,
            "section": self.section,
            "position": self.position,
            "beside": self.beside,
        }
        return {name: value for name, value in found.items() if value is not None}


def find(asked: Mapping[str, Any], manifest: Manifest) -> Target:
    """Return the target that `asked` names (see `Target.as_json`); the site's first category if it names none.

    Raises NotFound for an id that does not exist, UsageError for what has no effect on this archive.
    """
    named = {name: value for name, value in asked.items() if value is not None and value is not False}
    _require_effect(named, manifest)
    if "course" in named:
        return _in_course(named)
    if "category" not in named:
        return Target(category=default_category())
    category = Category.objects.filter(pk=named["category"]).first()
    if category is None:
        raise NotFound(
            f"There is no category {named['category']}.", hint="Leave it out to take the first one."
        )
    return Target(category=category)


def _in_course(named: Mapping[str, Any]) -> Target:
    """Return the target in the course that is named. Raises NotFound and UsageError."""
    course = Course.objects.filter(pk=named["course"]).first()
    if course is None:
        raise NotFound(
            f"There is no course {named['course']}.", hint="Look at the list of courses for its number."
        )
    section, position = named.get("section"), named.get("position")
    if section is not None and not Section.objects.filter(course=course, pk=section).exists():
        raise NotFound(f"Course {course.pk} has no section {section}.")
    if position is not None and position < 1:
        raise UsageError(f"The position {position} is none.", hint="The first one is 1.")
    beside = named.get("beside")
    if beside is not None and not Activity.objects.filter(course=course, pk=beside).exists():
        raise NotFound(f"Course {course.pk} has no activity {beside}.")
    return Target(
        course=course,
        replace=bool(named.get("replace")),
        section=section,
        position=position,
        beside=beside,
    )


def _require_effect(named: Mapping[str, Any], manifest: Manifest) -> None:
    """Raise UsageError for a part of the target that would be ignored."""
    if unknown := named.keys() - set(NAMES):
        raise UsageError(f"A target has no {min(unknown)}.", hint=f"It has {', '.join(NAMES)}.")
    if "category" in named and "course" in named:
        raise UsageError(
            "The target is a category or a course, and both are given.",
            hint="Leave the category out to restore into the course.",
        )
    for name in ("replace", "section", "position", "beside"):
        if name in named and "course" not in named:
            raise UsageError(
                f"The {name} of a target has no effect without a course.", hint="Name the course too."
            )
    for name in ("replace", "section", "position"):
        if name in named and "beside" in named:
            raise UsageError(
                f"The {name} of a target has no effect beside an activity.", hint=f"Leave the {name} out."
            )
    archive_type = manifest.archive_type
    if "replace" in named and archive_type != "course":
        raise UsageError(
            f"The archive of a {archive_type} does not replace the content of a course.",
            hint="Leave “replace” out to add it to the course.",
        )
    for name in ("section", "position"):
        if name in named and archive_type == "course":
            raise UsageError(
                f"The {name} of a target has no effect on the archive of a course: its sections come in by their numbers.",
                hint=f"Leave the {name} out.",
            )
    if "section" in named and "position" in named and archive_type == "section":
        raise UsageError(
            "A section is merged with a section of the course or added at a position, and both are given.",
            hint="Leave one of them out.",
        )
