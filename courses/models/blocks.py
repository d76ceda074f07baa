"""Blocks of a course or an activity: their configuration and position."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from courses.archived import ArchivedModel, ArchiveMeta
from courses.fields import BlockConfiguration, Int, Moment, Ref, Text, Within
from courses.models.course import Activity, Course


class Block(ArchivedModel):
    """A block: `block.xml` in a folder of its own, under the course's or an activity's."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="block_instance", files=())

    contextid = Ref("context", attribute=True, unique=True)
    version = Int(attribute=True)
    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="blocks")
    activity = models.ForeignKey(Activity, on_delete=models.CASCADE, null=True, related_name="blocks")
    blockname = Text(40)
    parentcontextid = Ref("context")
    showinsubcontexts = Int()
    pagetypepattern = Text(64)
    subpagepattern = Text(16, null=True)
    defaultregion = Text(16)
    defaultweight = Int()
    configdata = BlockConfiguration(null=True)
    timecreated = Moment()
    timemodified = Moment()

    def __str__(self) -> str:
        return str(self.blockname)

    @property
    def folder(self) -> str:
        """The name of its folder in archives: `html_7`."""
        return f"{self.blockname}_{self.pk}"


class BlockPosition(ArchivedModel):
    """The position of a block on one page, if it differs from the default."""

    block = Within(Block, "block_positions/block_position")
    contextid = Ref("context")
    pagetype = Text(64)
    subpage = Text(16)
    visible = Int(default=1)
    region = Text(16)
    weight = Int()
