"""Names with ids inside: the parameters of a badge's criteria."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from courses.fields.base import Reading
from courses.fields.numbers import digits_or_text
from courses.fields.texts import Text

NAMED = re.compile(r"([a-z]+_)([0-9]{1,18})\Z")


class CriterionText(Text):
    """The name or the value of a parameter of a badge's criterion: `module_687` and `687`, `bydate_687` and a time.

    `criteriatype` decides the item type of the id (Moodle's `badge_criteria_*`). An id without a new one becomes 0, so that
    it is never another record of this site.
    """

    needs_row = True
    ITEM_TYPES: ClassVar[dict[str, str]] = {
        "1": "course_module",
        "2": "role",
        "4": "course",
        "5": "course",
        "7": "badge",
    }
    OWN_ID: ClassVar[frozenset[str]] = frozenset({"module_", "role_", "course_", "badge_"})

    def parse_in_row(self, text: str, texts: Mapping[str, str | None], reading: Reading) -> str | None:
        item_type = self.ITEM_TYPES.get(digits_or_text(texts.get("criteriatype")))
        name = NAMED.match(texts.get("name") or "")
        if item_type is None or name is None:
            return self.fitting(text)
        new = reading.references.mention(item_type, int(name[2])) or 0
        if text == name[0]:
            return self.fitting(f"{name[1]}{new}")
        return str(new) if name[1] in self.OWN_ID and text == name[2] else self.fitting(text)
