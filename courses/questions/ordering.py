"""Items to put in order; the answers are the items."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import ArchiveMeta
from courses.fields import Int, Text, Within
from courses.models.answers import OptionalFeedback, QuestionAnswer
from courses.models.questions import Question
from courses.questions import QuestionType, hidden, part

TYPE = QuestionType(
    "ordering",
    shares=(QuestionAnswer,),
    hidden=(
        hidden(r"_(current|correct)response", value="question_answer"),
        hidden(r"response_(\d{1,18})", name="question"),
    ),
)


class OrderingOption(OptionalFeedback):
    """The display and grading settings and feedback of such a question."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="qtype_ordering_options")

    question = Within(Question, part("ordering", "ordering"))
    layouttype = Int()
    selecttype = Int()
    selectcount = Int(default=2)
    gradingtype = Int()
    showgrading = Int()
    numberingstyle = Text(10, default="none")
