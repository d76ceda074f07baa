"""The content bank of a course."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import ArchivedModel, ArchiveMeta
from courses.fields import Int, LongText, Moment, Text, UserRef, Within
from courses.models.course import Course


class BankContent(ArchivedModel):
    """An item of the content bank."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="contentbank_content", files=("contentbank/public",), natural_key=("name", "contenttype")
    )

    course = Within(Course, "content", member="course/contentbank.xml")
    name = Text(255)
    contenttype = Text(100)
    instanceid = Int(null=True)
    configdata = LongText(null=True)
    usercreated = UserRef()
    usermodified = UserRef(null=True)
    timecreated = Moment()
    timemodified = Moment(null=True, default=0)
