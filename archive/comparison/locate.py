"""Locates the differences of two members, record by record and field by field.

Only called for members whose digests differ, and only records of the paths that differ are looked at.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

from archive.comparison.digest import Digest, Field, Record, Sums, read_records
from archive.comparison.identities import Identities
from archive.container import Archive
from archive.secrets import WITHHELD, is_secret

MOST_RECORDS = 100
DIGITS = re.compile(r"[0-9]+")
LONGEST_SHOWN = 120


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference between two archives.

    kind: member, value, reference, record, more records (those that are counted only), place, link or file. `path` is the
    path of elements in the member. `first` and `second` are the values in the archives as text for people, shortened; None
    for a missing one. `cut_to` is the number of characters of the second value if it is the beginning of the first; else 0.
    """

    kind: str
    member: str
    path: str
    message: str
    first: str | None = None
    second: str | None = None
    cut_to: int = 0

    def sentence(self) -> str:
        """Return one line: the member and what differs."""
        return f"{self.member}: {self.message}"

    def as_dict(self) -> dict[str, str | None]:
        """Return the difference for JSON."""
        return {name: value for name, value in asdict(self).items() if name != "cut_to"}


@dataclass(frozen=True, slots=True)
class Side:
    """One archive's version of a member, without the fields at the places `without`."""

    archive: Archive
    path: str
    known: Identities
    digest: Digest
    without: frozenset[str] = frozenset()

    def records(self) -> Iterator[Record]:
        """Yield each record of the member, inner ones first."""
        return read_records(self.archive, self.path, self.known, without=self.without)


@dataclass(slots=True)
class Located:
    """The differences of a member.

    By path, `lost` counts values that only the first archive has, and `more` counts differing records beyond MOST_RECORDS.
    """

    differences: list[Difference]
    lost: dict[str, int]
    more: dict[str, int]


@dataclass(slots=True)
class Unmatched:
    """Records of one path that the other archive does not have: the first MOST_RECORDS, and the number of further ones."""

    records: list[Record] = field(default_factory=list)
    hidden: int = 0


def locate(first: Side, second: Side) -> Located:
    """Return the differences of two members whose digests differ."""
    digests = first.digest, second.digest
    values = differing(digests[0].values, digests[1].values)
    fields = values | differing(digests[0].references, digests[1].references)
    paths = {path.rpartition("/")[0] for path in fields} | differing(digests[0].records, digests[1].records)
    counts = [_count(side, paths, values) for side in (first, second)]
    lost = {
        path: missing
        for path in sorted(values)
        if (missing := (counts[0][1][path] - counts[1][1][path]).total())
    }
    differences: list[Difference] = []
    unmatched = [
        _collect(first, paths, counts[0][0] - counts[1][0]),
        _collect(second, paths, counts[1][0] - counts[0][0]),
    ]
    more: dict[str, int] = {}
    for path in sorted(paths):
        ours, theirs = (side.get(path, Unmatched()) for side in unmatched)
        differences += _differences(first.path, path, ours.records, theirs.records)
        if hidden := max(ours.hidden, theirs.hidden):
            more[path] = hidden
    if not paths:
        differences += _structure(first, second)
    return Located(differences, lost, more)


def differing(first: Sums, second: Sums) -> set[str]:
    """Return the paths whose sums differ."""
    return {path for path in {*first, *second} if first.get(path) != second.get(path)}


def _count(
    side: Side, paths: set[str], values: set[str]
) -> tuple[Counter[int], defaultdict[str, Counter[int]]]:
    records: Counter[int] = Counter()
    leaves: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for record in side.records():
        if record.path in paths:
            records[record.hash] += 1
            for each in record.fields:
                if (place := f"{record.path}/{each.name}") in values:
                    leaves[place][hash(each.canonical)] += 1
    return records, leaves


def _collect(side: Side, paths: set[str], wanted: Counter[int]) -> dict[str, Unmatched]:
    """Return, by path, the records that the other side does not have; `wanted` counts them by hash."""
    found: defaultdict[str, Unmatched] = defaultdict(Unmatched)
    left = Counter(wanted)
    for record in side.records():
        if record.path in paths and left[record.hash] > 0:
            left[record.hash] -= 1
            unmatched = found[record.path]
            if len(unmatched.records) < MOST_RECORDS:
                unmatched.records.append(record)
            else:
                unmatched.hidden += 1
    return found


def _differences(member: str, path: str, first: list[Record], second: list[Record]) -> Iterator[Difference]:
    for ours, theirs in _nearest(first, second):
        if ours is not None and theirs is not None:
            yield from _fields(member, path, ours, theirs)
        else:
            which, record = ("first", ours) if ours is not None else ("second", theirs)
            assert record is not None
            text = _sketch(path, record)
            yield Difference(
                "record",
                member,
                path,
                f"<{path}>{_number(record)} ({text}) is only in the {which} archive.",
                first=text if ours is not None else None,
                second=text if theirs is not None else None,
            )


