"""An entry of a glossary, another one each day."""

from __future__ import annotations

from courses.blocks import BlockKind

KIND = BlockKind(ids={"glossary": "glossary", "courseid": "course"})
