"""Texts and pictures to drag onto a picture."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import ArchivedModel, ArchiveMeta
from courses.fields import Int, LongText, Within
from courses.models.answers import CombinedFeedback, Piece
from courses.models.questions import Question
from courses.questions import QuestionType, part

TYPE = QuestionType("ddimageortext", files=("qtype_ddimageortext/bgimage",))


class ImageDragOption(CombinedFeedback):
    """The display settings and feedback of such a question."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="qtype_ddimageortext")

    question = Within(Question, part("ddimageortext", "ddimageortext"))
    shuffleanswers = Int(default=1)
    dropzonevisibility = Int(null=True, since="5.0")


class ImageDrag(Piece):
    """A text or picture to drag."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="qtype_ddimageortext_drags", files=("qtype_ddimageortext/dragimage",)
    )

    question = Within(Question, part("ddimageortext", "drags/drag"))
    draggroup = Int()


class ImageDrop(ArchivedModel):
    """A drop zone on the picture, and the number of the item that belongs there."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="qtype_ddimageortext_drops")

    question = Within(Question, part("ddimageortext", "drops/drop"))
    no = Int()
    xleft = Int()
    ytop = Int()
    choice = Int()
    label = LongText()
