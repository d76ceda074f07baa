"""The configuration of blocks: Base64 of a serialised PHP object, with ids and links inside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from archive import serialised
from courses import registry
from courses.fields.base import NULL, Reading, Words, copy_text
from courses.fields.texts import LongText
from courses.links import Known, renumber


class BlockConfiguration(LongText):
    """A block instance's `configdata`. The ids in it are mapped as the block type declares (`courses.blocks`); links in it
    stay tokens, with this site's ids.
    """

    words: ClassVar[Words] = "serialised"
    links = True
    marked = False
    needs_row = True

    def parse_in_row(self, text: str, texts: Mapping[str, str | None], reading: Reading) -> str | None:
        declared = registry.block_ids(texts.get("blockname") or "")
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

    def holds_links(self, text: str) -> bool:
        return text not in ("", NULL)

    def relink(self, text: str, *, known: Known, root: str, original: str) -> str:
        return serialised.rewrite_strings(text, lambda inner: renumber(inner, known=known, original=original))
