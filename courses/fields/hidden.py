"""Ids that hide inside values: conditions, formulas, names."""

from __future__ import annotations

import json
import re
from typing import Any, ClassVar

from courses.fields.kinds import Parse, Reading, copy_text
from courses.fields.texts import LongText

SURROGATE = re.compile("[\ud800-\udfff]")


class ConditionTree(LongText):
    """Availability conditions: JSON with the ids of activities, groups and groupings inside."""

    KINDS: ClassVar[dict[tuple[str, str], str]] = {
        ("completion", "cm"): "course_module",
        ("group", "id"): "group",
        ("grouping", "id"): "grouping",
        ("grade", "id"): "grade_item",
    }

    def parser(self, reading: Reading) -> Parse:
        mention = reading.references.mention

        def walk(node: Any) -> None:
            if not isinstance(node, dict):
                return
            for name in ("cm", "id"):
                kind, old = self.KINDS.get((str(node.get("type")), name)), node.get(name)
                if kind and isinstance(old, int) and old > 0:
                    new = mention(kind, old)
                    node[name] = new if new is not None else old
            if isinstance(node.get("c"), list):
                for child in node["c"]:
                    walk(child)

        def mapped(text: str) -> str:
            try:
                tree = json.loads(text)
            except (ValueError, RecursionError):
                return copy_text(text)
            walk(tree)
            changed = json.dumps(tree, ensure_ascii=False, separators=(",", ":"))
            if SURROGATE.search(changed):
                # Half a character, which JSON can name and no database can hold: its name stays.
                changed = json.dumps(tree, separators=(",", ":"))
            return copy_text(changed)

        return mapped
