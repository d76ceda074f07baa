"""What logs note of an event: the record that it was about, its page, and further ids in a packed value.

The events of Moodle say which item type each of these ids is of; the tables here and those of the activity types are read off
them.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from typing import ClassVar

from archive import serialised
from courses import links, registry
from courses.fields.base import Reading, copy_text
from courses.fields.references import SiblingRef
from courses.fields.texts import LongText, Text


class LoggedObject(SiblingRef):
    """The record that an event was about; `objecttable` names Moodle's table of it, which mostly is the kind's plural."""

    TABLES: ClassVar[dict[str, str]] = {"badge_criteria": "criterion"}

    def item_type_of(self, texts: Mapping[str, str | None]) -> str | None:
        table = texts.get("objecttable") or ""
        tables = {**self.TABLES, **registry.logged_tables()}
        names = (tables.get(table, table), table.removesuffix("s"), f"{table.removesuffix('ies')}y")
        return next((name for name in names if registry.model_of_item_type(name) is not None), None)


class LoggedAddress(Text):
    """The page that somebody was on, from the folder of the `module` on: `view.php?id=12`."""

    needs_row = True

    def parse_in_row(self, text: str, texts: Mapping[str, str | None], reading: Reading) -> str | None:
        module = texts.get("module") or ""
        folder = "/course/" if module == "course" else f"/mod/{module}/"
        tokens = links.encode(f"{folder}{text}", root="")
        page = links.decode(tokens, known=reading.references.mention, root="", original="").removeprefix(
            folder
        )
        whole = self.max_length is None or len(page) <= self.max_length
        return super().parser(reading)(page if whole else text)


class LoggedDetails(LongText):
    """What else an event said: Base64 of JSON or of a serialised array, whose names tell which of its values are ids."""

    needs_row = True
    KINDS: ClassVar[dict[str, str]] = {
        **{f"{name}id": name for name in ("badge", "course", "group")},
        **dict.fromkeys(("userid", "relateduserid", "submitterid", "overrideby", "markerid"), "user"),
        **dict.fromkeys(("cmid", "modid"), "course_module"),
        **dict.fromkeys(("categoryid", "oldcategoryid", "newcategoryid"), "question_category"),
        "group": "group",
        "newquestionid": "question",
        "repeatid": "event",
    }
    """Item types by the names of ids that are no activity type's; `ActivityType.logged_ids` has the others."""

    def parse_in_row(self, text: str, texts: Mapping[str, str | None], reading: Reading) -> str | None:
        item_types = {**self.KINDS, **registry.logged_ids(texts.get("component") or "")}
        mention = reading.references.mention

        def mapped(item_type: str) -> Callable[[int], int]:
            return lambda old: (mention(item_type, old) or 0) if old > 0 else old

        numbers = {name: mapped(item_type) for name, item_type in item_types.items()}
        return copy_text(_rewritten(text, numbers))


def _rewritten(encoded: str, numbers: Mapping[str, Callable[[int], int]]) -> str:
    try:
        said = json.loads(base64.b64decode(encoded, validate=True))
    except (binascii.Error, ValueError, RecursionError):
        return serialised.rewrite_strings(encoded, numbers=numbers)
    if not isinstance(said, dict):
        return encoded
    new = {name: _renumbered(value, numbers.get(name)) for name, value in said.items()}
    if new == said:
        return encoded
    return base64.b64encode(json.dumps(new, separators=(",", ":")).encode()).decode()


def _renumbered(value: object, number: Callable[[int], int] | None) -> object:
    """An id as a number or as a text; anything else as it is."""
    if number is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return number(value)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return str(number(int(value)))
    return value
