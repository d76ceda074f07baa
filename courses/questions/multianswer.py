"""A text with questions embedded (cloze); the questions inside are questions of their own."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import ArchivedModel, ArchiveMeta
from courses.fields import Echo, RefList, Within
from courses.models.answers import QuestionAnswer
from courses.models.questions import Question
from courses.questions import QuestionType, hidden, part

TYPE = QuestionType(
    "multianswer", shares=(QuestionAnswer,), hidden=(hidden(r"_sub\d+_order", value="question_answer"),)
)


class Cloze(ArchivedModel):
    """`sequence`: the ids of the embedded questions in the order of the text; 0 where one is missing."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="question_multianswer")

    of = Within(Question, part("multianswer", "multianswer"))
    question = Echo()
    sequence = RefList("question")
