"""A random question of sites before Moodle 4.0; since then slots of quizzes hold the conditions to draw by."""

from __future__ import annotations

from courses.questions import QuestionType

TYPE = QuestionType("random")
