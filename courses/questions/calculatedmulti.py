"""A calculated multiple-choice question: the choices are formulas."""

from __future__ import annotations

from courses.models.answers import (
    CalculatedOption,
    CalculatedRecord,
    DatasetDefinition,
    NumericalOption,
    NumericalUnit,
    QuestionAnswer,
)
from courses.questions import QuestionType, hidden

TYPE = QuestionType(
    "calculatedmulti",
    shares=(
        QuestionAnswer,
        NumericalUnit,
        NumericalOption,
        DatasetDefinition,
        CalculatedRecord,
        CalculatedOption,
    ),
    hidden=(hidden(r"_order", value="question_answer"),),
)
