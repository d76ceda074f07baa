"""Fields of settings that hold ids, whose item type follows from the setting's name: of blocks and of course formats."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from archive import references, serialised
from archive.numbers import natural
from courses import registry
from courses.fields.base import NULL, Reading, Words, copy_text
from courses.fields.texts import LongText
from courses.links import Known, renumber

SETTING_ITEM_TYPES = frozenset({"group", "grouping", "course_module", "course_section"})
"""Item types that the name of a setting can tell: `groupid`, `cmid`, `sectionids`."""


def item_type_of_setting(name: str) -> str:
    """Return the item type of the ids in a setting that nobody described, as its name says it; "" if it says none."""
    name = name.lower().removesuffix("[]")
    by_name = references.by_name()
    found = by_name.get(name) or by_name.get(name.removesuffix("s")) or ""
    return found if found in SETTING_ITEM_TYPES else ""


class FormatOptionValue(LongText):
    """The value of a course format's option: an id, or ids with commas between, where the element `name` tells so."""

    needs_row = True

    def parse_in_row(self, text: str, texts: Mapping[str, str | None], reading: Reading) -> str | None:
        item_type = item_type_of_setting(texts.get("name") or "")
        olds = [natural(part.strip()) for part in text.split(",")] if item_type else []
        if not olds or not all(olds):
            return copy_text(text)
        return ",".join(str(reading.references.mention(item_type, old or 0) or 0) for old in olds)


class BlockConfiguration(LongText):
    """A block instance's `configdata`. The ids in it are mapped as the block type declares (`courses.blocks`), others by the
    names of their properties; links in it stay tokens, with this site's ids.
    """

    words: ClassVar[Words] = "serialised"
    links = True
    marked = False
    needs_row = True

    def parse_in_row(self, text: str, texts: Mapping[str, str | None], reading: Reading) -> str | None:
        declared = self.item_types(text, texts.get("blockname") or "")
        if not declared:
            return copy_text(text)
        strings = serialised.strings(text)
        item_types = {
            name: strings.get(item_type[1:], "") if item_type.startswith("=") else item_type
            for name, item_type in declared.items()
        }

        def mapped(item_type: str, old: int) -> int:
            new = reading.references.mention(item_type, old) if item_type and old > 0 else old
            return 0 if new is None else new

        numbers = {
            name: (lambda old, item_type=item_type: mapped(item_type, old))
            for name, item_type in item_types.items()
        }
        return copy_text(serialised.rewrite_strings(text, numbers=numbers))

    @staticmethod
    def item_types(text: str, blockname: str) -> dict[str, str]:
        """Return the properties of a configuration that are ids, as `BlockType.ids` has them."""
        names = (f"{name}{mark}" for name in serialised.texts(text) for mark in ("", "[]"))
        told = {name: item_type for name in names if (item_type := item_type_of_setting(name))}
        return {**told, **registry.block_ids(blockname)}

    def holds_links(self, text: str) -> bool:
        return text not in ("", NULL)

    def relink(self, text: str, *, known: Known, root: str, original: str) -> str:
        return serialised.rewrite_strings(text, lambda inner: renumber(inner, known=known, original=original))
