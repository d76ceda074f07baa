"""A folder: files in a tree."""

from __future__ import annotations

from typing import ClassVar

from courses.content import ActivityType, Content
from courses.fields import LONGEST_NAME, Int, Moment, RichText, Text


class Folder(Content):
    """Files in a tree."""

    activity_type: ClassVar[ActivityType] = ActivityType(icon="kind-folder")

    name = Text(LONGEST_NAME)
    intro = RichText(null=True)
    introformat = Int()
    revision = Int()
    timemodified = Moment()
    display = Int()
    showexpanded = Int(default=1)
    showdownloadfolder = Int(default=1)
    forcedownload = Int(default=1)

    links = (
        ("FOLDERVIEWBYID", "/mod/folder/view.php?id=$1", ("course_module",)),
        ("FOLDERINDEX", "/mod/folder/index.php?id=$1", ("course",)),
    )
