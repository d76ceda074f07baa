"""Makes canonical values of structured fields: JSON, Base64 and serialised PHP with ids inside.

{"type": "completion", "cm": 31, "e": 1}   ->   {"cm": "course_module:0", "e": 1, "type": "completion"}
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any

from lxml import etree

from archive import references
from archive.comparison.canonical import NUMBER, SERIALISED_LENGTH, UNKNOWN, canonical_text
from archive.comparison.identities import Identities
from archive.json_text import parse_json

SERIALISED_ID = re.compile(r'("(?:[a-z]+id|glossary|quiz|assign|forum)";)(?:i:\d+|s:#:"\d+")')
SERIALISED_IDS = re.compile(r'("[a-z]+id";a:\d+:)\{[^{}]*\}')
ANY_NUMBER = re.compile(r"\d+")
EXTERNAL_PERSON = re.compile(r'("ext_user_id": ?"?)\d+')


def availability(text: str, element: etree._Element, known: Identities) -> str:
    """Return availability conditions with activities, groups and grade items in place of their ids."""
    return _json(text, lambda value: _condition(value, known))


def _condition(value: Any, known: Identities) -> Any:
    if isinstance(value, list):
        return [_condition(each, known) for each in value]
    if not isinstance(value, dict):
        return value
    changed = {key: _condition(each, known) for key, each in value.items()}
    for key in changed.keys() & {"cm", "id"}:
        number = value[key]
        if isinstance(number, int) and number > 0:
            item_type = references.conditions().get((str(value.get("type")), key), "")
            changed[key] = known.token(item_type, str(number)) or UNKNOWN
    return changed


def participants(text: str, element: etree._Element, known: Identities) -> str:
    """Return the participants of a meeting with people and roles in place of their ids."""

    def change(entries: Any) -> Any:
        if not isinstance(entries, list):
            return entries
        return [
            {
                **entry,
                "selectionid": known.token(str(entry.get("selectiontype")), str(entry["selectionid"]))
                or UNKNOWN,
            }
            if isinstance(entry, dict) and NUMBER.match(str(entry.get("selectionid")))
            else entry
            for entry in entries
        ]

    return _json(text, change)


def question_filter(text: str, element: etree._Element, known: Identities) -> str:
    """Return the filter of random questions with categories in place of their ids, and "?" for all other ids.

    Tags of before 4.3, `7,blue`, are compared by name.
    """

    def change(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: change(each, key if name == "values" else name) for name, each in value.items()}
        if isinstance(value, list):
            return [change(each, key) for each in value]
        if key in ("category", "questioncategoryid") and NUMBER.match(str(value)):
            return known.token("question_category", str(value)) or UNKNOWN
        if key == "cat":
            return known.token("question_category", str(value).split(",")[0]) or UNKNOWN
        if key == "tags":
            return str(value).partition(",")[2]
        return UNKNOWN if key.endswith(("id", "ids")) and NUMBER.match(str(value)) else value

    return _json(text, change)


def _json(text: str, change: Callable[[Any], Any]) -> str:
    """Return JSON passed through `change`, with its keys in alphabetical order; a text that is no JSON stays."""
    if not text.startswith(("{", "[")):
        return text
    try:
        return json.dumps(change(parse_json(text)), sort_keys=True)
    except ValueError:
        return text


def block_settings(text: str, element: etree._Element, known: Identities) -> str:
    """Return the settings of a block (Base64 of serialised PHP) without ids and without the lengths of strings."""
    try:
        plain = base64.b64decode(text, validate=True).decode()
    except ValueError:
        return text
    plain = SERIALISED_LENGTH.sub('s:#:"', canonical_text(plain, element, known))
    return SERIALISED_IDS.sub(rf"\1{UNKNOWN}", SERIALISED_ID.sub(rf"\1{UNKNOWN}", plain))


def logged_details(text: str, element: etree._Element, known: Identities) -> str:
    """Return the details of a logged event (Base64 of JSON or serialised PHP) with "?" for numbers, which are ids."""
    try:
        plain = base64.b64decode(text, validate=True).decode()
    except ValueError:
        return text
    return ANY_NUMBER.sub(UNKNOWN, plain)


def logged_address(text: str, element: etree._Element, known: Identities) -> str:
    """Return the address in a log entry with "?" for numbers, which are ids."""
    return ANY_NUMBER.sub(UNKNOWN, text)


def meeting_details(text: str, element: etree._Element, known: Identities) -> str:
    """Return the details of a meeting's log (JSON) with "?" for the id of a person."""
    return EXTERNAL_PERSON.sub(rf"\1{UNKNOWN}", text)
