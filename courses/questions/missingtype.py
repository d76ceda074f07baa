"""A question whose type was not installed at its site; no records of the type are left."""

from __future__ import annotations

from courses.questions import QuestionType

TYPE = QuestionType("missingtype")
