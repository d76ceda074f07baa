"""Pairs the activities, sections and members of two archives by type, title and order, never by id."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from archive.container import Archive
from archive.manifest import ActivityEntry, Manifest, SectionEntry
from archive.numbers import whole_or

Entry = TypeVar("Entry", ActivityEntry, SectionEntry)
Pair: TypeAlias = tuple[Entry | None, Entry | None]

BLOCK = re.compile(r"^(?P<owner>.+?)/blocks/(?P<name>[^/]+)_(?P<id>\d+)/(?P<file>[^/]+)$")
POOL = "files/"


@dataclass(frozen=True, slots=True)
class MemberPair:
    """The paths of a member in the first archive and of its counterpart in the second; None if there is none."""

    first: str | None
    second: str | None

    @property
    def shown(self) -> str:
        """Return the path to name in a sentence: that of the first archive, if it has the member."""
        return self.first or self.second or ""


@dataclass(frozen=True, slots=True)
class Pairs:
    """The pairs of two archives, first archive first; None if there is no counterpart.

    Activities and sections are in the order of the first archive's manifest.
    """

    activities: tuple[tuple[ActivityEntry | None, ActivityEntry | None], ...]
    sections: tuple[tuple[SectionEntry | None, SectionEntry | None], ...]
    members: tuple[MemberPair, ...]


def pair(first: Archive, second: Archive, *, manifests: tuple[Manifest, Manifest]) -> Pairs:
    """Return the pairs of activities (by type, title and order), sections (by title and order) and all XML members."""
    activities = _pair_entries(
        manifests[0].activities,
        manifests[1].activities,
        (lambda entry: (entry.modulename, entry.title), lambda entry: (entry.modulename,)),
    )
    sections = _pair_entries(
        manifests[0].sections,
        manifests[1].sections,
        (lambda entry: (entry.title, entry.modname), lambda entry: (entry.modname,)),
    )
    folders = [_folders(activities, sections, side) for side in (0, 1)]
    roles = [_roles(archive, known) for archive, known in zip((first, second), folders, strict=True)]
    members = [MemberPair(path, roles[1].get(role)) for role, path in roles[0].items()]
    members += [MemberPair(None, path) for role, path in roles[1].items() if role not in roles[0]]
    return Pairs(tuple(activities), tuple(sections), tuple(sorted(members, key=lambda each: each.shown)))


def _folders(
    activities: Sequence[Pair[ActivityEntry]], sections: Sequence[Pair[SectionEntry]], side: int
) -> dict[str, str]:
    """Return the folders of one archive, each with a key that is the same in both archives: `activity#3`."""
    found: dict[str, str] = {}
    for number, activity in enumerate(activities):
        if (entry := activity[side]) is not None:
            found[entry.directory] = f"activity#{number}"
    for number, section in enumerate(sections):
        if (entry_of_section := section[side]) is not None:
            found[entry_of_section.directory] = f"section#{number}"
    return found


def _pair_entries(
    first: Iterable[Entry], second: Iterable[Entry], keys: Sequence[Callable[[Entry], tuple[str, ...]]]
) -> list[Pair[Entry]]:
    """Pair entries with the same key, in order. Entries without a partner are paired by the next, looser key."""
    left: list[Entry] = list(first)
    right: list[Entry] = list(second)
    order = {id(entry): number for number, entry in enumerate(left)}
    found: list[tuple[Entry, Entry]] = []
    for key in keys:
        waiting: defaultdict[tuple[str, ...], list[Entry]] = defaultdict(list)
        for entry in right:
            waiting[key(entry)].append(entry)
        alone: list[Entry] = []
        for entry in left:
            if waiting[key(entry)]:
                found.append((entry, waiting[key(entry)].pop(0)))
            else:
                alone.append(entry)
        left = alone
        taken = {id(entry) for _, entry in found}
        right = [entry for entry in right if id(entry) not in taken]
    pairs: list[Pair[Entry]] = []
    pairs.extend(found)
    pairs.extend((entry, None) for entry in left)
    pairs.sort(key=lambda each: order[id(each[0])])
    pairs.extend((None, entry) for entry in right)
    return pairs


def _roles(archive: Archive, folders: dict[str, str]) -> dict[str, str]:
    """Return the path of each XML member, by a key that is the same in both archives."""
    roles: dict[str, str] = {}
    blocks: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    paths = [path for path in archive.members if path.endswith(".xml") and not path.startswith(POOL)]
    for path in paths:
        if found := BLOCK.match(path):
            blocks[found["owner"], found["name"]].add(whole_or(found["id"]))
    for path in paths:
        if found := BLOCK.match(path):
            owner, name = found["owner"], found["name"]
            number = sorted(blocks[owner, name]).index(whole_or(found["id"]))
            roles[f"{folders.get(owner, owner)}/blocks/{name}#{number}/{found['file']}"] = path
            continue
        folder, _, file = path.rpartition("/")
        roles[f"{folders.get(folder, folder)}/{file}"] = path
    return roles
