"""Find which records the records of an archive's member refer to, before any of them is restored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from lxml import etree

from archive import xml
from archive.container import Archive
from archive.numbers import natural
from courses.fields import (
    NULL,
    ArchiveField,
    Code,
    ConditionTree,
    Int,
    LongText,
    Moment,
    Number,
    Reading,
    Real,
    RichText,
    Text,
    plain_number,
)
from courses.fields.mentioned import MentionedIds
from courses.structure import Element, Wrapper, elements_of

Record = tuple[str, int]
"""The item type and the old id of a record."""

PLAIN = frozenset({Code, Int, LongText, Moment, Number, Real, RichText, Text})
"""The field classes whose values refer to nothing but by links in texts."""


class Mentions(NamedTuple):
    """A record of a member, and the records to which it refers. `top` is the record around it that is in no other."""

    top: Record
    named: frozenset[Record]


class _Fields:
    """The fields of the records with one tag that may refer to other records."""

    def __init__(self, fields: Collection[ArchiveField], reading: Reading) -> None:
        self.conditions = [field for field in fields if isinstance(field, ConditionTree)]
        others = [field for field in fields if not isinstance(field, ConditionTree)]
        self.of_row = [field for field in others if field.needs_row]
        self.single = [(field, field.parser(reading)) for field in others if not field.needs_row]
        self.reading = reading

    def note(self, node: etree._Element, noted: MentionedIds) -> None:
        """Note what a record refers to. A value that its field refuses refers to nothing: the restore says what is wrong."""
        for field, parse in self.single:
            text = node.get(field.tag) if field.attribute else node.findtext(field.tag)
            if text and text != NULL:
                try:
                    parse(text)
                except ValueError:
                    continue
        for field in self.conditions:
            noted.found.update(field.mentioned(node.findtext(field.tag)))
        texts = {str(child.tag): child.text for child in node} if self.of_row else {}
        for field in self.of_row:
            text = texts.get(field.tag)
            if text and text != NULL:
                try:
                    field.parse_in_row(text, texts, self.reading)
                except ValueError:
                    continue


def mentions_in(
    archive: Archive,
    path: str,
    body: Iterable[Wrapper | Element],
    *,
    item_types: Collection[str],
    userdata: bool,
    without: Collection[str] = (),
) -> Iterator[Mentions]:
    """Yield what each record of a member refers to, inner records before those around them.

    Fields that refer to one item type are looked at if it is among `item_types`. Records of userdata are passed over without
    `userdata`, those of an option in `without` always. Memory does not grow with the member. Raises DamagedArchive for
    malformed XML; nothing is yielded if the archive lacks the member.
    """
    if path not in archive:
        return
    noted = MentionedIds()
    tops = {element.tag: element.item_type for element in elements_of(body)}
    fields = _fields(elements_of(body), item_types, userdata=userdata, without=without)
    readers = {tag: _Fields(found, Reading(noted)) for tag, found in fields.items()}
    with archive.open(path) as stream:
        for _, node in xml.events(stream, member=path, tags=set(readers)):
            if not len(node):
                continue  # an element of a record that has the name of another record
            noted.found.clear()
            readers[str(node.tag)].note(node, noted)
            top = node if node.tag in tops else next(node.iterancestors(*tops), node)
            number = natural(plain_number(top.get("id", "0"))) or 0
            yield Mentions((tops.get(str(top.tag), ""), number), frozenset(noted.found))
            parent = node.getparent()
            if parent is not None:
                parent.remove(node)


def _fields(
    elements: Iterable[Element], item_types: Collection[str], *, userdata: bool, without: Collection[str]
) -> dict[str, list[ArchiveField]]:
    """Return the fields to look at by the records' tag, also for a tag without any: records of several models may share one."""
    found: defaultdict[str, list[ArchiveField]] = defaultdict(list)
    for element in elements:
        for one in element.walk():
            meta, fields = one.model.archive_meta, found[one.tag]
            if meta.option not in without and (userdata or meta.person or not meta.userdata):
                fields += (f for f in (*one.attributes, *one.leaves) if _may_refer(f, item_types))
    return found


def _may_refer(field: ArchiveField, item_types: Collection[str]) -> bool:
    """Whether values of a field may refer to records of these item types."""
    if type(field) in PLAIN or field.secret:
        return False
    return field.refers is None or field.refers in item_types
