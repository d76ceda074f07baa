"""Strict comparison of two archives of the same course, which may differ only in ids.

Stricter than `compare`: everything has to be in the same order with the same text, and an id of the first archive has to be
the same id everywhere in the second. `wrongly_written` compares an archive with the rows that it was made of.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.conf import settings
from lxml import etree

from archive import xml
from archive.container import Archive
from archive.manifest import Manifest, read_manifest
from courses import encryption, links, structure
from courses.fields import (
    NULL,
    ArchiveField,
    ConditionTree,
    Formula,
    Number,
    Real,
    RefList,
    RefPath,
    ScaleOrMaximum,
    SiblingRef,
)
from courses.fields.answers import ChosenAnswers
from courses.fields.banks import FilterConditions
from courses.fields.logged import LoggedDetails
from courses.fields.participants import MeetingDetails, Participants
from courses.fields.secrets import Secret
from courses.members import Described, description_of
from courses.structure import Element

TOKEN_IDS = re.compile(r"(\$@[A-Z0-9]+)(?:\*[0-9]+)+(?=@\$)")
NUMBERS = re.compile(r"[0-9]+")
SAME = frozenset({"0", "-1", NULL})


class StrictComparison:
    """Compare two archives side by side; `differences` are sentences, `fields` counts the compared values."""

    def __init__(self, first: Archive, second: Archive) -> None:
        self.first, self.second = first, second
        self.differences: list[str] = []
        self.fields = 0
        self._ids: dict[tuple[str, str], str] = {}
        self._taken: dict[tuple[str, str], str] = {}

    def run(self) -> list[str]:
        """Compare all described members and return the differences."""
        for ours, theirs, one in self._members():
            first = xml.parse(self.first.read(ours), member=ours)
            second = xml.parse(self.second.read(theirs), member=theirs)
            if one.record is not None:
                self._record(one.record, first, second, ours)
                continue
            for name in one.attributes:
                if name == "modulename":
                    self._same(first.get(name), second.get(name), ours)
            for element in structure.elements_of(one.body):
                self._records(element, first, second, ours)
        return self.differences

    def _members(self) -> Iterator[tuple[str, str, Described]]:
        """Yield the described members of both, side by side: sections and activities in the order of their lists."""
        ours, theirs = (_directories(read_manifest(archive)) for archive in (self.first, self.second))
        blocks = [
            sorted({_block(path) for path in archive.members} - {""}, key=_number)
            for archive in (self.first, self.second)
        ]
        folders = dict(zip(ours, theirs, strict=True))
        pairs = {}
        folders |= dict(zip(*blocks, strict=True))
        for path in self.first.members:
            folder = _block(path) or "/".join(path.split("/")[:2])
            pairs[path] = path.replace(folder, folders[folder]) if folder in folders else path
        assert sorted(pairs.values()) == sorted(self.second.members), "The members are not the same."
        for path, other in sorted(pairs.items()):
            one = description_of(path)
            if one is not None and not one.opaque:
                yield path, other, one

    def _records(self, element: Element, first: etree._Element, second: etree._Element, where: str) -> None:
        if element.shown:
            return
        ours, theirs = (each.findall("/".join(element.path)) for each in (first, second))
        place = f"{where} {'/'.join(element.path)}"
        if len(ours) != len(theirs):
            self.differences.append(f"{place}: {len(ours)} records became {len(theirs)}")
        for mine, other in zip(ours, theirs, strict=False):
            self._record(element, mine, other, place)

    def _record(self, element: Element, first: etree._Element, second: etree._Element, where: str) -> None:
        place = f"{where}[{first.get('id', '')}]"
        if element.model.archive_meta.numbered and element.model.archive_meta.unique:
            self._refer(element.item_type, first.get("id", ""), second.get("id", ""), f"{place} @id")
        self._same([child.tag for child in first], [child.tag for child in second], place)
        for field in (*element.attributes, *element.leaves):
            ours, theirs = (_text(field, node) for node in (first, second))
            self.fields += 1
            self._value(field, ours, theirs, f"{place} {field.tag}", first)
        for child in element.children():
            self._records(child, first, second, place)

    def _value(
        self, field: ArchiveField, ours: str | None, theirs: str | None, place: str, node: etree._Element
    ) -> None:
        if ours is None or theirs is None or NULL in (ours, theirs):
            self._same(ours, theirs, place)
        elif isinstance(field, RefList):
            for mine, other in zip(ours.split(","), theirs.split(","), strict=True):
                self._refer(field.refers or "", mine, other, place)
        elif isinstance(field, SiblingRef):
            item_type = field.item_type_of({str(child.tag): child.text for child in node})
            self._refer(item_type or place, ours, theirs, place)
        elif isinstance(field, LoggedDetails):
            mine, other = (base64.b64decode(text).decode() for text in (ours, theirs))
            self._same(NUMBERS.sub("#", mine), NUMBERS.sub("#", other), place)
        elif isinstance(field, ConditionTree | FilterConditions | MeetingDetails | Participants):
            self._same(NUMBERS.sub("#", ours), NUMBERS.sub("#", theirs), place)
        elif isinstance(field, ScaleOrMaximum) and not ours.startswith("-"):
            self._same(ours, theirs, place)
        elif isinstance(field, Formula | RefPath):
            self._same(NUMBERS.sub("#", ours), NUMBERS.sub("#", theirs), place)
        elif isinstance(field, ChosenAnswers):
            self._same(ours, theirs, place)
        elif field.refers:
            self._refer(field.refers, ours, theirs, place)
        else:
            self._same(TOKEN_IDS.sub(r"\1", ours), TOKEN_IDS.sub(r"\1", theirs), place)

    def _refer(self, item_type: str, ours: str, theirs: str, place: str) -> None:
        if ours in SAME or theirs in SAME:
            self._same(ours, theirs, place)
            return
        ours, theirs = ours.removeprefix("-"), theirs.removeprefix("-")
        known = self._ids.setdefault((item_type, ours), theirs)
        back = self._taken.setdefault((item_type, theirs), ours)
        if (known, back) != (theirs, ours):
            self.differences.append(f"{place}: {item_type} {ours} is {known} elsewhere and {theirs} here")

    def _same(self, ours: object, theirs: object, place: str) -> None:
        if ours != theirs:
            self.differences.append(f"{place}: {ours!r} became {theirs!r}")


def _block(path: str) -> str:
    """Return the folder of a block from the path of its member; "" for any other path."""
    above, blocks, inside = path.partition("/blocks/")
    return f"{above}{blocks}{inside.partition('/')[0]}" if blocks else ""


def _number(folder: str) -> int:
    return int(folder.rpartition("_")[2])


def _text(field: ArchiveField, node: etree._Element) -> str | None:
    if field.attribute:
        return node.get(field.tag)
    child = node.find(field.tag)
    return None if child is None else child.text or ""


def _directories(manifest: Manifest) -> list[str]:
    """Return the folders of the sections, then of the activities, in the order of the manifest."""
    sections = [section.directory for section in manifest.sections]
    return sections + [activity.directory for activity in manifest.activities]


def wrongly_written(archive: Archive, rows: dict[structure.Model, list[Any]]) -> list[str]:
    """Return a sentence for each value in an archive that is not that of the row that it was made of."""
    found: dict[tuple[structure.Model, str], etree._Element] = {}
    wrong: list[str] = []
    for path in archive.members:
        one = description_of(path) if path.endswith(".xml") else None
        if one is None or one.opaque:
            continue
        root = xml.parse(archive.read(path), member=path)
        tops = [(one.record, [root])] if one.record else []
        tops += [(each, root.findall("/".join(each.path))) for each in structure.elements_of(one.body)]
        for element, nodes in tops:
            for node in nodes:
                _collect(element, node, found)
    for model, records in rows.items():
        if not model.archive_meta.numbered:
            continue
        element = structure.element(model)
        for record in records:
            written = found.get((model, str(record.pk)))
            if written is None:
                wrong.append(f"{model.__name__} {record.pk} is not in the archive")
                continue
            for field in (*element.attributes, *element.leaves):
                text, expected = _text(field, written), _expected(field, record)
                if isinstance(field, Secret) and text not in (None, "", NULL):
                    text = encryption.reveal(text)
                if text != expected and not (
                    isinstance(field, Real) and float(text or "nan") == float(expected or "nan")
                ):
                    wrong.append(
                        f"{model.__name__} {record.pk} {field.tag}: {expected!r} is written as {text!r}"
                    )
    return wrong


def _collect(
    element: Element, node: etree._Element, found: dict[tuple[structure.Model, str], etree._Element]
) -> None:
    found[element.model, node.get("id", "")] = node
    for child in element.children():
        for inner in node.findall("/".join(child.path)):
            _collect(child, inner, found)


def _expected(field: ArchiveField, record: Any) -> str | None:
    value = getattr(record, field.attname)
    if value is None:
        return None if field.optional else NULL
    if isinstance(field, Number):
        return f"{Decimal(value):.{field.decimal_places}f}"
    if isinstance(value, str):
        return (
            xml.parse(
                f"<x>{links.encode(xml.escape(value), root=settings.SITE_URL)}</x>".encode(), member="x"
            ).text
            or ""
        )
    return str(value)
