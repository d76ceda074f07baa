"""A page: one text with its pictures."""

from __future__ import annotations

from typing import ClassVar

from courses.content import ActivityType, Content
from courses.fields import LONGEST_NAME, Int, LongText, Moment, RichText, Text


class Page(Content):
    """A page of the course."""

    activity_type: ClassVar[ActivityType] = ActivityType(icon="kind-page")

    name = Text(LONGEST_NAME)
    intro = RichText(null=True)
    introformat = Int()
    content = RichText(null=True)
    contentformat = Int()
    legacyfiles = Int()
    legacyfileslast = Int(null=True)
    display = Int()
    displayoptions = LongText(null=True)
    revision = Int()
    timemodified = Moment()

    links = (
        ("PAGEVIEWBYID", "/mod/page/view.php?id=$1", ("course_module",)),
        ("PAGEINDEX", "/mod/page/index.php?id=$1", ("course",)),
    )
