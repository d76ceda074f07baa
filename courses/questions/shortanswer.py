"""A question whose answer is one or a few words."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import ArchivedModel, ArchiveMeta
from courses.fields import Int, Within
from courses.models.answers import QuestionAnswer
from courses.models.questions import Question
from courses.questions import QuestionType, part

TYPE = QuestionType("shortanswer", shares=(QuestionAnswer,))


class ShortAnswerOption(ArchivedModel):
    """Whether answers are case-sensitive (`usecase`)."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="qtype_shortanswer_options")

    question = Within(Question, part("shortanswer", "shortanswer"))
    usecase = Int()
