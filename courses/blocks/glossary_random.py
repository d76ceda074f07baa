"""An entry of a glossary, another one each day."""

from __future__ import annotations

from courses.blocks import BlockType

TYPE = BlockType("glossary_random", ids={"glossary": "glossary", "courseid": "course"})
