"""Markers to drag to regions of a picture."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import ArchivedModel, ArchiveMeta
from courses.fields import Int, LongText, Text, Within
from courses.models.answers import CombinedFeedback, Piece
from courses.models.questions import Question
from courses.questions import QuestionType, part

TYPE = QuestionType("ddmarker", files=("qtype_ddmarker/bgimage",))


class MarkerOption(CombinedFeedback):
    """The display settings and feedback of such a question."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="qtype_ddmarker")

    question = Within(Question, part("ddmarker", "ddmarker"))
    shuffleanswers = Int(default=1)
    showmisplaced = Int()


class Marker(Piece):
    """A marker to drag."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="qtype_ddmarker_drags")

    question = Within(Question, part("ddmarker", "drags/drag"))
    noofdrags = Int(default=1)


class MarkerDrop(ArchivedModel):
    """A region of the picture, and the number of the marker that belongs there."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="qtype_ddmarker_drops")

    question = Within(Question, part("ddmarker", "drops/drop"))
    no = Int()
    shape = Text(255, null=True)
    coords = LongText()
    choice = Int()
