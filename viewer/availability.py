"""Availability: access conditions (restrict access) as sentences instead of a JSON tree."""

from __future__ import annotations

import json
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format

from archive.numbers import whole_or
from courses.fields.conditions import MISSING_GROUP
from viewer.json_texts import read_json
from viewer.lookups import Phrase
from viewer.page_context import PageContext
from viewer.words import moment_at

JOINS = {"&": " and ", "|": " or ", "!&": " and ", "!|": " or "}
DEEPEST = 30
"""Conditions in conditions that a page shows as a sentence."""

DONE = {0: "is not completed", 1: "is completed", 2: "is passed", 3: "is failed"}
OPERATORS = {
    "contains": "contains",
    "doesnotcontain": "does not contain",
    "endswith": "ends with",
    "isempty": "is empty",
    "isequalto": "is",
    "isnotempty": "is not empty",
    "startswith": "starts with",
}


def condition_phrases(page: PageContext, tree: str | None) -> list[Phrase]:
    """Return the access conditions in a JSON tree as phrases.

    The top level gives one phrase per condition if all of them are required, else one phrase. Text that is not such a
    tree is returned unchanged; an empty tree gives an empty list.
    """
    try:
        found = read_json(tree or "null")
        if not isinstance(found, dict) or not found.get("c"):
            return []
        if found.get("op") == "&":
            return [_phrase(page, one) for one in found["c"]]
        return [_phrase(page, found)]
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        return [Phrase(tree)]


def _phrase(page: PageContext, one: Any, depth: int = 0) -> Phrase:
    """Return a condition as a phrase. Raises ValueError if conditions lie too deep in one another."""
    if depth > DEEPEST:
        raise ValueError("the conditions nest too deep")
    if not isinstance(one, dict):
        return Phrase(str(one))
    if "c" in one:
        operator = str(one.get("op", "&"))
        parts: list[Any] = []
        for inner in one["c"]:
            parts += [JOINS.get(operator, " and ") if parts else "", _phrase(page, inner, depth + 1)]
        return Phrase("not (" if operator.startswith("!") else "(", *parts, ")")
    phrase = _PHRASES.get(str(one.get("type")))
    return phrase(page, one) if phrase else Phrase(json.dumps(one, ensure_ascii=False))


def _date(page: PageContext, one: dict[str, Any]) -> Phrase:
    number = whole_or(one.get("t", 0))
    at = moment_at(number)
    shown = date_format(timezone.localtime(at), "j M Y H:i") if at else str(number)
    return Phrase("from " if one.get("d") == ">=" else "until ", shown)


def _completion(page: PageContext, one: dict[str, Any]) -> Phrase:
    number = whole_or(one.get("cm", 0))
    name = page.named("course_module", number) if number > 0 else "the activity before"
    return Phrase(name, " ", DONE.get(whole_or(one.get("e", 1), -1), "has some state"))


def _grade(page: PageContext, one: dict[str, Any]) -> Phrase:
    bounds = [f"at least {one['min']} %"] if "min" in one else []
    bounds += [f"less than {one['max']} %"] if "max" in one else []
    return Phrase(
        "the grade of ",
        page.named("grade_item", one.get("id"), instead="an item"),
        " is ",
        " and ".join(bounds) or "given",
    )


def _group(page: PageContext, one: dict[str, Any]) -> Phrase:
    if one.get("id") == MISSING_GROUP:
        return Phrase("in a group that is not here (nobody)")
    return Phrase("in the group ", page.group(one["id"])) if one.get("id") else Phrase("in any group")


def _grouping(page: PageContext, one: dict[str, Any]) -> Phrase:
    if one.get("id") == MISSING_GROUP:
        return Phrase("in a grouping that is not here (nobody)")
    return (
        Phrase("in the grouping ", page.named("grouping", one["id"]))
        if one.get("id")
        else Phrase("in the activity's grouping")
    )


def _profile(page: PageContext, one: dict[str, Any]) -> Phrase:
    column = one.get("sf") or one.get("cf") or "?"
    return Phrase(
        f"“{column}” of the person {OPERATORS.get(str(one.get('op')), one.get('op'))} “{one.get('v', '')}”"
    )


_PHRASES = {
    "date": _date,
    "completion": _completion,
    "grade": _grade,
    "group": _group,
    "grouping": _grouping,
    "profile": _profile,
}
