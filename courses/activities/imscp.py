"""A content package: pages with a table of contents, as IMS describes them."""

from __future__ import annotations

from typing import ClassVar

from courses.content import ActivityType, Content
from courses.fields import LONGEST_NAME, Int, LongText, Moment, RichText, Text


class Imscp(Content):
    """A content package; `structure` is its table of contents, serialised: titles and files, no ids."""

    activity_type: ClassVar[ActivityType] = ActivityType(label="IMS content package")

    name = Text(LONGEST_NAME)
    intro = RichText(null=True)
    introformat = Int()
    revision = Int()
    keepold = Int(default=-1)
    structure = LongText(null=True)
    timemodified = Moment()

    links = (
        ("IMSCPVIEWBYID", "/mod/imscp/view.php?id=$1", ("course_module",)),
        ("IMSCPINDEX", "/mod/imscp/index.php?id=$1", ("course",)),
    )

    class Meta:
        verbose_name = "content package"
