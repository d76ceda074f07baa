"""What one XML member says, ids aside, as sums of hashes: equal sums mean equal contents in any order.

The member is read once, in a stream. A record is an element with fields of its own; its hash is made of its
own fields only, so one changed value changes one record. Sums are kept per path, so a difference is known by
where it is before anything is read again.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from archive import xml
from archive.comparison.canonical import Rule
from archive.comparison.identities import Identities
from archive.comparison.rules import ATTRIBUTES_ASIDE, LOCAL_TARGETS, rule_for
from archive.container import Archive
from archive.opaque import REFERENCES

MARK = "done"
ENCRYPTED = "encrypted"
WIDTH = (1 << 64) - 1

Field = tuple[str, str | None, Rule, str]


@dataclass(slots=True)
class Sum:
    """How many there are, and the sum of their hashes modulo 2**64."""

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
    """The sums of a member by path: values, references, whole records, records within records, and which
    records refer to which within the member."""

    values: Sums = field(default_factory=_sums)
    references: Sums = field(default_factory=_sums)
    records: Sums = field(default_factory=_sums)
    places: Sums = field(default_factory=_sums)
    links: Sums = field(default_factory=_sums)

    @property
    def leaves(self) -> int:
        """The number of values."""
        return sum(each.count for each in self.values.values())


@dataclass(slots=True)
class Record:
    """A record as it streams by: its path, its hash, its own fields, and the records right below it.

    A field is (name, canonical text, rule, raw text). Names of attributes start with `@`; a field that is set
    aside has no canonical text. `inner` has a path and a hash for each record below.
    """

    path: str
    hash: int
    fields: list[Field]
    identifier: str
    inner: list[tuple[str, int]]


def digest(archive: Archive, path: str, known: Identities) -> Digest:
    """The digest of a member. Raises DamagedArchive when it is not well-formed."""
    told = Digest()
    targets: dict[str, dict[str, int]] = {tag: {} for tag in LOCAL_TARGETS}
    pending: dict[tuple[str, str], tuple[array[int], list[str]]] = {}
    for record in read_records(archive, path, known):
        told.records[record.path].add(record.hash)
        for inner, hashed in record.inner:
            told.places[inner].add(hash((record.hash, hashed)))
        for name, canonical, rule, raw in record.fields:
            place = f"{record.path}/{name}"
            if rule.comparison == "value":
                told.values[place].add(hash(canonical))
            elif rule.comparison == "local":
                if raw.isdigit() and raw != "0":
                    sources, ids = pending.setdefault((place, rule.target), (array("q"), []))
                    sources.append(record.hash)
                    ids.append(raw)
            elif canonical is not None:
                told.references[place].add(hash(canonical))
        tag = record.path.rpartition("/")[2]
        if record.identifier and tag in targets:
            targets[tag][record.identifier] = record.hash
    for (place, target), (sources, ids) in pending.items():
        found = targets[target]
        for source, identifier in zip(sources, ids, strict=True):
            if identifier in found:
                told.links[place].add(hash((source, found[identifier])))
    return told


def read_records(archive: Archive, path: str, known: Identities) -> Iterator[Record]:
    """Each record of a member, inner ones first; `inner` names those right below it by path and hash."""
    reader = _Reader(known)
    with archive.open(path) as stream:
        for _, element in xml.events(stream, member=path):
            if len(element):
                record = reader.read(element)
                if record is not None:
                    yield record


class _Reader:
    """Turns elements into records. What is done is emptied and marked, so that memory stays small."""

    def __init__(self, known: Identities) -> None:
        self._known = known
        self._rules: dict[str, dict[str, Rule]] = {}
        self._below: dict[str, list[tuple[str, int]]] = {}
        self._marks = 0

    def read(self, element: etree._Element) -> Record | None:
        path = _path(element)
        rules = self._rules.setdefault(path, {})
        fields = self._attributes(element, path)
        inner: list[tuple[str, int]] = []
        known = self._known
        for child in element:
            text = child.text
            if text is None:
                if (mark := child.get(MARK)) is not None:
                    inner += self._below.pop(mark)
                    continue
                text = ""
            tag = str(child.tag)
            if child.keys():
                inside = self._attributes(child, f"{path}/{tag}")
                fields += [(f"{tag}/{name}", canonical, rule, raw) for name, canonical, rule, raw in inside]
            if text[:1] == "\n" and not text.strip():
                continue  # a list with nothing in it
            rule = rules.get(tag)
            if rule is None:
                rule = rules[tag] = rule_for(f"{path}/{tag}")
            if child.get(ENCRYPTED) == "true" and text:
                # Every backup encrypts anew: that there is a secret is all that can be compared.
                canonical: str | None = "(encrypted)"
            else:
                canonical = rule.canonise(text, child, known) if rule.canonise else None
            fields.append((tag, canonical, rule, text))
        identifier = element.get("id", "")
        is_record = bool(fields or identifier)
        said = sum(hash(each[:2]) for each in fields if each[1] is not None)
        hashed = hash((path, said)) if is_record else 0
        self._mark(element, [(path, hashed)] if is_record else inner)
        return Record(path, hashed, fields, identifier, inner) if is_record else None

    def _attributes(self, element: etree._Element, path: str) -> list[Field]:
        found: list[Field] = []
        for key in element.keys():  # noqa: SIM118 - an element is no mapping; iterating it gives its children
            name, text = str(key), element.get(key, "")
            if name not in ATTRIBUTES_ASIDE and name != ENCRYPTED:
                # As what nothing describes is restored: an attribute with the name of a reference is one.
                rule = rule_for(f"{path}/{name}" if name in REFERENCES else f"{path}/@{name}")
                canonical = rule.canonise(text, element, self._known) if rule.canonise else None
                found.append((f"@{name}", canonical, rule, text))
        return found

    def _mark(self, element: etree._Element, below: list[tuple[str, int]]) -> None:
        self._marks += 1
        mark = str(self._marks)
        element.clear()
        element.set(MARK, mark)
        if element.getparent() is not None:
            self._below[mark] = below


def _path(element: etree._Element) -> str:
    parts = [str(element.tag)]
    parent = element.getparent()
    while parent is not None:
        parts.append(str(parent.tag))
        parent = parent.getparent()
    parts.reverse()
    return "/".join(parts)
