"""Judge opaque XML: which names in it are those of people's ids, and which of its records may be about a person.

A first pass over the XML notes the answers in a bit for each element, so that the second pass (`archive/opaque.py`) writes
without holding anything back, in whatever order a record has its elements.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from archive import references, xml
from archive.details import KnownDetails
from archive.findings import Finding
from archive.numbers import whole_or
from archive.person_names import can_be_id, names_editor, names_person, tells_person
from archive.serialised import strings

NOT_USERDATA = frozenset({"event", "file", "content", "scale", "outcome"})
"""Records that name a person and are not userdata: they belong to the course. Source: format facts, course-calendar.txt,
root-files.txt, course-contentbank.txt, root-scales.txt, root-outcomes.txt."""

SERIALISED = "configdata"
"""Element with a block's configuration: Base64 of a serialised PHP object."""

SHORTEST_TEXT = 3
"""Characters of the shortest text in which a detail of a person is looked for."""

NOBODY = frozenset({"", "0", xml.NULL})
"""Values of a leaf about a person that are about nobody."""


def anybody(_: int) -> bool:
    """True for every number."""
    return True


@dataclass(frozen=True)
class OpaquePeople:
    """The people that are known where opaque XML is read.

    `known` tells whether a number is the id of a person of the archive or course. `listed` are the ids of people whom the
    `inforef.xml` of the owner lists. `details` are looked for where people are hidden. `left` counts, by "records" and
    "values", what was left out since it may be about a person.
    """

    known: Callable[[int], bool] = anybody
    listed: Container[int] = frozenset()
    details: KnownDetails | None = None
    left: Counter[str] = field(default_factory=Counter)


class LeftOut:
    """Counts what is left out since it may be about people, by the part of the archive that it is of."""

    def __init__(self) -> None:
        self._parts: dict[str, Counter[str]] = {}

    def counter(self, part: str) -> Counter[str]:
        """Return the counter of a part: of "records", of "values" and of "members" that are no XML."""
        return self._parts.setdefault(part, Counter())

    def findings(self) -> Iterator[Finding]:
        """Yield one warning for each part of which something was left out, in the order of their names."""
        for part, counted in sorted(self._parts.items()):
            amounts = [
                f"{counted[unit]:,} {unit if counted[unit] != 1 else unit[:-1]}"
                for unit in ("records", "values", "members")
                if counted[unit]
            ]
            if amounts:
                yield Finding(
                    "warning",
                    "opaque-people",
                    f"Left out, since no model describes them and they may be about people: {' and '.join(amounts)}.",
                    part,
                    "Nothing to do if people are to stay hidden; otherwise choose people, without pseudonyms.",
                )


def part_of(path: str) -> str:
    """Return the name of an opaque member in findings: without the number of its activity or section."""
    return re.sub(r"_[0-9]+/", "/", path)


class NumberSet:
    """A set of ordinal numbers, with one bit for each number up to the largest."""

    def __init__(self) -> None:
        self._bits = bytearray()

    def add(self, number: int) -> None:
        byte = number >> 3
        if byte >= len(self._bits):
            self._bits.extend(bytes(byte + 1 - len(self._bits)))
        self._bits[byte] |= 1 << (number & 7)

    def __contains__(self, number: int) -> bool:
        byte = number >> 3
        return byte < len(self._bits) and bool(self._bits[byte] >> (number & 7) & 1)


