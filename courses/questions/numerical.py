"""A question whose answer is a number, with a tolerance and units."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import ArchivedModel, ArchiveMeta
from courses.fields import Ref, Text, Within
from courses.models.answers import NumericalOption, NumericalUnit, QuestionAnswer
from courses.models.questions import Question
from courses.questions import QuestionType, part

TYPE = QuestionType("numerical", shares=(QuestionAnswer, NumericalUnit, NumericalOption))


class NumericalRecord(ArchivedModel):
    """The accepted error of an answer."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="question_numerical")

    question = Within(Question, part("numerical", "numerical_records/numerical_record"))
    answer = Ref("question_answer")
    tolerance = Text(255, default="0.0")
