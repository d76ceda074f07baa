"""The results of a quiz, as blocks showed them before Moodle 2.9."""

from __future__ import annotations

from courses.blocks import BlockType

TYPE = BlockType("quiz_results", ids={"quizid": "quiz"})
