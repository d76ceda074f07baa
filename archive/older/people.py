"""Rewrites people of versions before 4.0 into the form of Moodle 4.5."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from archive.container import Archive
from archive.older.rewriter import OfRecord, as_xml, is_set, leaf

SOCIAL = ("icq", "skype", "aim", "yahoo", "msn", "url")
"""The social fields of an account, which are profile fields of type "social" since 4.0."""


class SocialFields(OfRecord):
    """Moves the social fields of an account into profile fields, so that they are hidden as those are."""

    record = ("users", "user")
    takes = frozenset(SOCIAL)

    def __init__(self, archive: Archive, member: str) -> None:
        super().__init__(archive, member)
        self._are_written = False

    def first(self, tag: str) -> str:
        if self._here():
            self._are_written = False
        return super().first(tag)

    def last(self, tag: str) -> str:
        if tuple(self.path) == (*self.record, "custom_fields"):
            self._are_written = True
            return "".join(as_xml(field) for field in self._fields())
        return super().last(tag)

    def rest(self) -> Iterator[etree._Element]:
        fields = [] if self._are_written else list(self._fields())
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
