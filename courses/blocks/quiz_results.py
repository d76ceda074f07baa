"""Quiz results: the best and worst results of a quiz, in archives from before Moodle 2.9."""

from __future__ import annotations

from courses.blocks import BlockType

TYPE = BlockType("quiz_results", ids={"quizid": "quiz"})
