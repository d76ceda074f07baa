"""A description: text between questions, without an answer and without records of its own."""

from __future__ import annotations

from courses.questions import QuestionType

TYPE = QuestionType("description")