def _nearest(first: list[Record], second: list[Record]) -> Iterator[tuple[Record | None, Record | None]]:
    """Yield pairs of the records with most fields in common; None in place of a missing partner.

    Of several that are as near, those whose fields differ in numbers only, as the level of a question category, are paired.
    """
    contents = [[{each.compared for each in record.fields} for record in side] for side in (first, second)]
    likeness = [[_without_numbers(record) for record in side] for side in (first, second)]
    nearness = sorted(
        (
            (
                -len(ours & theirs),
                -len(likeness[0][here] & likeness[1][there]),
                abs(here - there),
                here,
                there,
            )
            for here, ours in enumerate(contents[0])
            for there, theirs in enumerate(contents[1])
            if ours & theirs or len(first) == len(second) == 1
        ),
    )
    used: tuple[set[int], set[int]] = set(), set()
    for *_, here, there in nearness:
        if here not in used[0] and there not in used[1]:
            used[0].add(here)
            used[1].add(there)
            yield first[here], second[there]
    yield from ((record, None) for here, record in enumerate(first) if here not in used[0])
    yield from ((None, record) for there, record in enumerate(second) if there not in used[1])


def _without_numbers(record: Record) -> set[tuple[str, str]]:
    """Return the compared values of a record, by name, without the numbers in them."""
    return {
        (each.name, DIGITS.sub("", each.canonical)) for each in record.fields if each.canonical is not None
    }


def _fields(member: str, path: str, ours: Record, theirs: Record) -> Iterator[Difference]:
    here = {each.name: each for each in ours.fields}
    there = {each.name: each for each in theirs.fields}
    for name in [*here, *(name for name in there if name not in here)]:
        one, other = here.get(name), there.get(name)
        pair = [each for each in (one, other) if each is not None]
        if len({each.canonical for each in pair}) == 1 and len(pair) == 2:
            continue
        if all(each.canonical is None for each in pair):
            continue  # a field that is not compared, present on one side only
        comparison = pair[0].rule.comparison
        shown = [_shown_text(one), _shown_text(other)]
        if _withheld(path, name, ours) or _withheld(path, name, theirs):
            shown = [text and WITHHELD for text in shown]
        yield Difference(
            "reference" if comparison == "reference" else "value",
            member,
            f"{path}/{name}",
            f"<{path}/{name}>{_number(ours)} is {shown[0] or 'absent'} in the first archive and "
            f"{shown[1] or 'absent'} in the second.",
            first=shown[0],
            second=shown[1],
            cut_to=_cut_to(one, other),
        )


def _cut_to(one: Field | None, other: Field | None) -> int:
    """Return the number of characters of the second value if it is the beginning of the first; else 0."""
    begins = one is not None and other is not None and one.raw.startswith(other.raw)
    return len(other.raw) if begins and other is not None else 0


def _withheld(path: str, name: str, record: Record) -> bool:
    """True for a field that holds a secret, judged by its name and its record. Its value is never shown."""
    setting = next((each.raw for each in record.fields if each.name == "name"), "")
    return is_secret(name, of=setting) or path.rpartition("/")[2].endswith("encrypted")


def _shown_text(one: Field | None) -> str | None:
    """Return the text of a field for people, with its token if it is a reference; None for no field."""
    if one is None:
        return None
    if one.canonical is None or one.canonical == one.raw:
        return _short(one.raw)
    text = _short(one.canonical)
    return f"{_short(one.raw)} ({text})" if len(one.raw) < LONGEST_SHOWN // 2 else text


def _short(text: str) -> str:
    shown = repr(text[:LONGEST_SHOWN])
    return f"{shown}..." if len(text) > LONGEST_SHOWN else shown


def _sketch(path: str, record: Record) -> str:
    text = [
        f"{each.name}={_short(each.raw[:40])}"
        for each in record.fields
        if each.rule.comparison == "value" and each.raw and not _withheld(path, each.name, record)
    ]
    return ", ".join(text[:4]) or "no values"


def _number(record: Record) -> str:
    return f" id {record.identifier}" if record.identifier else ""


def _structure(first: Side, second: Side) -> Iterator[Difference]:
    for path in sorted(differing(first.digest.places, second.digest.places)):
        yield Difference(
            "place", first.path, path, f"<{path}> lies under other records than in the first archive."
        )
    for path in sorted(differing(first.digest.links, second.digest.links)):
        yield Difference(
            "link", first.path, path, f"<{path}> refers to other records than in the first archive."
        )
