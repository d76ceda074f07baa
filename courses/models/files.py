"""Files: the references to contents of the pool, `files.xml`."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from courses.archived import ArchivedModel, ArchiveMeta
from courses.fields import Code, Int, ItemRef, LongText, Moment, Ref, Text, UserRef
from courses.models.course import Course

EMPTY = "da39a3ee5e6b4b0d3255bfef95601890afd80709"


class File(ArchivedModel):
    """A file or folder (`filename` is ".") in an area of a component; `contenthash` is the SHA-1 of its content."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="file",
        natural_key=("contextid", "component", "filearea", "itemid", "filepath", "filename"),
        single=True,
        compared=False,
    )

    course = models.ForeignKey(Course, on_delete=models.CASCADE, null=True, related_name="files")
    contenthash = Text(40, db_index=True)
    contextid = Ref("context", db_index=True)
    component = Code(100)
    filearea = Code(50)
    itemid = ItemRef(by=("component", "filearea"), declared_in="files")
    filepath = Text(255)
    filename = Text(255)
    userid = UserRef(null=True)
    filesize = Int()
    mimetype = Code(100, null=True)
    status = Int()
    timecreated = Moment()
    timemodified = Moment()
    source = LongText(null=True, personal="null")
    author = Text(255, null=True, personal="null")
    license = Code(255, null=True)
    sortorder = Int()
    repositorytype = Text(255, null=True)
    repositoryid = Int(null=True)
    reference = LongText(null=True)

    def __str__(self) -> str:
        return f"{self.component}/{self.filearea}{self.filepath}{self.filename}"
