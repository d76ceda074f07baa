"""Texts and pictures to drag onto a picture."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import Part, Traits
from courses.fields import Int, LongText, Within
from courses.models.answers import CombinedFeedback, Piece
from courses.models.questions import Question
from courses.questions import QuestionType, part

TYPE = QuestionType(files=("qtype_ddimageortext/bgimage",))


class ImageDragOption(CombinedFeedback):
    """How such a question is shown."""

    traits: ClassVar[Traits] = Traits(kind="qtype_ddimageortext")

    question = Within(Question, part("ddimageortext", "ddimageortext"))
    shuffleanswers = Int(default=1)


class ImageDrag(Piece):
    """A text or picture to drag."""

    traits: ClassVar[Traits] = Traits(kind="qtype_ddimageortext_drags", files=("qtype_ddimageortext/dragimage",))

    question = Within(Question, part("ddimageortext", "drags/drag"))
    draggroup = Int()


class ImageDrop(Part):
    """A place on the picture, and the number of what belongs there."""

    traits: ClassVar[Traits] = Traits(kind="qtype_ddimageortext_drops")

    question = Within(Question, part("ddimageortext", "drops/drop"))
    no = Int()
    xleft = Int()
    ytop = Int()
    choice = Int()
    label = LongText()
