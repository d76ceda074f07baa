"""Participants of meetings: JSON with the ids of people and roles inside."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from archive.json_text import parse_json
from archive.numbers import is_id, whole_or
from courses.database_functions import IS_JSON_ARRAY
from courses.fields.base import NULL, Parse, Reading, Rendering, copy_text
from courses.fields.texts import LongText

PERSON = "entry->>'selectiontype' = 'user' AND entry->>'selectionid' ~ '^[0-9]{1,18}$'"
"""SQL: whether an entry is a person."""

NUMBER = "(entry->>'selectionid')::bigint"
"""SQL: the id of an entry."""


class Participants(LongText):
    """A list of `{"selectiontype": "user", "selectionid": "12", "role": "moderator"}`; the type may also be `role` or
    `all`. People and roles without a new id are left out; anonymising replaces people by pseudonyms.
    """

    ITEM_TYPES: ClassVar[dict[str, str]] = {"user": "user", "role": "role"}

    def parser(self, reading: Reading) -> Parse:
        mention = reading.references.mention

        def mapped(text: str) -> str:
            try:
                entries = parse_json(text)
            except ValueError:
                return copy_text(text)
            if not isinstance(entries, list):
                return copy_text(text)
            found = [
                entry for entry in (self._mapped(entry, mention) for entry in entries) if entry is not None
            ]
            return copy_text(text if found == entries else json.dumps(found, separators=(",", ":")))

        return mapped

    def _mapped(self, entry: Any, mention: Any) -> Any:
        if not isinstance(entry, dict):
            return entry
        item_type, old = self.ITEM_TYPES.get(str(entry.get("selectiontype"))), str(entry.get("selectionid"))
        if item_type is None or not (old.isascii() and old.isdigit() and len(old) < 19):
            return entry
        new = mention(item_type, int(old))
        return None if new is None else {**entry, "selectionid": type(entry["selectionid"])(new)}

    def sql_text(self, column: str, rendering: Rendering) -> str:
        plain = super().sql_text(column, rendering)
        if not rendering.anonymize:
            return plain
        number = rendering.pseudonym(NUMBER)
        hidden = f"json_build_object('selectiontype', 'user', 'selectionid', ({number})::text, 'role', entry->>'role')"
        entries = (
            f"(SELECT coalesce(json_agg(CASE WHEN {PERSON} THEN {hidden} ELSE entry END), '[]')::text"
            f" FROM json_array_elements({column}::json) AS entry)"
        )
        # A text that is no list cannot be read, and may name somebody.
        listed = (
            f"CASE WHEN {IS_JSON_ARRAY}({column}) THEN {super().sql_text(entries, rendering)} ELSE '' END"
        )
        return f"(CASE WHEN {column} IS NULL THEN NULL ELSE ({listed}) END)"

    def anonymised(self, text: str, texts: Mapping[str, str | None], pseudonym: Callable[[int], int]) -> str:
        if text == NULL:
            return text
        try:
            entries = parse_json(text)
        except ValueError:
            entries = None
        # A text that is no list cannot be read, and may name somebody.
        return (
            json.dumps([_hidden(entry, pseudonym) for entry in entries]) if isinstance(entries, list) else ""
        )

    def people_sql(self, column: str) -> str:
        listed = f"CASE WHEN {IS_JSON_ARRAY}({column}) THEN {column}::json ELSE '[]'::json END"
        return f"SELECT {NUMBER} FROM json_array_elements({listed}) AS entry WHERE {PERSON}"


def _hidden(entry: Any, pseudonym: Callable[[int], int]) -> Any:
    """Return an entry with nothing of a person but the pseudonym and the role; others as they are."""
    number = str(entry.get("selectionid")) if isinstance(entry, dict) else ""
    if not is_id(number) or entry.get("selectiontype") != "user":
        return entry
    shown = str(pseudonym(whole_or(number)))
    return {"selectiontype": "user", "selectionid": shown, "role": entry.get("role")}


class MeetingDetails(LongText):
    """The details of a meeting's log entry: JSON; for an attendee the name, and the id as `ext_user_id`."""

    def parser(self, reading: Reading) -> Parse:
        mention = reading.references.mention

        def mapped(text: str) -> str:
            if '"ext_user_id"' not in text:
                return copy_text(text)
            try:
                details = parse_json(text)
            except ValueError:
                return copy_text(text)
            person = details.get("data") if isinstance(details, dict) else None
            old = str(person.get("ext_user_id")) if isinstance(person, dict) else ""
            if isinstance(person, dict) and old.isascii() and old.isdigit() and len(old) < 19:
                person["ext_user_id"] = type(person["ext_user_id"])(mention("user", int(old)) or 0)
                return copy_text(json.dumps(details, separators=(",", ":")))
            return copy_text(text)

        return mapped
