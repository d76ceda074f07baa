"""A calculated question: the answer is a formula whose variables have values from data sets."""

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
    "calculated",
    shares=(
        QuestionAnswer,
        NumericalUnit,
        NumericalOption,
        DatasetDefinition,
        CalculatedRecord,
        CalculatedOption,
    ),
)