class Judgement:
    """The result of the first pass. Elements have numbers in the order of their start tags, from 1.

    `people_names` are the names that are references to people because of their values; `attributes` are those that lose their
    value.
    """

    def __init__(self) -> None:
        self.people_names: frozenset[str] = frozenset()
        self.attributes: set[tuple[int, str]] = set()
        self._records: dict[str, NumberSet] = {}
        self._leaves: dict[str, NumberSet] = {}

    def left_out(self, number: int) -> bool:
        """Whether the element with this number stays away: it may be about a person, or belongs to a group that does."""
        return any(number in marks for marks in self._records.values())

    def about_people(self, number: int) -> bool:
        """Whether the element with this number stays away since it may be about a person."""
        return any(number in marks for reason, marks in self._records.items() if reason != OWNERLESS)

    def emptied(self, number: int) -> bool:
        """Whether the leaf with this number is about a person in a record that cannot be left out."""
        return any(number in marks for marks in self._leaves.values())

    def mark(self, reason: str, record: int, leaf: int) -> None:
        """Note a leaf that is about a person for the reason; `record` is 0 if its record cannot be left out."""
        marks = self._records if record else self._leaves
        marks.setdefault(reason, NumberSet()).add(record or leaf)

    def drop_reasons(self, reasons: Iterable[str]) -> None:
        """Forget what was noted for these reasons."""
        for reason in reasons:
            self._records.pop(reason, None)
            self._leaves.pop(reason, None)


ALL_STAYS = Judgement()
Owners = Callable[[str, int], int | None]
"""Returns the id of a group, given its item type and old id; None if it does not come along."""

OWNERLESS = "\0"
"""The reason of a mark on what belongs to a group that does not come along."""

CERTAIN = ""
"""The reason of a mark that does not depend on the rest of the member; others are a name whose values must all be people."""


@dataclass(slots=True)
class _Open:
    tag: str
    number: int
    reason: str | None
    leaf: bool = True


