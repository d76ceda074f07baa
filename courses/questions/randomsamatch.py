"""Short-answer questions of the category, drawn at random, to match with their answers."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import ArchiveMeta
from courses.fields import Int, Within
from courses.models.answers import CombinedFeedback
from courses.models.questions import Question
from courses.questions import QuestionType, hidden, part

TYPE = QuestionType(
    "randomsamatch",
    hidden=(
        hidden(r"_stemorder", value="question"),
        hidden(r"_choiceorder", value="question_answer"),
        hidden(r"_(?:stem|stemformat)_(\d{1,18})", name="question"),
        hidden(r"_choice_(\d{1,18})", name="question_answer"),
        hidden(r"_right_(\d{1,18})", name="question", value="question_answer"),
    ),
)


class RandomMatchOption(CombinedFeedback):
    """The number of questions to draw, whether subcategories are included, and the feedback."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="qtype_randomsamatch_options")

    question = Within(Question, part("randomsamatch", "randomsamatch"))
    choose = Int(default=4)
    subcats = Int(default=1)
