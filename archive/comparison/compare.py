"""Compares two archives and reports their differences, apart from ids.

Not compared are ids, references (compared by what they refer to), the order of records, and the facts of the
backup itself: its date, name and id, the release and the site that made it. A course that was restored on the site of
its original needs other names; this is reported as explained, not as a difference.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lxml import etree

from archive import versions, xml
from archive.comparison.age import explanations, obsolete_in
from archive.comparison.digest import Digest, digest
from archive.comparison.identities import Identities, read_identities
from archive.comparison.layouts import layouts_of
from archive.comparison.listings import INFOREF, is_listing, listed_items
from archive.comparison.locate import Difference, Side, locate
from archive.comparison.pairing import MemberPair, Pairs, pair
from archive.container import Archive
from archive.manifest import read_manifest
from archive.streams import EMPTY_CONTENT

POOL = "files/"
COURSE = "course/course.xml"
MANIFEST = "moodle_backup.xml"
LISTED = 5
SETTINGS = "moodle_backup/information/settings"
NAMES = ("shortname", "fullname", "idnumber")
WHERE = frozenset({"module/sectionid", "module/sectionnumber"})
COPY = {"shortname": re.compile(r"_\d{1,3}\Z"), "fullname": re.compile(r" copy \d{1,3}\Z")}
FOLDER = re.compile(r"_\d+(?=/)")

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Survival:
    """Counts the leaf values of the first archive (`total`) and those that the second has at the same place (`kept`).

    `lost` counts the others by place, see `without_ids()`.
    """

    total: int
    kept: int
    lost: Mapping[str, int] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """Return `kept` as a fraction of `total`, from 0 to 1."""
        return self.kept / self.total if self.total else 1.0


@dataclass(frozen=True, slots=True)
class Contents:
    """Counts the distinct file contents of each archive, and lists those in one archive only (as SHA-1 hashes)."""

    first: int
    second: int
    only_first: tuple[str, ...] = ()
    only_second: tuple[str, ...] = ()

    @property
    def kept(self) -> int:
        """Return the number of contents of the first archive that are in the second."""
        return self.first - len(self.only_first)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The result of a comparison: `differences` lists a few of each kind of difference, `totals` counts all by kind and
    place, `explained` are sentences on differences that are expected."""

    differences: tuple[Difference, ...]
    totals: Mapping[str, int]
    explained: tuple[str, ...]
    leaves: Survival
    files: Contents

    @property
    def equal(self) -> bool:
        """True if the archives say the same."""
        return not self.totals

    def as_dict(self) -> dict[str, Any]:
        """Return the comparison for JSON."""
        return {
            "equal": self.equal,
            "differences": [each.as_dict() for each in self.differences],
            "totals": dict(self.totals),
            "explained": list(self.explained),
            "leaves": {
                "total": self.leaves.total,
                "kept": self.leaves.kept,
                "share": round(self.leaves.share, 6),
                "lost": dict(self.leaves.lost),
            },
            "files": {
                "first": self.files.first,
                "second": self.files.second,
                "kept": self.files.kept,
                "only_first": list(self.files.only_first),
                "only_second": list(self.files.only_second),
            },
        }


def compare(first: Archive, second: Archive, *, progress: Progress | None = None) -> Comparison:
    """Compare two open archives. `progress` is called with the number of unpacked bytes that were just compared.

    Raises ArchiveError when one of them cannot be read. Contents of files are compared by hash and size only; `verify`
    checks that their bytes have this hash. Both archives are modernised (`versions.modernise`).
    """
    return _Comparing(first, second).run(progress or (lambda _: None))


