"""Where two members differ, record by record: which field has which value here and there.

Only called for members whose digests differ, and only records of the paths that differ are looked at.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

from archive.comparison.digest import Digest, Record, Sums, read_records
from archive.comparison.identities import Identities
from archive.container import Archive
from archive.secrets import WITHHELD, is_secret

MOST_RECORDS = 100
LONGEST_SHOWN = 120


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference that matters.

    kind: member, value, reference, record, place, link or file. `path` is the path of elements in the member;
    `first` and `second` are what the archives have there, None where they have nothing.
    """

    kind: str
    member: str
    path: str
    message: str
    first: str | None = None
    second: str | None = None

    def sentence(self) -> str:
        """One line: the place and what differs."""
        return f"{self.member}: {self.message}"

    def as_dict(self) -> dict[str, str | None]:
        """The difference as JSON has it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Side:
    """One archive's version of a member."""

    archive: Archive
    path: str
    known: Identities
    digest: Digest


@dataclass(slots=True)
class Located:
    """What was found in a member: differences; by path how many values of the first are lost; and by path how
    many more records differ than were looked at one by one."""

    differences: list[Difference]
    lost: dict[str, int]
    more: dict[str, int]


@dataclass(slots=True)
class Unmatched:
    """Records of one path that the other archive does not have: the first hundred, and how many more."""

    records: list[Record] = field(default_factory=list)
    hidden: int = 0


def locate(first: Side, second: Side) -> Located:
    """The differences of two members whose digests differ."""
    told = first.digest, second.digest
    values = differing(told[0].values, told[1].values)
    fields = values | differing(told[0].references, told[1].references)
    paths = {path.rpartition("/")[0] for path in fields} | differing(told[0].records, told[1].records)
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
        differences += _tell(first.path, path, ours.records, theirs.records)
        if hidden := max(ours.hidden, theirs.hidden):
            more[path] = hidden
    if not paths:
        differences += _structure(first, second)
    return Located(differences, lost, more)


def differing(first: Sums, second: Sums) -> set[str]:
    """The paths whose sums are not the same."""
    return {path for path in {*first, *second} if first.get(path) != second.get(path)}


def _count(
    side: Side, paths: set[str], values: set[str]
) -> tuple[Counter[int], defaultdict[str, Counter[int]]]:
    records: Counter[int] = Counter()
    leaves: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for record in read_records(side.archive, side.path, side.known):
        if record.path in paths:
            records[record.hash] += 1
            for name, canonical, _, _ in record.fields:
                if (place := f"{record.path}/{name}") in values:
                    leaves[place][hash(canonical)] += 1
    return records, leaves


def _collect(side: Side, paths: set[str], wanted: Counter[int]) -> dict[str, Unmatched]:
    """The records of these paths that the other side does not have."""
    found: defaultdict[str, Unmatched] = defaultdict(Unmatched)
    left = Counter(wanted)
    for record in read_records(side.archive, side.path, side.known):
        if record.path in paths and left[record.hash] > 0:
            left[record.hash] -= 1
            unmatched = found[record.path]
            if len(unmatched.records) < MOST_RECORDS:
                unmatched.records.append(record)
            else:
                unmatched.hidden += 1
    return found


def _tell(member: str, path: str, first: list[Record], second: list[Record]) -> Iterator[Difference]:
    for ours, theirs in _nearest(first, second):
        if ours is not None and theirs is not None:
            yield from _fields(member, path, ours, theirs)
        else:
            which, record = ("first", ours) if ours is not None else ("second", theirs)
            assert record is not None
            said = _sketch(path, record)
            yield Difference(
                "record",
                member,
                path,
                f"<{path}>{_number(record)} ({said}) is only in the {which} archive.",
                first=said if ours is not None else None,
                second=said if theirs is not None else None,
            )


def _nearest(first: list[Record], second: list[Record]) -> Iterator[tuple[Record | None, Record | None]]:
    """Pair the records that have most fields in common."""
    contents = [[{each[:2] for each in record.fields} for record in side] for side in (first, second)]
    nearness = sorted(
        (
            (-len(ours & theirs), abs(here - there), here, there)
            for here, ours in enumerate(contents[0])
            for there, theirs in enumerate(contents[1])
            if ours & theirs or len(first) == len(second) == 1
        ),
    )
    used: tuple[set[int], set[int]] = set(), set()
    for _, _, here, there in nearness:
        if here not in used[0] and there not in used[1]:
            used[0].add(here)
            used[1].add(there)
            yield first[here], second[there]
    yield from ((record, None) for here, record in enumerate(first) if here not in used[0])
    yield from ((None, record) for there, record in enumerate(second) if there not in used[1])


def _fields(member: str, path: str, ours: Record, theirs: Record) -> Iterator[Difference]:
    here = {name: (canonical, rule, raw) for name, canonical, rule, raw in ours.fields}
    there = {name: (canonical, rule, raw) for name, canonical, rule, raw in theirs.fields}
    for name in [*here, *(name for name in there if name not in here)]:
        canonical, rule, raw = here.get(name, (None, None, None))
        other, other_rule, other_raw = there.get(name, (None, None, None))
        if canonical == other and (name in here) == (name in there):
            continue
        if canonical is None and other is None:
            # A field that is set aside, present on one side only.
            continue
        either = rule or other_rule
        comparison = either.comparison if either else "value"
        shown = [_said(canonical, raw), _said(other, other_raw)]
        if _withheld(path, name, ours) or _withheld(path, name, theirs):
            shown = [said and WITHHELD for said in shown]
        yield Difference(
            "reference" if comparison == "reference" else "value",
            member,
            f"{path}/{name}",
            f"<{path}/{name}>{_number(ours)} is {shown[0] or 'absent'} in the first archive and "
            f"{shown[1] or 'absent'} in the second.",
            first=shown[0],
            second=shown[1],
        )


def _withheld(path: str, name: str, record: Record) -> bool:
    """Whether a field holds a secret, which is told from its name and those around it, and never shown."""
    setting = next((raw for other, _, _, raw in record.fields if other == "name"), "") or ""
    return is_secret(name, of=setting) or path.rpartition("/")[2].endswith("encrypted")


def _said(canonical: str | None, raw: str | None) -> str | None:
    """What a field has: its text, and for a reference also what that stands for."""
    if raw is None:
        return None
    if canonical is None or canonical == raw:
        return _short(raw)
    return f"{_short(raw)} ({_short(canonical)})" if len(raw) < LONGEST_SHOWN // 2 else _short(canonical)


def _short(text: str) -> str:
    shown = repr(text[:LONGEST_SHOWN])
    return f"{shown}..." if len(text) > LONGEST_SHOWN else shown


def _sketch(path: str, record: Record) -> str:
    said = [
        f"{name}={_short(raw[:40])}"
        for name, _, rule, raw in record.fields
        if rule.comparison == "value" and raw and not _withheld(path, name, record)
    ]
    return ", ".join(said[:4]) or "no values"


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
