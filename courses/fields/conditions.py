"""Availability conditions: JSON with ids and dates inside."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterator
from typing import Any, ClassVar

from archive.json_text import parse_json
from courses.fields.base import Parse, Reading, copy_text
from courses.fields.numbers import moved_moment
from courses.fields.texts import LongText
from courses.links import Known

MISSING_GROUP = -1
"""The id in a condition of a group or grouping that did not come: nobody is in it, while 0 would be any."""

MISSING = {"group": MISSING_GROUP, "grouping": MISSING_GROUP}
"""The id of what did not come, by item type; 0 for all others, which Moodle shows as missing."""

DIGITS = re.compile(r"[0-9]{1,18}\Z")
"""An id as a text, which other programs write."""

PROFILE_FIELD = "profile_field"
"""The item type of custom profile fields in conditions, which name them by their short names."""

Reference = tuple[str, int | str]
"""The item type of what a condition is about, and its id; of a custom profile field the short name."""

SURROGATE = re.compile("[\ud800-\udfff]")


class ConditionTree(LongText):
    """Availability conditions: JSON with the ids of activities, groups, groupings and grade items, and with dates, which
    move with the course's start date.
    """

    ITEM_TYPES: ClassVar[dict[tuple[str, str], str]] = {
        ("completion", "cm"): "course_module",
        ("group", "id"): "group",
        ("grouping", "id"): "grouping",
        ("grade", "id"): "grade_item",
    }

    links = True
    marked = False

    @classmethod
    def mentioned(cls, text: str | None) -> Iterator[tuple[str, int]]:
        """Yield the item type and id of each record that the conditions refer to; nothing if the text is no tree of
        conditions.
        """
        for item_type, _, _, number in cls._named(_tree(text or "null")):
            yield item_type, number

    @classmethod
    def references(cls, text: str | None) -> Iterator[Reference]:
        """Yield all that the conditions are about: records as `mentioned` does, and custom profile fields."""
        yield from cls._references(_tree(text or "null"))

    def parser(self, reading: Reading) -> Parse:
        if not reading.shift:
            return copy_text

        def moved(text: str) -> str:
            tree, found = _tree(text), False
            for node in _nodes(tree):
                if node.get("type") == "date" and type(node.get("t")) is int:
                    moment = node["t"]
                    node["t"] = moved_moment(moment, reading.shift)
                    found = found or node["t"] != moment
            return copy_text(_text(tree) if found else text)

        return moved

    def holds_links(self, text: str) -> bool:
        return next(self._references(_tree(text)), None) is not None

    def relink(self, text: str, *, known: Known, root: str, original: str) -> str:
        """Return the conditions with this site's ids.

        A group or grouping that did not come is -1, which lets nobody in; 0 would let in everybody who is in any group
        (`availability_group\\condition::update_after_restore`). Of activities and grades 0 is shown as missing.
        """
        tree = _tree(text)
        named = list(self._named(tree))
        if not named:
            return text
        for item_type, node, name, old in named:
            node[name] = type(node[name])(known(item_type, old) or MISSING.get(item_type, 0))
        return _text(tree)

    @classmethod
    def without(cls, text: str, lost: Container[Reference]) -> str | None:
        """Return the conditions without those on lost records; None if no condition is left."""
        tree = _tree(text)

        def stays(node: Any) -> bool:
            if not isinstance(node, dict) or not isinstance(node.get("c"), list):
                return not any(reference in lost for reference in cls._references(node))
            kept = [stays(inner) for inner in node["c"]]
            shown = node.get("showc")
            if isinstance(shown, list) and len(shown) == len(kept):
                node["showc"] = [show for show, keep in zip(shown, kept, strict=True) if keep]
            node["c"] = [inner for inner, keep in zip(node["c"], kept, strict=True) if keep]
            return bool(node["c"]) or not kept

        return _text(tree) if stays(tree) else None

    @classmethod
    def _references(cls, tree: Any) -> Iterator[Reference]:
        for item_type, _, _, number in cls._named(tree):
            yield item_type, number
        for node in _nodes(tree):
            if node.get("type") == "profile" and isinstance(name := node.get("cf"), str) and name:
                yield PROFILE_FIELD, name

    @classmethod
    def _named(cls, tree: Any) -> Iterator[tuple[str, dict[str, Any], str, int]]:
        for node in _nodes(tree):
            for name in ("cm", "id"):
                item_type, number = cls.ITEM_TYPES.get((str(node.get("type")), name)), node.get(name)
                if isinstance(number, str) and DIGITS.match(number):
                    number = int(number)
                if item_type and type(number) is int and number > 0:
                    yield item_type, node, name, number


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield every condition of a tree, and every group of conditions."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            waiting += node["c"] if isinstance(node.get("c"), list) else []
            yield node


def _text(tree: Any) -> str:
    """Return the JSON of a tree."""
    changed = json.dumps(tree, ensure_ascii=False, separators=(",", ":"))
    # A lone surrogate: JSON can escape it, and PostgreSQL cannot store it. The escape stays.
    return json.dumps(tree, separators=(",", ":")) if SURROGATE.search(changed) else changed


def _tree(text: str) -> Any:
    """Return the parsed JSON of a text; None if it is no JSON or nested too deeply."""
    try:
        return parse_json(text)
    except ValueError:
        return None
