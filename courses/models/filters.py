"""Text filters: their state and settings in a course or an activity."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import ArchivedModel, ArchiveMeta, ArchivePath
from courses.fields import Int, LongText, Ref, Text


def _archive_paths(path: str) -> list[ArchivePath]:
    return [
        ArchivePath("courses.Course", path, member="course/filters.xml"),
        ArchivePath("courses.Activity", path, member="filters.xml"),
    ]


class FilterActive(ArchivedModel):
    """The state of a filter in a context: on (1) or off (-1)."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        numbered=False,
        archive_paths=_archive_paths("filter_actives/filter_active"),
        natural_key=("contextid", "filter"),
        single=True,
        compared=False,
    )

    contextid = Ref("context", omit="it follows from the path of the element", db_index=True)
    filter = Text(32)
    active = Int()


class FilterConfig(ArchivedModel):
    """A setting of a filter in a context."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        numbered=False,
        archive_paths=_archive_paths("filter_configs/filter_config"),
        natural_key=("contextid", "filter", "name"),
        single=True,
        compared=False,
    )

    contextid = Ref("context", omit="it follows from the path of the element", db_index=True)
    filter = Text(32)
    name = Text(255)
    value = LongText(null=True)
