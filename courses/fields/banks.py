"""Ids in records about questions: the conditions of random questions, and the steps of attempts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, cast

from archive.json_text import parse_json
from archive.numbers import natural
from courses import registry
from courses.fields.base import Parse, Reading, References, Rendering, Words, copy_text
from courses.fields.conditions import SURROGATE
from courses.fields.numbers import Int, digits_or_text
from courses.fields.references import SiblingRef
from courses.fields.texts import LongText, RichText, Text


class FilterConditions(LongText):
    """The conditions of a random slot: JSON with the ids of categories and tags, and of the context, activity and course
    where the conditions were chosen.

    Conditions with tags of before 4.3 have no filter, but `{"questioncategoryid": 5, "tags": ["7,blue"]}`
    (`archive/older/questions.py`).
    """

    words: ClassVar[Words] = ""
    FILTERS: ClassVar[dict[str, str]] = {"category": "question_category", "qtagids": "tag"}
    CHOSEN_IN: ClassVar[dict[str, tuple[str, ...]]] = {
        "cat": ("question_category", "context"),
        "cmid": ("course_module",),
        "courseid": ("course",),
        "questioncategoryid": ("question_category",),
    }

    def parser(self, reading: Reading) -> Parse:
        references = reading.references

        def mapped(text: str) -> str:
            try:
                tree = parse_json(text)
            except ValueError:
                return copy_text(text)
            if not isinstance(tree, dict):
                return copy_text(text)
            self._map(tree, references)
            changed = json.dumps(tree, ensure_ascii=False, separators=(",", ":"))
            if SURROGATE.search(changed):
                changed = json.dumps(tree, separators=(",", ":"))
            return copy_text(changed)

        return mapped

    def _map(self, tree: dict[str, Any], references: References) -> None:
        if isinstance(tags := tree.get("tags"), list):
            tree["tags"] = [_mapped_first(tag, "tag", references) for tag in tags]
        filters = tree.get("filter")
        for name, item_type in self.FILTERS.items():
            condition = filters.get(name) if isinstance(filters, dict) else None
            if isinstance(condition, dict) and isinstance(condition.get("values"), list):
                condition["values"] = [
                    _mapped_id(value, item_type, references) for value in condition["values"]
                ]
        for name, item_types in self.CHOSEN_IN.items():
            if isinstance(tree.get(name), str | int):
                parts = str(tree[name]).split(",")
                news = [
                    str(_mapped_id(part, item_type, references))
                    for part, item_type in zip(parts, item_types, strict=False)
                ]
                joined = ",".join(news + parts[len(news) :])
                tree[name] = int(joined) if isinstance(tree[name], int) and joined.isdigit() else joined


def _mapped_id(value: Any, item_type: str, references: References) -> Any:
    """Return the new id of an id in JSON, as the same type (int or str); 0 if there is none. Other values are unchanged."""
    if isinstance(value, bool) or not isinstance(value, str | int) or not (old := natural(value)):
        return value
    return type(value)(references.mention(item_type, old) or 0)


def _mapped_first(value: Any, item_type: str, references: References) -> Any:
    """Return `7,blue` with the new id in place of the first part; other values are unchanged."""
    if not isinstance(value, str):
        return value
    number, comma, rest = value.partition(",")
    return f"{_mapped_id(number, item_type, references)}{comma}{rest}"


class NextVersion(Int):
    """The number that the next version of a question gets; NULL if it was not counted yet.

    A backup writes no number that a version of the entry has already.
    """

    TAKEN: ClassVar[str] = (
        "(SELECT least(max(version), 9223372036854775806) + 1 FROM courses_questionversion WHERE entry_id = {row}.id)"
    )

    def sql_text(self, column: str, rendering: Rendering) -> str:
        return f"greatest({column}, {self.TAKEN.format(row=column.rpartition('.')[0])})::text"


class ContextInstance(SiblingRef):
    """The id of the course, activity or category that a context belongs to; the level in the element `by` says which."""

    ITEM_TYPES: ClassVar[dict[str, str]] = {"40": "course_category", "50": "course", "70": "course_module"}

    def __init__(self, *args: Any, by: str = "contextlevel", **options: Any) -> None:
        self.by = by
        super().__init__(*args, **options)

    def item_type_of(self, texts: Mapping[str, str | None]) -> str | None:
        return self.ITEM_TYPES.get(digits_or_text(texts.get(self.by)))


class KnownReferences(References, Protocol):
    """References that also return the new id of a record that was already read (`known`), or None if it was not."""

    def known(self, item_type: str, old: int) -> int | None: ...


def _new_or_same(text: str, item_type: str, reading: Reading) -> str:
    """Return the new id of a record of a question, or the same id if no such record was read: its question type is not
    described.

    Questions are read before attempts. Opaque elements of questions keep their ids, so the ids here stay too.
    """
    old = natural(text)
    if not old:
        return text
    new = cast(KnownReferences, reading.references).known(item_type, old)
    return text if new is None else str(new)


def _rule_of(name: str, texts: Mapping[str, str | None], reading: Reading) -> Any:
    """Return the rule for the ids in a variable of that name, by the type of its question; None if there are no ids in it."""
    question = natural(digits_or_text(texts.get("question_attempt/questionid")))
    qtype = reading.type_of("question", question) if question else None
    return registry.hidden_ids(qtype, name) if qtype else None


class StepName(Text):
    """The name of a variable of a step, which may contain an id: `_stem_27`, `response_14`."""

    words: ClassVar[Words] = ""
    needs_row = True
    above = ("question_attempt/questionid",)

    def parse_in_row(self, text: str, texts: Mapping[str, str | None], reading: Reading) -> str | None:
        if text[:1] not in ("_", "r"):
            return self.fitting(text)
        rule = _rule_of(text, texts, reading)
        if rule is None or not rule.name:
            return self.fitting(text)
        match = rule.pattern.fullmatch(text)
        start, end = match.span(1)
        return self.fitting(f"{text[:start]}{_new_or_same(match[1], rule.name, reading)}{text[end:]}")


class StepValue(RichText):
    """The value of a variable of a step: a person's answer, or an order of ids such as `8,6,7,5`."""

    needs_row = True
    above = ("question_attempt/questionid",)

    def parse_in_row(self, text: str, texts: Mapping[str, str | None], reading: Reading) -> str | None:
        name = texts.get("name") or ""
        if name[:1] != "_":
            return copy_text(text)
        rule = _rule_of(name, texts, reading)
        if rule is None or not rule.value:
            return copy_text(text)
        return copy_text(",".join(_new_or_same(one, rule.value, reading) for one in text.split(",")))
