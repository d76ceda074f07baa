"""People as versions before 4.0 have them, read as those of today."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from archive.container import Archive
from archive.older.rewriter import OfRecord, is_set, leaf, written

SOCIAL = ("icq", "skype", "aim", "yahoo", "msn", "url")
"""The social fields of an account, which are profile fields of the site now, of the type "social"."""


class SocialFields(OfRecord):
    """Makes fields of the site of what an account said of its owner's other places, so that they are hidden as those are."""

    record = ("users", "user")
    takes = frozenset(SOCIAL)

    def __init__(self, archive: Archive, member: str) -> None:
        super().__init__(archive, member)
        self._written = False

    def first(self, tag: str) -> str:
        if self._here():
            self._written = False
        return super().first(tag)

    def last(self, tag: str) -> str:
        if tuple(self.path) == (*self.record, "custom_fields"):
            self._written = True
            return "".join(written(field) for field in self._fields())
        return super().last(tag)

    def rest(self) -> Iterator[etree._Element]:
        fields = [] if self._written else list(self._fields())
        if fields:
            wrapper = etree.Element("custom_fields")
            wrapper.extend(fields)
            yield wrapper

    def _fields(self) -> Iterator[etree._Element]:
        for name in SOCIAL:
            if is_set(text := self.text(name)):
                field = etree.Element("custom_field", {"id": "0"})
                field.extend(
                    (leaf("field_name", name), leaf("field_type", "social"), leaf("field_data", text))
                )
                yield field
