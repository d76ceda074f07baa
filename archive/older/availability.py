"""Rewrites availability of versions before 2.7, which is fields and records, into one tree of conditions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from lxml import etree

from archive import xml
from archive.json_text import parse_json
from archive.older.people import SOCIAL
from archive.older.rewriter import Change, OfRecord, Rewriting, is_set, leaf, number_in

Condition = dict[str, Any]
Shown = tuple[Condition, bool]
"""A condition, and whether people who do not meet it see that it is there."""

DECIMAL = re.compile(r"[0-9]{1,10}(\.[0-9]{1,10})?\Z")
WITHOUT_VALUE = ("isempty", "isnotempty")
FIELDS = ("availablefrom", "availableuntil", "showavailability")
TREES = frozenset({"availability", "availabilityjson"})


class _Conditions(OfRecord):
    """Base for activities and sections: conditions on dates, grades, completion and people's fields, which must all hold."""

    def joined(self, text: str, conditions: Iterable[Shown]) -> str:
        """Return the tree of a text with these conditions added, as JSON; NULL if there are no conditions at all."""
        found = list(conditions)
        if not found:
            return text or xml.NULL
        tree = _read(text)
        for condition, shown in found:
            tree = _with(tree, condition, shown=shown)
        return json.dumps(tree, ensure_ascii=False, separators=(",", ":"))

    def members_only(self) -> Shown:
        """Return the condition for members of the grouping, or of any group; it is hidden from all others."""
        grouping = self.number("groupingid")
        return ({"type": "grouping", "id": grouping} if grouping else {"type": "group"}), False

    def dates(self) -> Iterator[Shown]:
        """Yield the conditions on dates: the start, shown if `showavailability` is set, and the end, never shown."""
        if start := self.number("availablefrom"):
            yield {"type": "date", "d": ">=", "t": start}, self._is_shown()
        if end := self.number("availableuntil"):
            yield {"type": "date", "d": "<", "t": end}, False

    def of_records(
        self, fields: Iterable[etree._Element], others: Iterable[etree._Element]
    ) -> Iterator[Shown]:
        """Yield the conditions on people's fields, completion and grades."""
        for field in fields:
            if condition := _field_condition(field):
                yield condition, self._is_shown()
        for other in others:
            if condition := _progress_condition(other, self.member):
                yield condition, self._is_shown()

    def _is_shown(self) -> bool:
        return is_set(self.text("showavailability"))


class OfActivities(_Conditions):
    """Makes one tree of the dates, conditions and `groupmembersonly` of an activity."""

    record = ("module",)
    takes = frozenset({*FIELDS, "groupmembersonly", "availability", "availability_info"})
    reads = frozenset({"groupingid"})

    def rest(self) -> Iterator[etree._Element]:
        yield leaf("availability", self.joined(self.text("availability"), self._conditions()))

    def _conditions(self) -> Iterator[Shown]:
        if is_set(self.text("groupmembersonly")):
            yield self.members_only()
        yield from self.dates()
        for info in self.children.get("availability_info", ()):
            yield from self.of_records(info.iterfind("availability_field"), info.iterfind("availability"))


class OfSections(_Conditions):
    """Makes one tree of the dates and conditions of a section; a grouping restricts it to its members."""

    record = ("section",)
    takes = frozenset({*FIELDS, "groupingid", "availability", "availability_field", "availabilityjson"})

    def rest(self) -> Iterator[etree._Element]:
        yield leaf("availabilityjson", self.joined(self.text("availabilityjson"), self._conditions()))

    def _conditions(self) -> Iterator[Shown]:
        if is_set(self.text("groupingid")):
            yield self.members_only()
        yield from self.dates()
        yield from self.of_records(
            self.children.get("availability_field", ()), self.children.get("availability", ())
        )


class SocialFieldConditions(Rewriting):
    """Rewrites conditions on social fields of accounts as conditions on profile fields, see `people.SocialFields`."""

    def change(self, around: str, tag: str) -> Change | None:
        return _renamed if tag in TREES and len(self.path) == 1 else None


def _renamed(availability: etree._Element) -> list[etree._Element]:
    try:
        tree = parse_json(availability.text or "")
    except ValueError:
        return [availability]
    waiting, changed = [tree], False
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            waiting += node["c"] if isinstance(node.get("c"), list) else []
            if node.get("type") == "profile" and node.get("sf") in SOCIAL:
                node["cf"], changed = node.pop("sf"), True
    if changed:
        availability.text = json.dumps(tree, ensure_ascii=False, separators=(",", ":"))
    return [availability]


def _field_condition(field: etree._Element) -> Condition | None:
    """Return the condition on a field of people, of Moodle (`sf`) or of the site (`cf`); None if no field is named."""
    name, custom = _text(field, "userfield"), _text(field, "customfield")
    if not name and not custom:
        return None
    operator = _text(field, "operator")
    condition: Condition = {"type": "profile", "op": operator}
    condition |= {"sf": name} if name else {"cf": custom}
    return condition if operator in WITHOUT_VALUE else {**condition, "v": _text(field, "value")}


def _progress_condition(other: etree._Element, member: str) -> Condition | None:
    """Return the condition on completion of an activity or on a grade (minimum and maximum in percent); None for neither."""
    if activity := number_in(other, "sourcecmid", member=member):
        return {
            "type": "completion",
            "cm": activity,
            "e": number_in(other, "requiredcompletion", member=member),
        }
    item = number_in(other, "gradeitemid", member=member)
    limits = {name: _text(other, f"grade{name}") for name in ("min", "max")}
    bounds = {name: float(text) for name, text in limits.items() if DECIMAL.match(text)}
    return {"type": "grade", "id": item, **bounds} if item else None


def _text(element: etree._Element, name: str) -> str:
    text = element.findtext(name) or ""
    return "" if text == xml.NULL else text


def _read(text: str) -> Condition | None:
    """Return the tree of conditions in a text; None if there is none."""
    try:
        tree = parse_json(text)
    except ValueError:
        return None
    return tree if isinstance(tree, dict) and tree.get("c") else None


def _with(tree: Condition | None, condition: Condition, *, shown: bool) -> Condition:
    """Return the tree with one more condition that must hold."""
    if tree is None:
        return {"op": "&", "c": [condition], "showc": [shown]}
    if tree.get("op") == "&" and isinstance(tree.get("showc"), list):
        return {**tree, "c": [*tree["c"], condition], "showc": [*tree["showc"], shown]}
    inner = {name: value for name, value in tree.items() if name not in ("show", "showc")}
    outer = tree["show"] if "show" in tree else all(tree.get("showc") or [False])
    return {"op": "&", "c": [inner, condition], "showc": [outer, shown]}
