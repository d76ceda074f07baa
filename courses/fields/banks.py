"""Ids that hide in what belongs to questions: the conditions of random questions, and the steps of attempts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, cast

from courses import registry
from courses.fields.base import Parse, Reading, References, copy_text
from courses.fields.hidden import SURROGATE
from courses.fields.references import SiblingRef
from courses.fields.texts import LongText, RichText, Text


class FilterConditions(LongText):
    """Which questions a random slot draws from: JSON with the ids of categories and tags inside, and of the context,
    activity and course where the conditions were chosen."""

    FILTERS: ClassVar[dict[str, str]] = {"category": "question_category", "qtagids": "tag"}
    PLACES: ClassVar[dict[str, tuple[str, ...]]] = {
        "cat": ("question_category", "context"),
        "cmid": ("course_module",),
        "courseid": ("course",),
    }

    def parser(self, reading: Reading) -> Parse:
        references = reading.references

        def mapped(text: str) -> str:
            try:
                tree = json.loads(text)
            except (ValueError, RecursionError):
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
        filters = tree.get("filter")
        for name, item_type in self.FILTERS.items():
            one = filters.get(name) if isinstance(filters, dict) else None
            if isinstance(one, dict) and isinstance(one.get("values"), list):
                one["values"] = [_renamed(value, item_type, references) for value in one["values"]]
        for name, item_types in self.PLACES.items():
            if isinstance(tree.get(name), str | int):
                parts = str(tree[name]).split(",")
                news = [
                    str(_renamed(part, item_type, references))
                    for part, item_type in zip(parts, item_types, strict=False)
                ]
                joined = ",".join(news + parts[len(news) :])
                tree[name] = int(joined) if isinstance(tree[name], int) and joined.isdigit() else joined


def _renamed(value: Any, item_type: str, references: References) -> Any:
    """An id in JSON, which may be a number or a text, as the new id of the same sort; 0 for what does not come."""
    if isinstance(value, bool) or not isinstance(value, str | int) or not _is_id(str(value)):
        return value
    return type(value)(references.mention(item_type, int(value)) or 0)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19 and int(text) > 0


class ContextInstance(SiblingRef):
    """What a context is the context of: a course, an activity, a category; the level in `by` says which."""

    KINDS: ClassVar[dict[str, str]] = {"40": "course_category", "50": "course", "70": "course_module"}

    def __init__(self, *args: Any, by: str = "contextlevel", **options: Any) -> None:
        self.by = by
        super().__init__(*args, **options)

    def item_type_of(self, texts: Mapping[str, str | None]) -> str | None:
        return self.KINDS.get(texts.get(self.by) or "")


class Came(References, Protocol):
    """References that also tell what has come by now."""

    def known(self, item_type: str, old: int) -> int | None: ...


def _arrived(text: str, item_type: str, reading: Reading) -> str:
    """The new id of what a question has, which came before the attempts. What is of a type that nobody knows was kept with the
    ids that it had, and so they stay here too."""
    if not _is_id(text):
        return text
    new = cast(Came, reading.references).known(item_type, int(text))
    return text if new is None else str(new)


def _hidden(name: str, texts: Mapping[str, str | None], reading: Reading) -> Any:
    """What the question's type says of a variable of that name; None when there are no ids in it."""
    question = texts.get("question_attempt/questionid") or ""
    item_type = reading.type_of("question", int(question)) if _is_id(question) else None
    return registry.hidden_ids(item_type, name) if item_type else None


class StepName(Text):
    """The name of a variable of a step, which may end in an id: `_stem_27`, `response_14`."""

    needs_row = True
    above = ("question_attempt/questionid",)

    def parse_in_row(self, text: str, texts: Mapping[str, str | None], reading: Reading) -> str | None:
        if text[:1] not in ("_", "r"):
            return copy_text(text)
        rule = _hidden(text, texts, reading)
        if rule is None or not rule.name:
            return copy_text(text)
        match = rule.pattern.fullmatch(text)
        start, end = match.span(1)
        return copy_text(f"{text[:start]}{_arrived(match[1], rule.name, reading)}{text[end:]}")


class StepValue(RichText):
    """The value of a variable of a step: what a person answered, or an order of ids such as `8,6,7,5`."""

    needs_row = True
    above = ("question_attempt/questionid",)

    def parse_in_row(self, text: str, texts: Mapping[str, str | None], reading: Reading) -> str | None:
        name = texts.get("name") or ""
        if name[:1] != "_":
            return copy_text(text)
        rule = _hidden(name, texts, reading)
        if rule is None or not rule.value:
            return copy_text(text)
        return copy_text(",".join(_arrived(one, rule.value, reading) for one in text.split(",")))
