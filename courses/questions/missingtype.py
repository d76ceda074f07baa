"""A question whose type its site did not have any more; nothing of its own is left."""

from __future__ import annotations

from courses.questions import QuestionType

TYPE = QuestionType("missingtype")
