"""Places in a course where a section or an activity can go, as the choices of a form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from archive.numbers import natural
from courses.models import Course
from courses.services import SectionLine, course_tree

SAME_SECTION = "The section with the same number as in the archive"
AT_ITS_END = f"{SAME_SECTION}, at the end"


@dataclass(frozen=True, slots=True)
class PlaceGroup:
    """Places that stand under one title, as (value of the field, text); the value is `SECTION:POSITION`, each may be empty."""

    title: str
    places: tuple[tuple[str, str], ...]


def places(course: Course, archive_type: str) -> list[PlaceGroup]:
    """Return the places of a course for the archive of a section or an activity; none for that of a whole course."""
    if archive_type == "course":
        return []
    sections = course_tree(course).sections
    if archive_type == "activity":
        return [PlaceGroup(one.title, tuple(_in_section(one))) for one in sections]
    top = [one for one in sections if not one.under]
    merged = tuple((f"{one.id}:", one.title) for one in top)
    return [PlaceGroup("Together with a section", merged), PlaceGroup("As a new section", tuple(_new(top)))]


def proposed_place(archive_type: str) -> str:
    """Return the text of the place that is taken if none is chosen."""
    return AT_ITS_END if archive_type == "activity" else SAME_SECTION


def _in_section(section: SectionLine) -> Iterator[tuple[str, str]]:
    """Yield the places for an activity in a section: its end, its beginning, and after each of its activities but the last."""
    yield f"{section.id}:", "At the end"
    if section.activities:
        yield f"{section.id}:1", "At the beginning"
    for position, activity in enumerate(section.activities[:-1], 2):
        yield f"{section.id}:{position}", f"After {activity.title or activity.modulename}"


def _new(sections: Sequence[SectionLine]) -> Iterator[tuple[str, str]]:
    """Yield the places for a new section: after each section of the course."""
    for one in sections:
        yield f":{one.number + 1}", f"After {one.title}"


def place_facts(value: str, course: Course, archive_type: str) -> dict[str, Any] | None:
    """Return the facts of a target for the value of the field; {} for the proposed place, None for one that is not there."""
    if not value:
        return {}
    if value not in {one for group in places(course, archive_type) for one, _text in group.places}:
        return None
    section, _, position = value.partition(":")
    found = {
        "section": natural(section) if section else None,
        "position": natural(position) if position else None,
    }
    return {name: number for name, number in found.items() if number is not None}


def place_value(facts: dict[str, Any]) -> str:
    """Return the value of the field for the facts of a target; "" for the proposed place."""
    if "section" not in facts and "position" not in facts:
        return ""
    return f"{facts.get('section', '')}:{facts.get('position', '')}"
