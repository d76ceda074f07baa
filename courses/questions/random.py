"""A random question as sites before Moodle 4.0 have it; since then a slot of a quiz says what to draw from."""

from __future__ import annotations

from courses.questions import QuestionType

TYPE = QuestionType("random")
