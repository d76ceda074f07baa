"""A file resource: one file, or several with a main one."""

from __future__ import annotations

from typing import ClassVar

from courses.content import ActivityType, Content
from courses.fields import LONGEST_NAME, Int, LongText, Moment, RichText, Text


class Resource(Content):
    """A file, or several with a main one."""

    activity_type: ClassVar[ActivityType] = ActivityType(label="File", icon="kind-resource")

    name = Text(LONGEST_NAME)
    intro = RichText(null=True)
    introformat = Int()
    tobemigrated = Int()
    legacyfiles = Int()
    legacyfileslast = Int(null=True)
    display = Int()
    displayoptions = LongText(null=True)
    filterfiles = Int()
    revision = Int()
    timemodified = Moment()

    links = (
        ("RESOURCEVIEWBYID", "/mod/resource/view.php?id=$1", ("course_module",)),
        ("RESOURCEINDEX", "/mod/resource/index.php?id=$1", ("course",)),
    )
