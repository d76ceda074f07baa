"""Words to select in a text; the answers are the words, with their group in the feedback."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import ArchiveMeta
from courses.fields import Int, Within
from courses.models.answers import CombinedFeedback, QuestionAnswer
from courses.models.questions import Question
from courses.questions import QuestionType, part

TYPE = QuestionType("gapselect", shares=(QuestionAnswer,))


class WordSelectOption(CombinedFeedback):
    """The display settings and feedback of such a question."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="question_gapselect")

    question = Within(Question, part("gapselect", "gapselect"))
    shuffleanswers = Int(default=1)
