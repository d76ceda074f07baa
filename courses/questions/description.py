"""A text between questions; it asks nothing and has nothing of its own."""

from __future__ import annotations

from courses.questions import QuestionType

TYPE = QuestionType("description")
