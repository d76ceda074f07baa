"""Places in a course where a section or an activity can go, as the choices of a form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from archive.numbers import natural
from courses.models import Course
from courses.services import SectionLine, outline


@dataclass(frozen=True, slots=True)
class PlaceGroup:
    """The places of one section, as (value of the field, text); the value is `SECTION:POSITION`."""

    title: str
    places: tuple[tuple[str, str], ...]


def places(course: Course, archive_type: str) -> list[PlaceGroup]:
    """Return the places of a course for the archive of a section or an activity, by section; none for a whole course."""
    sections = outline(course).sections
    if archive_type == "activity":
        return [PlaceGroup(one.title, tuple(_in_section(one))) for one in sections]
    if archive_type == "section":
        merged = tuple((f"{one.id}:", one.title) for one in sections if not one.under)
        return [PlaceGroup("Together with what is in", merged)]
    return []


def _in_section(section: SectionLine) -> Iterator[tuple[str, str]]:
    """Yield the places for an activity in a section: its end, its beginning, and after each of its activities but the last."""
    yield f"{section.id}:", "At the end"
    for position, activity in enumerate(section.activities[:-1], 1):
        if position == 1:
            yield f"{section.id}:0", "At the beginning"
        yield f"{section.id}:{position}", f"After {activity.title or activity.modulename}"


def place_facts(value: str, course: Course, archive_type: str) -> dict[str, Any] | None:
    """Return the facts of a target for the value of the field; {} for the proposed place, None for one that is not there."""
    if not value:
        return {}
    if value not in {one for group in places(course, archive_type) for one, _text in group.places}:
        return None
    section, _, position = value.partition(":")
    found: dict[str, Any] = {"section": natural(section)}
    if position:
        found["position"] = natural(position)
    return found
