"""The configuration of blocks: Base64 of a serialised object, with ids and links inside."""

from __future__ import annotations

from collections.abc import Mapping

from archive import serialised
from courses import blocks
from courses.fields.base import NULL, Reading, copy_text
from courses.fields.texts import LongText
from courses.links import Known, renumber


class BlockConfiguration(LongText):
    """What a block was told. Ids are those of the site, as its kind says (`courses.blocks`); links stay tokens, with the
    site's ids in them."""

    links = True
    marked = False
    needs_row = True

    def parse_in_row(self, text: str, texts: Mapping[str, str | None], reading: Reading) -> str | None:
        named = blocks.kind_named(texts.get("blockname") or "").ids
        if not named:
            return copy_text(text)
        said = serialised.strings(text)
        kinds = {name: said.get(kind[1:], "") if kind.startswith("=") else kind for name, kind in named.items()}

        def mapped(kind: str, old: int) -> int:
            new = reading.references.mention(kind, old) if kind and old > 0 else old
            return 0 if new is None else new

        numbers = {name: (lambda old, kind=kind: mapped(kind, old)) for name, kind in kinds.items()}
        return copy_text(serialised.rewrite_strings(text, numbers=numbers))

    def holds_links(self, text: str) -> bool:
        return text not in ("", NULL)

    def relink(self, text: str, *, known: Known, root: str, original: str) -> str:
        return serialised.rewrite_strings(text, lambda inner: renumber(inner, known=known, original=original))
