"""Read the facts on Moodle 4.5's format: one text file for each XML file of an archive, as trees.

`tests/format/README.md` says where they are from and how they are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

LINE = re.compile(
    r"(?P<indent> *)(?P<name>\w+)(?P<attributes>(?: @\w+)*)"
    r"(?: : (?P<type>[a-z]+(?:\([0-9,]+\))?)(?P<null> null)?(?: =(?P<default>\S.*?|))?)?"
    r"(?:  \(encrypted with the site key\)  attributes @encrypted)?"
    r"(?:  -> (?P<refers>\w+))?(?:   # (?P<note>.*))?"
)
PLUGINS = re.compile(r" *\(parts of plugins: \w+\)")
TOKEN = re.compile(r"(?:#   )?(?P<token>[A-Z0-9]+)  (?P<address>/\S+)  ids: (?P<kinds>.+)")
TEXTS = re.compile(r"#   (?:field )?(?P<element>\w+): (?P<names>.+)")
FILES = re.compile(r"files ([^;]*)")


@dataclass
class Fact:
    """An element: a record, a wrapper, or a field with its column's type; `refers` is the item type behind an arrow."""

    name: str
    attributes: tuple[str, ...] = ()
    type: str = ""
    null: bool = False
    default: str = ""
    refers: str = ""
    areas: tuple[str, ...] = ()
    children: list[Fact] = field(default_factory=list)


@dataclass
class Facts:
    """The facts of one member: its path, its root element, its link tokens, and the fields that can hold links."""

    member: str
    root: Fact
    tokens: list[tuple[str, str, tuple[str, ...]]]
    texts: set[str]


def read(folder: Path) -> Iterator[Facts]:
    """Yield the facts of each file in a folder that describes a member. Raises ValueError for a line of an unknown form."""
    for path in sorted(folder.glob("*.txt")):
        if path.name not in ("restore-facts.txt", "link-tokens.txt"):
            yield _file(path)


def tokens(path: Path) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return the link tokens of a file: each with its address and the item types of its ids."""
    found = (TOKEN.fullmatch(line) for line in path.read_text(encoding="utf-8").splitlines())
    return [(one["token"], one["address"], tuple(one["kinds"].split(", "))) for one in found if one]


def dates(path: Path) -> dict[str, set[str]]:
    """Return the fields that move with the start date, by type of activity; those of the course under "course"."""
    found: dict[str, set[str]] = {}
    section = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith((" ", "#")):
            section = "course" if line.startswith("course ") else line
        elif line.strip().startswith("dates that move"):
            found.setdefault(section, set()).update(line.partition(": ")[2].split(", "))
    return found


def _file(path: Path) -> Facts:
    first, *lines = path.read_text(encoding="utf-8").splitlines()
    top = Fact("")
    texts: set[str] = set()
    above: list[tuple[int, Fact]] = [(-1, top)]
    for line in lines:
        if line.startswith("#"):
            if (named := TEXTS.fullmatch(line)) and not TOKEN.fullmatch(line):
                texts.update(named["names"].split(", "))
            continue
        if not line.strip() or PLUGINS.fullmatch(line):
            continue
        found = LINE.fullmatch(line)
        if found is None:
            raise ValueError(f"{path.name}: {line}")
        while above[-1][0] >= len(found["indent"]):
            above.pop()
        fact = _fact(found)
        above[-1][1].children.append(fact)
        above.append((len(found["indent"]), fact))
    return Facts(first.removeprefix("# "), top.children[0], tokens(path), texts)


def _fact(found: re.Match[str]) -> Fact:
    areas = FILES.search(found["note"] or "")
    return Fact(
        name=found["name"],
        attributes=tuple(name[1:] for name in found["attributes"].split()),
        type=found["type"] or "",
        null=bool(found["null"]),
        default=(found["default"] or "").strip("'"),
        refers=found["refers"] or "",
        areas=tuple(areas[1].split(", ")) if areas else (),
    )
