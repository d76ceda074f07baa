"""Text filters that are switched on or off, or set, for a course or an activity."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import Part, Place, Traits
from courses.fields import Int, LongText, Ref, Text


def _places(path: str) -> list[Place]:
    return [
        Place("courses.Course", path, member="course/filters.xml"),
        Place("courses.Activity", path, member="filters.xml"),
    ]


class FilterActive(Part):
    """Whether a filter is on (1) or off (-1) in a place."""

    traits: ClassVar[Traits] = Traits(numbered=False, places=_places("filter_actives/filter_active"))

    contextid = Ref("context", omit="it is where the element stands", db_index=True)
    filter = Text(32)
    active = Int()


class FilterConfig(Part):
    """A setting of a filter in a place."""

    traits: ClassVar[Traits] = Traits(numbered=False, places=_places("filter_configs/filter_config"))

    contextid = Ref("context", omit="it is where the element stands", db_index=True)
    filter = Text(32)
    name = Text(255)
    value = LongText(null=True)
