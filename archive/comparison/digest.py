"""Digests: sums of hashes of the values of one XML member, without ids. Equal sums mean equal contents in any order.

    <post id="62"><userid>12</userid><subject>Hello</subject></post>

    records  .../post           + hash of path and fields ("userid", "user:'anna'"), ("subject", "Hello")
    values   .../post/subject   + hash of "Hello"
    references .../post/userid  + hash of "user:'anna'"

The member is read once, in a stream. A record is an element with fields of its own; its hash is made of its
own fields only, so one changed value changes one record. There is a sum for each path, so it is known where members
differ before they are read again.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from lxml import etree

from archive import references, xml
from archive.comparison.canonical import Rule
from archive.comparison.identities import Identities
from archive.comparison.rules import ATTRIBUTES_ASIDE, RECORDS_ASIDE, rule_for
from archive.container import Archive

READ = "{coursekeep}read"
ENCRYPTED = "encrypted"
WIDTH = (1 << 64) - 1


class Field(NamedTuple):
    """A value of a record. Names of attributes start with `@`; `canonical` is None if not compared, `raw` is the text."""

    name: str
    canonical: str | None
    rule: Rule
    raw: str

    @property
    def compared(self) -> tuple[str, str | None]:
        """Return the part that is compared: the name and the canonical value."""
        return self.name, self.canonical


class Inner(NamedTuple):
    """Path and hash of a record right below another one."""

    path: str
    hash: int


@dataclass(slots=True)
class Sum:
    """A count, and the sum of the hashes modulo 2**64."""

    count: int = 0
    total: int = 0

    def add(self, value: int) -> None:
        self.count += 1
        self.total = (self.total + value) & WIDTH


Sums = defaultdict[str, Sum]


def _sums() -> Sums:
    return defaultdict(Sum)


@dataclass(slots=True)
class Digest:
    """The sums of a member by path.

    `values` and `references` count fields, `records` whole records, `places` pairs of a record and a record right below it,
    `links` pairs of a record and the record of the same member that it refers to.
    """

    values: Sums = field(default_factory=_sums)
    references: Sums = field(default_factory=_sums)
    records: Sums = field(default_factory=_sums)
    places: Sums = field(default_factory=_sums)
    links: Sums = field(default_factory=_sums)

    @property
    def leaves(self) -> int:
        """Return the number of values."""
        return sum(each.count for each in self.values.values())

    def unknown_fields(self, other: Digest) -> frozenset[str]:
        """Return the places of fields that only `other` has, in records of paths that both have."""
        mine = self.values.keys() | self.references.keys()
        only = (other.values.keys() | other.references.keys()) - mine
        return frozenset(place for place in only if place.rpartition("/")[0] in self.records)

    def count(self, place: str) -> int:
        """Return the number of fields at a place."""
        return sum(sums[place].count for sums in (self.values, self.references) if place in sums)


@dataclass(slots=True)
class Record:
    """A record: its path, its hash, its own fields, its id ("" for none) and the records right below it.

    `behind` is the name of its first leaf with a value that stands behind a nested element; "" if there is none.
    """

    path: str
    hash: int
    fields: list[Field]
    identifier: str
    inner: list[Inner]
    behind: str = ""


def digest(
    archive: Archive, path: str, known: Identities, *, without: frozenset[str] = frozenset()
) -> Digest:
    """Return the digest of a member, without the fields at the places `without`. Raises DamagedArchive for malformed XML."""
    sums, links = Digest(), _Links()
    for record in read_records(archive, path, known, without=without):
        sums.records[record.path].add(record.hash)
        for inner in record.inner:
            sums.places[inner.path].add(hash((record.hash, inner.hash)))
        for each in record.fields:
            place = f"{record.path}/{each.name}"
            if each.rule.comparison == "value":
                sums.values[place].add(hash(each.canonical))
            elif each.rule.comparison == "local":
                links.add(place, each, record.hash)
            elif each.canonical is not None:
                sums.references[place].add(hash(each.canonical))
        links.add_target(record)
    links.count(sums.links)
    return sums


class _Links:
    """References to records of the same member, which may stand before or after their target."""

    def __init__(self) -> None:
        self._targets: dict[str, dict[str, int]] = {element: {} for element in references.elements()}
        self._pending: dict[tuple[str, tuple[str, ...]], tuple[array[int], list[str]]] = {}

    def add(self, place: str, reference: Field, source: int) -> None:
        """Note a reference of the record with the hash `source`."""
        if reference.raw != "0" and xml.is_id(reference.raw):
            sources, ids = self._pending.setdefault((place, reference.rule.elements), (array("q"), []))
            sources.append(source)
            ids.append(reference.raw)

    def add_target(self, record: Record) -> None:
        """Note a record that others may refer to."""
        element = record.path.rpartition("/")[2]
        if record.identifier and element in self._targets:
            self._targets[element][record.identifier] = record.hash

    def count(self, sums: Sums) -> None:
        """Add each reference whose target is in the member to `sums`, under the place of the reference."""
        for (place, elements), (sources, ids) in self._pending.items():
            for source, identifier in zip(sources, ids, strict=True):
                found = (self._targets[element].get(identifier) for element in elements)
                target = next((each for each in found if each is not None), None)
                if target is not None:
                    sums[place].add(hash((source, target)))


def read_records(
    archive: Archive,
    path: str,
    known: Identities,
    *,
    without: frozenset[str] = frozenset(),
    with_inner: bool = True,
) -> Iterator[Record]:
    """Yield each record of a member, inner ones first. Raises DamagedArchive for malformed XML.

    `without` are the places of fields to leave out: the path of a record, a slash, and the name of the field. Without
    `with_inner` the `inner` of records are empty, which saves memory.
    """
    reader = _Reader(known, without, with_inner=with_inner)
    with archive.open(path) as stream:
        for _, element in xml.events(stream, member=path):
            if len(element):
                record = reader.read(element)
                if record is not None:
                    yield record


class _Reader:
    """Turns elements into records. An element that was read is removed from its parent.

    Until its parent is read, the first one of it stays and is called `READ`, so that the parent is not taken for a leaf.
    """

    def __init__(self, known: Identities, without: frozenset[str], *, with_inner: bool) -> None:
        self._known = known
        self._without = without
        self._with_inner = with_inner
        self._rules: dict[str, dict[str, Rule]] = {}
        self._below: dict[int, list[Inner]] = {}
        self._first: dict[int, etree._Element] = {}

    def read(self, element: etree._Element) -> Record | None:
        parts = _parts(element)
        path, depth = "/".join(parts), len(parts)
        inner = self._below.pop(depth + 1, [])
        if path in RECORDS_ASIDE:
            self._clear(element, depth)
            return None
        rules = self._rules.setdefault(path, {})
        fields = self._attributes(element, path)
        nested, behind = False, ""
        for child in element:
            text, tag = child.text or "", str(child.tag)
            if tag == READ:
                nested = True
                continue
            if child.keys():
                inside = self._attributes(child, f"{path}/{tag}")
                fields += [each._replace(name=f"{tag}/{each.name}") for each in inside]
            if text[:1] == "\n" and not text.strip():
                continue  # a list with nothing in it
            if text in ("", xml.NULL) and references.added() & {(parts[-1], tag), ("", tag)}:
                continue  # archives of 4.5 do not have it
            if nested and not behind and text.strip() not in ("", xml.NULL):
                behind = tag
            rule = rules.get(tag)
            if rule is None:
                rule = rules[tag] = rule_for(f"{path}/{tag}")
            fields.append(Field(tag, self._canonical(child, text, rule), rule, text))
        if self._without:
            fields = [each for each in fields if f"{path}/{each.name}" not in self._without]
        identifier = element.get("id", "")
        is_record = bool(fields or identifier)
        own = sum(hash(each.compared) for each in fields if each.canonical is not None)
        hashed = hash((path, own)) if is_record else 0
        self._clear(element, depth)
        if self._with_inner and depth > 1:
            self._below.setdefault(depth, []).extend([Inner(path, hashed)] if is_record else inner)
        return Record(path, hashed, fields, identifier, inner, behind) if is_record else None

    def _canonical(self, leaf: etree._Element, text: str, rule: Rule) -> str | None:
        """Return the value of a leaf as it is compared; None if it is not."""
        if text and leaf.get(ENCRYPTED) == "true":
            # Every backup encrypts with another result, so only the presence of a secret can be compared.
            return "(encrypted)"
        return rule.canonise(text, leaf, self._known) if rule.canonise else None

    def _attributes(self, element: etree._Element, path: str) -> list[Field]:
        found: list[Field] = []
        for key in element.keys():  # noqa: SIM118 - an element is no mapping; iterating it gives its children
            name, text = str(key), element.get(key, "")
            if name not in ATTRIBUTES_ASIDE and name != ENCRYPTED:
                # As in opaque XML, an attribute with the name of a reference is one.
                rule = rule_for(f"{path}/{name}" if name in references.by_name() else f"{path}/@{name}")
                canonical = rule.canonise(text, element, self._known) if rule.canonise else None
                found.append(Field(f"@{name}", canonical, rule, text))
        return found

    def _clear(self, element: etree._Element, depth: int) -> None:
        """Remove an element that was read from its parent; of the first one of a parent, an empty element stays."""
        self._first.pop(depth + 1, None)
        element.clear()
        parent = element.getparent()
        if parent is not None and depth in self._first:
            parent.remove(element)
        else:
            element.tag = READ
            self._first[depth] = element


def _parts(element: etree._Element) -> list[str]:
    """Return the names of the elements from the root to this one."""
    parts = [str(element.tag)]
    parent = element.getparent()
    while parent is not None:
        parts.append(str(parent.tag))
        parent = parent.getparent()
    parts.reverse()
    return parts
