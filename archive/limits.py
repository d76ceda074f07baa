"""Limits on the archives that are opened: sizes, counts and the names of members."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from archive.errors import HostileArchive

KIBIBYTE = 1024
MEBIBYTE = 1024 * KIBIBYTE
GIBIBYTE = 1024 * MEBIBYTE


LARGEST_MANIFEST = 16 * MEBIBYTE
"""Bytes of the largest `moodle_backup.xml`: that of a course with more than 20,000 activities."""

LARGEST_INFOREF = 16 * MEBIBYTE
"""Bytes of the largest `inforef.xml`: one that lists more than 200,000 records."""

LARGEST_INDEX = 32 * MEBIBYTE
"""Bytes of the largest `.ARCHIVE_INDEX`: that of as many members as there may be."""

LARGEST_DIRECTORY = 64 * MEBIBYTE
"""Bytes of the largest directory of a zip."""

HEADERS = 4
"""Headers for each member that there may be: its own, and some about its name."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds within which an archive is opened. Sizes are bytes.

    `ratio` is unpacked to packed size; it only counts past `ratio_floor`, because small archives of
    repetitive text compress very well without any harm in them.
    """

    unpacked: int = 200 * GIBIBYTE
    member: int = 100 * GIBIBYTE
    ratio: int = 200
    ratio_floor: int = 4 * MEBIBYTE
    members: int = 250_000
    path: int = 255
    depth: int = 16


ORDINARY = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]*/)*[A-Za-z0-9_][A-Za-z0-9_.-]*")
"""A member's name that is plain already: no part of it is empty or only dots."""

DEFAULT = Limits()

OWN = Limits(unpacked=2**62, member=2**62, ratio=2**62, members=2**31)
"""For an archive that this process has just written: a large course, or one that packs well, is not hostile."""


class Meter:
    """Counts members and unpacked bytes. Raises HostileArchive as soon as a limit is passed."""

    def __init__(self, limits: Limits, *, packed: int) -> None:
        self.limits = limits
        self.packed = max(packed, 1)
        self.unpacked = 0
        self.members = 0
        self.headers = 0

    def add_header(self) -> None:
        """Count a header of a container. Raises HostileArchive past `HEADERS` for each member allowed."""
        self.headers += 1
        if self.headers > HEADERS * self.limits.members:
            raise HostileArchive(
                f"The archive has more than {HEADERS * self.limits.members:,} headers, which is the limit."
            )

    def add_bytes(self, count: int) -> None:
        """Count unpacked bytes.

        Raises HostileArchive when there are too many, in all or in proportion to the packed size.
        """
        self.unpacked += count
        limits = self.limits
        if self.unpacked > limits.unpacked:
            raise HostileArchive(
                f"The archive unpacks to more than {in_units(limits.unpacked)}, which is the limit.",
                hint="Raise the limit only for an archive that you trust.",
            )
        if self.unpacked > limits.ratio_floor and self.unpacked > limits.ratio * self.packed:
            raise HostileArchive(
                f"The archive of {in_units(self.packed)} unpacks to more than {limits.ratio} times its size; "
                "it looks made to fill the disk and is refused.",
                hint="Raise the limit only for an archive that you trust.",
            )

    def add_member(self, path: str, size: int) -> None:
        """Count a member of `size` bytes. Raises HostileArchive past the number or size allowed."""
        self.members += 1
        if self.members > self.limits.members:
            raise HostileArchive(
                f"The archive has more than {self.limits.members:,} members, which is the limit.",
                hint="An administrator can raise the limit for an archive that you trust.",
            )
        if size > self.limits.member:
            raise HostileArchive(
                f"The member is larger than {in_units(self.limits.member)}, which is the limit.", where=path
            )


def too_large(path: str, most: int) -> HostileArchive:
    """Return the error for a member that is larger than such a member may be."""
    return HostileArchive(
        f"The member is larger than {in_units(most)}, which is the limit for it.",
        where=path,
        hint="No course needs so much; the archive was made or changed by something else than a course backup.",
    )


def check_path(name: str, *, limits: Limits = DEFAULT) -> str:
    """Return a member's name in its plain form: no leading `./`, no trailing `/`; "" for the top folder itself.

    Raises HostileArchive for a name that climbs out of the archive, is absolute, or cannot be shown safely.
    Members are never written to the file system by name, so this check is the second protection.
    """
    # Nearly all names: asked first, as there are thousands in an archive.
    if ORDINARY.fullmatch(name) and len(name) <= limits.path and name.count("/") < limits.depth:
        return name
    return _checked(name, limits)


def _checked(name: str, limits: Limits) -> str:
    """Return any member's name as `check_path` does."""
    shown = ascii(name[:80])
    if any(ord(character) < 32 or ord(character) == 127 for character in name):
        raise HostileArchive(f"A member's name has control characters in it: {shown}.")
    if "\\" in name:
        raise HostileArchive(f"A member's name has a backslash in it: {shown}.")
    if name.startswith("/") or name[1:2] == ":":
        raise HostileArchive(f"A member's name is an absolute path: {shown}.")
    while name.startswith("./"):
        name = name[2:]
    name = name.removesuffix("/")
    if name in ("", "."):
        return ""
    parts = name.split("/")
    if any(part in ("", ".", "..") for part in parts):
        raise HostileArchive(f"A member's name climbs out of the archive: {shown}.")
    if len(name.encode("utf-8", "surrogatepass")) > limits.path:
        raise HostileArchive(f"A member's name is longer than {limits.path} bytes: {shown}...")
    if len(parts) > limits.depth:
        raise HostileArchive(f"A member lies more than {limits.depth} folders deep: {shown}.")
    return name


def check_tree(files: Iterable[str], folders: Iterable[str]) -> None:
    """Raise HostileArchive when a path is both a file and a folder."""
    above = set(folders)
    names = list(files)
    for name in names:
        parent = name.rpartition("/")[0]
        while parent and parent not in above:
            above.add(parent)
            parent = parent.rpartition("/")[0]
    for name in names:
        if name in above:
            raise HostileArchive("The member is both a file and a folder.", where=name)


def in_units(size: int) -> str:
    """Return a number of bytes as text for people: `12 bytes`, `3.4 MB`; 1 KB is 1,024 bytes."""
    if size < KIBIBYTE:
        return f"{size} bytes"
    if size < MEBIBYTE:
        return f"{size / KIBIBYTE:.1f} KB"
    return f"{size / MEBIBYTE:.1f} MB" if size < GIBIBYTE else f"{size / GIBIBYTE:.1f} GB"
