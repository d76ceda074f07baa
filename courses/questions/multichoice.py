"""A multiple-choice question."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import ArchiveMeta
from courses.fields import Int, Text, Within
from courses.models.answers import CombinedFeedback, QuestionAnswer
from courses.models.questions import Question
from courses.questions import QuestionType, hidden, part

TYPE = QuestionType(
    "multichoice", shares=(QuestionAnswer,), hidden=(hidden(r"_order", value="question_answer"),)
)


class ChoiceQuestionOption(CombinedFeedback):
    """The display settings and feedback of such a question; `single` is 1 if exactly one answer is right."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="qtype_multichoice_options")

    question = Within(Question, part("multichoice", "multichoice"))
    layout = Int()
    single = Int()
    shuffleanswers = Int(default=1)
    answernumbering = Text(10, default="abc")
    showstandardinstruction = Int(default=1)
