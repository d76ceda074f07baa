"""Ids that hide inside values: conditions, formulas, names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
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

    @classmethod
    def mentioned(cls, text: str | None) -> Iterator[tuple[str, int]]:
        """The kind and id of each record that the conditions name; nothing of what is no such tree."""
        try:
            waiting = [json.loads(text or "null")]
        except (ValueError, RecursionError):
            return
        while waiting:
            node = waiting.pop()
            if isinstance(node, dict):
                waiting += node["c"] if isinstance(node.get("c"), list) else []
                for name in ("cm", "id"):
                    kind, number = cls.KINDS.get((str(node.get("type")), name)), node.get(name)
                    if kind and isinstance(number, int) and number > 0:
                        yield kind, number

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
