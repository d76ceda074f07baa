"""Random glossary entry: one entry of a glossary, changed daily."""

from __future__ import annotations

from courses.blocks import BlockType

TYPE = BlockType("glossary_random", ids={"glossary": "glossary", "courseid": "course"})