class Judge:
    """An lxml parser target that judges one member, or one element if it is `partial`.

    With `hides`, records about people are marked; with `owners`, those of groups to which it gives no id. In a member its
    root, and the record of an activity itself, always stay.
    """

    def __init__(
        self, people: OpaquePeople, *, hides: bool, owners: Owners | None = None, partial: bool = False
    ) -> None:
        self.judgement = Judgement()
        self._people = people
        self._hides = hides
        self._owners = owners
        self._partial = partial
        self._open: list[_Open] = []
        self._text: list[str] = []
        self._count = 0
        self._candidates: dict[str, bool] = {}
        self._with_ids: set[str] = set()

    def start(
        self, tag: str, attributes: Mapping[str, str], declared: Mapping[str | None, str] | None = None
    ) -> None:
        """Begin an element."""
        self._end_text()
        self._count += 1
        tag = tag.rpartition("}")[2]
        if self._open:
            self._open[-1].leaf = False
        if "id" in attributes:
            self._with_ids.add(tag)
        reason = None
        for name, value in attributes.items() if self._hides else ():
            if (found := self._reason(tag, name, value)) is not None:
                reason = found
                if not self._can_go(len(self._open) + 1):
                    self.judgement.attributes.add((self._count, name))
        self._open.append(_Open(tag, self._count, reason))

    def data(self, text: str) -> None:
        self._text.append(text)

    def end(self, tag: str) -> None:
        """End an element; note what it says about a person."""
        value = "".join(self._text)
        self._text = []
        element = self._open.pop()
        around = self._open[-1] if self._open else None
        if not element.leaf:
            self._judge_record(element, value)
        elif around is not None or self._partial:
            self._judge_leaf(element, around, value)
            if self._owners is not None and self._is_ownerless(around, element, value):
                # Where its record cannot be left out, the leaf alone is.
                away = around if around and self._can_go(len(self._open)) else element
                self.judgement.mark(OWNERLESS, away.number, 0)

    def comment(self, text: str) -> None:
        """Ignore a comment: comments are not written."""

    def close(self) -> Judgement:
        """Return what was found; names that are other references are not those of people."""
        others = {name for name in self._candidates if self._is_other(name)}
        self.judgement.drop_reasons(others)
        self.judgement.people_names = frozenset(
            name for name, all_listed in self._candidates.items() if all_listed and name not in others
        )
        return self.judgement

    def _can_go(self, depth: int) -> bool:
        """Whether the open element at a depth can be left out."""
        own = self._open[0].tag == "activity" if self._open else False
        return self._partial or depth > (2 if own else 1)

    def _judge_leaf(self, element: _Open, around: _Open | None, value: str) -> None:
        record = around.tag if around else ""
        self._note_value(record, element.tag, value)
        reason = element.reason
        if reason is None and self._hides:
            reason = self._reason(record, element.tag, value)
        if reason is not None:
            away = around or element
            self.judgement.mark(reason, away.number if self._can_go(len(self._open)) else 0, element.number)

    def _is_ownerless(self, around: _Open | None, element: _Open, value: str) -> bool:
        """Whether a leaf refers to a group that does not come along."""
        reference = references.in_opaque(around.tag if around else "", element.tag)
        if reference is None or not reference.item_types or not xml.is_id(value) or value == "0":
            return False
        (item_type, *_) = reference.item_types
        return (
            item_type in references.OWNING
            and self._owners is not None
            and self._owners(item_type, whole_or(value)) is None
        )

    def _judge_record(self, element: _Open, value: str) -> None:
        """Judge a record by its attributes, its own name and the text between its elements."""
        reason = element.reason
        if reason is None and self._hides:
            named = element.tag not in NOT_USERDATA and names_person(element.tag)
            if named or (value.strip() and self._tells(value)):
                reason = CERTAIN
        if reason is not None and self._can_go(len(self._open) + 1):
            self.judgement.mark(reason, element.number, 0)

    def _end_text(self) -> None:
        """Look at the text between the elements of a record."""
        text, self._text = "".join(self._text), []
        if (
            self._hides
            and text.strip()
            and self._open
            and self._open[-1].reason is None
            and self._tells(text)
        ):
            self._open[-1].reason = CERTAIN

    def _note_value(self, record: str, name: str, value: str) -> None:
        """Note whether all ids in leaves with this name are listed people."""
        if value in NOBODY or not can_be_id(name) or references.in_opaque(record, name) is not None:
            return
        listed = xml.is_id(value) and whole_or(value) in self._people.listed
        self._candidates[name] = listed and self._candidates.get(name, True)

    def _reason(self, record: str, name: str, value: str) -> str | None:
        """Return why a value may be about a person: CERTAIN, or the name whose other values must agree; None if it is not."""
        if value in NOBODY:
            return None
        reference = references.in_opaque(record, name)
        if record not in NOT_USERDATA and not names_editor(name):
            by_name = reference is not None and reference.item_types == ("user",)
            if by_name or (reference is None and tells_person(name)):
                return CERTAIN
        if xml.is_id(value):
            if reference is None and can_be_id(name) and whole_or(value) in self._people.listed:
                return name
            return CERTAIN if len(value) > SHORTEST_TEXT and self._tells(value) else None
        if name == SERIALISED:
            return CERTAIN if any(map(self._tells, strings(value).values())) else None
        return CERTAIN if self._tells(value) else None

    def _tells(self, text: str) -> bool:
        details = self._people.details
        return details is not None and len(text) >= SHORTEST_TEXT and bool(details.find(text))

    def _is_other(self, name: str) -> bool:
        """Whether other records of the same member have the ids: those of `statusid`, where there are `<status id="4">`."""
        stem = name.lower().removesuffix("id").removesuffix("key").rstrip("_")
        return (
            not names_person(name)
            and bool(stem)
            and any(
                tag == stem
                or tag.startswith(stem)
                or tag.endswith(stem)
                or (len(tag) > 2 and stem.endswith(tag))
                for tag in map(str.lower, self._with_ids)
            )
        )


def is_person(name: str, number: int, people: OpaquePeople, judgement: Judgement) -> bool:
    """Whether a number is the id of a person, in an element or attribute that is no other reference.

    This is the one rule for what no model describes: the name says person, or all values of the name in its member are people
    that the owner lists; and the number is that of a known person.
    """
    return (names_person(name) or name in judgement.people_names) and people.known(number)