class _Comparing:
    def __init__(self, first: Archive, second: Archive) -> None:
        self.first, self.second = first, second
        manifests = read_manifest(first), read_manifest(second)
        for archive, manifest in zip((first, second), manifests, strict=True):
            versions.modernise(archive, manifest.backup_version)
        self.other_archive_type = manifests[0].archive_type != manifests[1].archive_type
        self.obsolete = obsolete_in(manifests[0])
        self.alone = all(manifest.archive_type == "activity" for manifest in manifests)
        self.other_version = manifests[0].backup_version != manifests[1].backup_version
        self.pairs: Pairs = pair(first, second, manifests=manifests)
        self.layouts = layouts_of(manifests, self.pairs)
        self.known = [
            read_identities(
                archive,
                manifest,
                activities=[each[side] for each in self.pairs.activities],
                sections=[each[side] for each in self.pairs.sections],
            )
            for side, (archive, manifest) in enumerate(zip((first, second), manifests, strict=True))
        ]
        self.listed: list[Difference] = []
        self.totals: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        self.explained: list[str] = []
        self.expected: Counter[str] = Counter()
        self.total = 0

    def run(self, progress: Progress) -> Comparison:
        for members in self.pairs.members:
            if not (is_listing(members.first) or is_listing(members.second)):
                self._member(members)
            progress(sum(archive.members[path].size for archive, path in self._sides(members)))
        self._listings()
        self._course()
        self.explained += (
            f"{sentence.rstrip('.')}{f' ({count:,} times)' if count > 1 else ''}."
            for sentence, count in sorted(self.expected.items())
        )
        files = self._files()
        return Comparison(
            differences=tuple(self.listed),
            totals=dict(sorted(self.totals.items())),
            explained=tuple(self.explained),
            leaves=Survival(self.total, self.total - self.lost.total(), dict(sorted(self.lost.items()))),
            files=files,
        )

    def _sides(self, members: MemberPair) -> list[tuple[Archive, str]]:
        pairs = ((self.first, members.first), (self.second, members.second))
        return [(archive, path) for archive, path in pairs if path is not None]

    def _member(self, members: MemberPair) -> None:
        ours = self._digest(self.first, members.first, self.known[0])
        theirs = self._digest(self.second, members.second, self.known[1])
        self.total += ours.leaves if ours else 0
        if ours is None or theirs is None:
            self._alone(members, ours or theirs)
        elif ours != theirs:
            first = Side(self.first, members.first or "", self.known[0], ours)
            second = Side(self.second, members.second or "", self.known[1], theirs)
            if self.other_version and (unknown := ours.unknown_fields(theirs)):
                second = self._without(members, second, unknown)
            if first.digest != second.digest:
                self._differing(members, first, second)

    def _without(self, members: MemberPair, second: Side, unknown: frozenset[str]) -> Side:
        """Return the second archive's member without fields that the version of the first does not know, and note them."""
        for place in unknown:
            what = f"<{without_ids(members.shown, place)}> is only in the second archive"
            self.expected[f"{what}; the first is of another version, without that field"] += (
                second.digest.count(place)
            )
        rest = digest(second.archive, second.path, second.known, without=unknown)
        return replace(second, digest=rest, without=unknown)

    def _differing(self, members: MemberPair, first: Side, second: Side) -> None:
        """Note the differences of two members whose digests differ: at least one, or an explanation."""
        found = locate(first, second)
        for difference in found.differences:
            self._note(difference)
        if not found.differences:
            # Digests differ, so there must be a difference, even if no single record shows it.
            message = "The members differ in fields that could not be told apart."
            self._note(Difference("record", members.shown, "", message))
        for path, count in found.more.items():
            message = f"<{path}>: {count:,} more records differ."
            self._note(Difference("more records", members.shown, path, message), count=count)
        for path, count in found.lost.items():
            if not self._is_fact(members.shown, path):
                self.lost[without_ids(members.shown, path)] += count

    def _listings(self) -> None:
        """Compare the `inforef.xml` files: an item that only the first archive lists is a difference."""
        first, second = listed_items(self.first, self.known[0]), listed_items(self.second, self.known[1])
        for item_type, token in sorted(first.keys() - second.keys()):
            message = f"{token} is listed in an inforef.xml of the first archive and in none of the second."
            self._note(Difference("record", f"*/{INFOREF}", item_type, message, first=token))
        more = len(second.keys() - first.keys())
        if more:
            self.explained.append(
                f"The second archive lists {more} more items in its inforef.xml files; a restore does not depend on them."
            )

    def _digest(self, archive: Archive, path: str | None, known: Identities) -> Digest | None:
        return None if path is None else digest(archive, path, known)

    def _alone(self, members: MemberPair, only: Digest | None) -> None:
        which = "first" if members.first else "second"
        size = only.leaves if only else 0
        place = without_ids(members.shown, "")
        if members.second and not size:
            self.expected[f"{place} is only in the second archive, without a value in it"] += 1
            return
        if members.second and self.other_archive_type:
            self.expected[f"{place} is only in the second archive; the first is of another archive type"] += 1
            return
        if members.first and (why := next(explanations(place, self.obsolete), "")):
            self.expected[f"{place} is only in the first archive. {why}"] += 1
            self.total -= size
            return
        message = f"The member is only in the {which} archive ({size} values)."
        self._note(Difference("member", members.shown, "", message))
        if members.first and only:
            for path, values in only.values.items():
                self.lost[without_ids(members.shown, path)] += values.count

    def _is_fact(self, member: str, path: str) -> bool:
        """True for a fact of the backup: its settings, and what differs between archives of two archive types.

        So does the section of an activity that is alone in its archive, which comes into any section.
        """
        if path.startswith(SETTINGS) or (self.alone and path in WHERE):
            return True
        return self.other_archive_type and (member == MANIFEST or path in WHERE)

    def _note(self, difference: Difference, *, count: int = 1) -> None:
        """List a difference and count it, or explain it."""
        if self._is_fact(difference.member, difference.path):
            self.expected[f"{difference.sentence()} That is a fact of the backup itself."] += 1
            return
        place = without_ids(difference.member, difference.path)
        if difference.kind == "reference" and (why := next(explanations(place, self.obsolete), "")):
            self.explained.append(f"{difference.sentence()} {why}")
            return
        if why := self.layouts.explanation(difference, place):
            self.expected[f"{place}: {why}"] += count
            return
        key = f"{difference.kind} {place}"
        if self.totals[key] < LISTED:
            self.listed.append(difference)
        self.totals[key] += count

    def _course(self) -> None:
        """Compare the names of the course, which a copy cannot share with its original: names made from them count as kept."""
        if COURSE not in self.first or COURSE not in self.second:
            return
        roots = [_leaves(archive) for archive in (self.first, self.second)]
        self.total += sum(name in roots[0] for name in NAMES)
        copied = all(
            not _forms(name, roots[0].get(name) or "").isdisjoint(_forms(name, roots[1].get(name) or ""))
            for name in COPY
        )
        for name in NAMES:
            ours, theirs = roots[0].get(name), roots[1].get(name)
            if ours == theirs:
                continue
            if copied and (name in COPY or not theirs):
                self.explained.append(
                    f"The course's {name} is {theirs!r} where it was {ours!r}: "
                    "a copy beside its original needs its own."
                )
            else:
                self.lost[without_ids(COURSE, f"course/{name}")] += ours is not None
                self._note(
                    Difference(
                        "value",
                        COURSE,
                        f"course/{name}",
                        f"<course/{name}> is {ours!r} in the first archive and {theirs!r} in the second.",
                        first=ours,
                        second=theirs,
                    )
                )

    def _files(self) -> Contents:
        sizes = [
            {
                path: member.size
                for path, member in archive.members.items()
                if path.startswith(POOL) and path != EMPTY_CONTENT
            }
            for archive in (self.first, self.second)
        ]
        only_first = sorted(path for path in sizes[0] if path not in sizes[1])
        only_second = sorted(path for path in sizes[1] if path not in sizes[0])
        for which, paths in (("first", only_first), ("second", only_second)):
            for path in paths:
                self._note(
                    Difference("file", path, "", f"The file's content is only in the {which} archive.")
                )
        for path in sizes[0].keys() & sizes[1].keys():
            if sizes[0][path] != sizes[1][path]:
                self._note(
                    Difference("file", path, "", "The file's content has another size in the second archive.")
                )
        names = [tuple(path.rpartition("/")[2] for path in paths) for paths in (only_first, only_second)]
        return Contents(len(sizes[0]), len(sizes[1]), *names)


def without_ids(member: str, path: str) -> str:
    """Return a member and a path without ids, to count by: `activities/forum/forum.xml forum/name`; `files` for any content."""
    if member.startswith(POOL):
        return "files"
    return f"{FOLDER.sub('', member)} {path}".rstrip()


def _forms(name: str, value: str) -> set[str]:
    """Return a name of a course as it is, and as it was before it got its last number."""
    return {value, COPY[name].sub("", value)}


def _leaves(archive: Archive) -> dict[str, str | None]:
    root: etree._Element = xml.parse(archive.read(COURSE), member=COURSE)
    found: dict[str, str | None] = {}
    for name in NAMES:
        element = root.find(name)
        if element is not None:
            found[name] = xml.text_of(element)
    return found
