"""Ids in grades: in calculations and paths, of the instance of an item, and of the record that a form was filled in for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from courses import registry
from courses.fields.base import Parse, Reading, Words, copy_text
from courses.fields.numbers import integer
from courses.fields.references import SiblingRef
from courses.fields.texts import LongText

ITEM = re.compile(r"##gi([0-9]{1,18})##")


class Formula(LongText):
    """A grade item's calculation, in which `##gi12##` is the grade item 12."""

    words: ClassVar[Words] = ""

    def parser(self, reading: Reading) -> Parse:
        mention = reading.references.mention
        return lambda text: copy_text(self.renumbered(text, lambda old: mention("grade_item", old)))

    @staticmethod
    def renumbered(text: str, new_id: Callable[[int], int | None]) -> str:
        """Return a calculation with other ids of grade items; an id for which `new_id` returns None stays."""

        def item(found: re.Match[str]) -> str:
            new = new_id(int(found[1]))
            return found[0] if new is None else f"##gi{new}##"

        return ITEM.sub(item, text)


class RefPath(LongText):
    """The ids of a record's ancestors and itself, with slashes around them: `/4/5/`."""

    words: ClassVar[Words] = ""

    def __init__(self, item_type: str = "", *args: Any, **options: Any) -> None:
        self.refers = item_type
        super().__init__(*args, **options)

    def parser(self, reading: Reading) -> Parse:
        item_type, mention = self.refers or "", reading.references.mention

        def mapped(text: str) -> str:
            return "/".join(
                str(mention(item_type, int(integer(part))) or 0) if part else "" for part in text.split("/")
            )

        return mapped


class GradeItemInstance(SiblingRef):
    """The instance of a grade item: the id of an activity instance, or of a category of the gradebook."""

    CATEGORIES: ClassVar[frozenset[str]] = frozenset({"course", "category"})
    by = "itemmodule"

    def item_type_of(self, texts: Mapping[str, str | None]) -> str | None:
        if texts.get("itemtype") in self.CATEGORIES:
            return "grade_category"
        name = texts.get(self.by) or ""
        return name if texts.get("itemtype") == "mod" and name.isidentifier() else None


class GradedItemRef(SiblingRef):
    """The id of the grade that a grading form was filled in for; its item type depends on the area around the form.

    `ArchiveMeta.graded` of the model names the area.
    """

    above = ("area/areaname",)

    def item_type_of(self, texts: Mapping[str, str | None]) -> str | None:
        return registry.graded_item_types().get(texts.get("area/areaname") or "")
