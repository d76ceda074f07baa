"""A simple calculated question: a formula with variables of its own."""

from __future__ import annotations

from courses.models.answers import (
    CalculatedOption,
    CalculatedRecord,
    DatasetDefinition,
    NumericalOption,
    NumericalUnit,
    QuestionAnswer,
)
from courses.questions import QuestionType

TYPE = QuestionType(
    "calculatedsimple",
    shares=(
        QuestionAnswer,
        NumericalUnit,
        NumericalOption,
        DatasetDefinition,
        CalculatedRecord,
        CalculatedOption,
    ),
)
