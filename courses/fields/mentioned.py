"""The ids that parsers of fields mention, noted instead of mapped."""

from __future__ import annotations


class MentionedIds:
    """An id map (`courses.fields.base.References`) that notes in `found` what is mentioned; every id stays as it is."""

    def __init__(self) -> None:
        self.found: set[tuple[str, int]] = set()

    def mention(self, item_type: str, old: int) -> int:
        """Note a reference, as item type and id, and return the id."""
        self.found.add((item_type, old))
        return old
