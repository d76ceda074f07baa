"""A statement that is true or false."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import ArchivedModel, ArchiveMeta
from courses.fields import Int, Ref, Within
from courses.models.answers import QuestionAnswer
from courses.models.questions import Question
from courses.questions import QuestionType, part

TYPE = QuestionType("truefalse", shares=(QuestionAnswer,))


class TrueFalseOption(ArchivedModel):
    """The ids of the answers for true and for false."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="question_truefalse")

    question = Within(Question, part("truefalse", "truefalse"))
    trueanswer = Ref("question_answer")
    falseanswer = Ref("question_answer")
    showstandardinstruction = Int(default=1)
