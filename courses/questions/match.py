"""Questions and answers to match."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import ArchivedModel, ArchiveMeta
from courses.fields import Int, RichText, Text, Within
from courses.models.answers import CombinedFeedback
from courses.models.questions import Question
from courses.questions import QuestionType, hidden, part

PAIR = "qtype_match_subquestions"
TYPE = QuestionType("match", hidden=(hidden(r"_(stem|choice)order", value=PAIR),))


class MatchOption(CombinedFeedback):
    """The display settings and feedback of such a question."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="qtype_match_options")

    question = Within(Question, part("match", "matchoptions"))
    shuffleanswers = Int(default=1)


class MatchPair(ArchivedModel):
    """A question and its answer; without a question, a wrong answer to choose from."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type=PAIR, files=("qtype_match/subquestion",))

    question = Within(Question, part("match", "matches/match"))
    questiontext = RichText()
    questiontextformat = Int()
    answertext = Text(255)
