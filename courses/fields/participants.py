"""Who takes part in a meeting, and who did: JSON with people and roles inside."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from courses.fields.base import Parse, Reading, Rendering, copy_text
from courses.fields.texts import LongText


class Participants(LongText):
    """A list of `{"selectiontype": "user", "selectionid": "12", "role": "moderator"}`; the type may also be `role` or
    `all`. Whom the archive does not bring along is taken off the list; anonymising gives pseudonyms."""

    KINDS: ClassVar[dict[str, str]] = {"user": "user", "role": "role"}

    def parser(self, reading: Reading) -> Parse:
        mention = reading.references.mention

        def mapped(text: str) -> str:
            try:
                entries = json.loads(text)
            except (ValueError, RecursionError):
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
        item_type, old = self.KINDS.get(str(entry.get("selectiontype"))), str(entry.get("selectionid"))
        if item_type is None or not (old.isascii() and old.isdigit() and len(old) < 19):
            return entry
        new = mention(item_type, int(old))
        return None if new is None else {**entry, "selectionid": type(entry["selectionid"])(new)}

    def sql_text(self, column: str, rendering: Rendering) -> str:
        plain = super().sql_text(column, rendering)
        if not rendering.anonymize:
            return plain
        number = rendering.pseudonym("(entry->>'selectionid')::bigint")
        hidden = f"json_build_object('selectiontype', 'user', 'selectionid', ({number})::text, 'role', entry->>'role')"
        person = "entry->>'selectiontype' = 'user' AND entry->>'selectionid' ~ '^[0-9]{1,18}$'"
        entries = (
            f"(SELECT coalesce(json_agg(CASE WHEN {person} THEN {hidden} ELSE entry END), '[]')::text"
            f" FROM json_array_elements({column}::json) AS entry)"
        )
        # What is not a list says nothing that could be read, and may name somebody.
        listed = f"CASE WHEN {column} IS JSON ARRAY THEN {super().sql_text(entries, rendering)} ELSE '' END"
        return f"(CASE WHEN {column} IS NULL THEN NULL ELSE ({listed}) END)"


class MeetingDetails(LongText):
    """What a log of meetings says besides: of somebody who was there the person's name, and the id as `ext_user_id`."""

    def parser(self, reading: Reading) -> Parse:
        mention = reading.references.mention

        def mapped(text: str) -> str:
            if '"ext_user_id"' not in text:
                return copy_text(text)
            try:
                said = json.loads(text)
            except (ValueError, RecursionError):
                return copy_text(text)
            person = said.get("data") if isinstance(said, dict) else None
            old = str(person.get("ext_user_id")) if isinstance(person, dict) else ""
            if isinstance(person, dict) and old.isascii() and old.isdigit() and len(old) < 19:
                person["ext_user_id"] = type(person["ext_user_id"])(mention("user", int(old)) or 0)
                return copy_text(json.dumps(said, separators=(",", ":")))
            return copy_text(text)

        return mapped
