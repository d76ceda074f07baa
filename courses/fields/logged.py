"""Ids in log entries: the record of an event, its page, and further ids in a packed value.

Moodle's events define the item types of these ids; the tables here and those of the activity types repeat them.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from typing import ClassVar

from archive import serialised
from archive.json_text import parse_json
from courses import links, registry
from courses.fields.base import Parse, Reading, Words, copy_text
from courses.fields.references import Ref, SiblingRef, UserRef
from courses.fields.texts import LongText, Text

UNKNOWN_PERSON = "-1"
"""The id of a person whom an entry names and who is not here."""


class LoggedUserRef(UserRef):
    """A person whom an entry names beside the one who did it; `UNKNOWN_PERSON` if they did not come, NULL if there is none.

    Without the difference an entry about somebody would become one about nobody, and one of a person who had logged in as
    another would become the other's own. Moodle leaves out an entry of a person that it cannot map, and so does with -1.
    """

    def parser(self, reading: Reading) -> Parse:
        mapped = Ref.parser(self, reading)
        empty = {"", "0"}

        def known(text: str) -> str | None:
            new = mapped(text)
            return UNKNOWN_PERSON if new is None and text.strip() not in empty else new

        return known


class LoggedObject(SiblingRef):
    """The id of the record that an event is about; `objecttable` names its table in Moodle, which mostly is the item type's
    plural.
    """

    TABLES: ClassVar[dict[str, str]] = {"badge_criteria": "criterion"}

    def item_type_of(self, texts: Mapping[str, str | None]) -> str | None:
        table = texts.get("objecttable") or ""
        tables = {**self.TABLES, **registry.logged_tables()}
        names = (tables.get(table, table), table.removesuffix("s"), f"{table.removesuffix('ies')}y")
        return next((name for name in names if registry.model_of_item_type(name) is not None), None)


class LoggedAddress(Text):
    """The address of a page, relative to the folder of the `module`: `view.php?id=12`."""

    words: ClassVar[Words] = ""
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
    """Further values of an event: Base64 of JSON or of a serialised PHP array, in which the names tell the ids."""

    words: ClassVar[Words] = "serialised"
    needs_row = True
    ITEM_TYPES: ClassVar[dict[str, str]] = {
        **{f"{name}id": name for name in ("badge", "course", "group")},
        **dict.fromkeys(("userid", "relateduserid", "submitterid", "overrideby", "markerid"), "user"),
        **dict.fromkeys(("cmid", "modid"), "course_module"),
        **dict.fromkeys(("categoryid", "oldcategoryid", "newcategoryid"), "question_category"),
        "group": "group",
        "newquestionid": "question",
        "repeatid": "event",
    }
    """Item types by the names of ids that belong to no activity type; `ActivityType.logged_ids` has the others."""

    def parse_in_row(self, text: str, texts: Mapping[str, str | None], reading: Reading) -> str | None:
        item_types = {**self.ITEM_TYPES, **registry.logged_ids(texts.get("component") or "")}
        mention = reading.references.mention

        def mapped(item_type: str) -> Callable[[int], int]:
            return lambda old: (mention(item_type, old) or 0) if old > 0 else old

        numbers = {name: mapped(item_type) for name, item_type in item_types.items()}
        return copy_text(_rewritten(text, numbers))


def _rewritten(encoded: str, numbers: Mapping[str, Callable[[int], int]]) -> str:
    try:
        details = parse_json(base64.b64decode(encoded, validate=True))
    except (binascii.Error, ValueError):
        return serialised.rewrite_strings(encoded, numbers=numbers)
    if not isinstance(details, dict):
        return encoded
    new = {name: _renumbered(value, numbers.get(name)) for name, value in details.items()}
    if new == details:
        return encoded
    return base64.b64encode(json.dumps(new, separators=(",", ":")).encode()).decode()


def _renumbered(value: object, number: Callable[[int], int] | None) -> object:
    """Return an id as a number or a text with its new id; any other value is unchanged."""
    if number is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return number(value)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return str(number(int(value)))
    return value
