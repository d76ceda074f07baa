"""A URL: a link to somewhere else."""

from __future__ import annotations

from typing import ClassVar

from courses.content import ActivityType, Content
from courses.fields import LONGEST_NAME, Int, LongText, Moment, RichText, Text


class Url(Content):
    """A link to another address."""

    activity_type: ClassVar[ActivityType] = ActivityType(label="URL", icon="kind-url")

    name = Text(LONGEST_NAME)
    intro = RichText(null=True)
    introformat = Int()
    externalurl = RichText()
    display = Int()
    displayoptions = LongText(null=True)
    parameters = LongText(null=True)
    timemodified = Moment()

    links = (
        ("URLINDEX", "/mod/url/index.php?id=$1", ("course",)),
        ("URLVIEWBYID", "/mod/url/view.php?id=$1", ("course_module",)),
        ("URLVIEWBYU", "/mod/url/view.php?u=$1", ("url",)),
    )
