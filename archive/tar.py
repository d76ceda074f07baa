"""Reads tar headers one by one, without touching the file system, and writes ustar headers.

The layout is POSIX.1-1988 ustar; pax records (POSIX.1-2001) and GNU long names are understood when reading.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from archive.errors import ArchiveError, DamagedArchive, HostileArchive, NotAnArchive, UnsupportedArchive
from archive.numbers import octal, whole

BLOCK = 512
ZEROS = bytes(BLOCK)
LARGEST_NAME_RECORD = 64 * 1024
LARGEST_OCTAL_SIZE = 8 * 1024**3
HARD_LINK = b"1"
NOT_PLAIN = {
    HARD_LINK: "a hard link",
    b"2": "a symbolic link",
    b"3": "a device",
    b"4": "a device",
    b"6": "a named pipe",
}


class Source(Protocol):
    """A source of bytes: `take` returns exactly `count` bytes or raises DamagedArchive; `add_header` counts a header."""

    def take(self, count: int) -> bytes: ...

    def add_header(self) -> None: ...


LARGEST_SIZE = (1 << 62) - 1
"""Largest size in a header, in bytes."""

MOST_NAME_RECORDS = 8
"""Headers about names that may stand before the header of one member."""


@dataclass(frozen=True, slots=True)
class TarEntry:
    """A tar header: the name as it is written there, the size in bytes, and whether it is a folder."""

    name: str
    size: int
    folder: bool


def read_entries(source: Source) -> Iterator[TarEntry]:
    """Yield each entry; the caller takes `padded(entry.size)` bytes from the source before the next.

    A hard link of a member to itself is skipped. Raises NotAnArchive if the first header is invalid, DamagedArchive for
    an invalid later one, HostileArchive for other links and devices, UnsupportedArchive for other types of entries, which no
    course archive has.
    """
    name: str | None = None
    size: int | None = None
    first = True
    records = 0
    while (block := source.take(BLOCK)) != ZEROS:
        if not _checksum_is_right(block):
            if first:
                raise NotAnArchive("The file is compressed, but what is inside is no tar archive.")
            raise DamagedArchive("A header inside the archive is damaged.", hint="Get the file again.")
        first = False
        source.add_header()
        entry_type = block[156:157]
        stored = _number(block[124:136])
        if entry_type in b"xgLK":
            records += 1
            if stored > LARGEST_NAME_RECORD or records > MOST_NAME_RECORDS:
                raise HostileArchive("A member's name record is far too long.")
            record = source.take(padded(stored))[:stored]
            if entry_type == b"x":
                extended = _pax(record)
                name = extended.get("path", name)
                size = whole(extended.get("size"), least=0, most=LARGEST_SIZE) if "size" in extended else size
            elif entry_type == b"L":
                name = _text(record.split(b"\0", 1)[0])
            continue
        records = 0
        shown = name if name is not None else _own_name(block)
        if entry_type == HARD_LINK and _plain(_text(block[157:257].split(b"\0", 1)[0])) == _plain(shown):
            # tar writes this for a file that is named twice: the member was read already.
            name, size = None, None
            continue
        if entry_type in NOT_PLAIN:
            raise HostileArchive(
                f"The archive holds {NOT_PLAIN[entry_type]}, which no course archive has.",
                where=ascii(shown[:80]),
            )
        if entry_type not in (b"0", b"\0", b"5", b"7"):
            raise UnsupportedArchive(
                "The archive holds an entry of an unknown kind.", where=ascii(shown[:80])
            )
        folder = entry_type == b"5" or shown.endswith("/")
        yield TarEntry(shown, 0 if folder else (size if size is not None else stored), folder)
        name, size = None, None


def padded(size: int) -> int:
    """Return the size in bytes rounded up to whole blocks of 512."""
    return -(-size // BLOCK) * BLOCK


def check_length(path: str) -> None:
    """Raise ArchiveError for a path that is too long for a header."""
    _split(path)


def header(path: str, *, size: int, date: int) -> bytes:
    """Return the ustar header (512 bytes) of a member; a path that ends in `/` is a folder. `date` is epoch seconds.

    Raises ArchiveError when the path does not fit: a name of 100 bytes, after a folder of 155 bytes.
    """
    prefix, name = _split(path)
    folder = path.endswith("/")
    size_field = b"%011o\0" % size if size < LARGEST_OCTAL_SIZE else b"\x80" + size.to_bytes(11, "big")
    fields = (
        name.ljust(100, b"\0"),
        b"0000755\0" if folder else b"0000644\0",
        b"0000000\0",
        b"0000000\0",
        size_field,
        b"%011o\0" % max(date, 0),
        b" " * 8,
        b"5" if folder else b"0",
        bytes(100),
        b"ustar\x0000",
        bytes(32),
        bytes(32),
        bytes(8),
        bytes(8),
        prefix.ljust(155, b"\0"),
        bytes(12),
    )
    block = b"".join(fields)
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def _split(path: str) -> tuple[bytes, bytes]:
    encoded = path.encode("utf-8")
    if len(encoded) <= 100:
        return b"", encoded
    # The cut is at a slash that leaves at most 100 bytes behind it and 155 before it.
    cut = encoded.find(b"/", len(encoded) - 101)
    if cut < 0 or cut > 155 or cut == len(encoded) - 1:
        raise ArchiveError("The path is too long for a tar archive.", where=path, hint="Shorten the name.")
    return encoded[:cut], encoded[cut + 1 :]


def _own_name(block: bytes) -> str:
    name = block[:100].split(b"\0", 1)[0]
    if block[257:263] == b"ustar\0" and (prefix := block[345:500].split(b"\0", 1)[0]):
        name = prefix + b"/" + name
    return _text(name)


def _plain(name: str) -> str:
    return name.removeprefix("./")


def _text(name: bytes) -> str:
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError:
        raise UnsupportedArchive(f"A member's name is not UTF-8: {name[:80]!a}.") from None


def _number(field: bytes) -> int:
    """Return the number in a header's field, octal or binary. Raises DamagedArchive if it is invalid or below zero."""
    # A binary number below zero begins with 0xFF.
    binary = field[0] & 0x80 and field[0] != 0xFF
    number = int.from_bytes(field[1:], "big") if binary else octal(field.strip(b" \0") or b"0")
    if number is None or number > LARGEST_SIZE:
        raise DamagedArchive("A header inside the archive is damaged.", hint="Get the file again.")
    return number


def _checksum_is_right(block: bytes) -> bool:
    return octal(block[148:156].strip(b" \0")) == sum(block[:148]) + 8 * 32 + sum(block[156:])


def _pax(record: bytes) -> dict[str, str]:
    """Return the path and the size of an extended header: lines of `<length> <key>=<value>`, each read once."""
    values: dict[str, str] = {}
    position, end = 0, len(record.rstrip(b"\0"))
    while position < end:
        space = record.find(b" ", position, position + 20)
        length = whole(record[position:space], least=1, most=len(record) - position) if space > 0 else None
        if length is None or position + length <= space:
            raise _damaged_record()
        key, equals, value = record[space + 1 : position + length - 1].partition(b"=")
        if not equals:
            raise _damaged_record()
        if key in (b"path", b"size"):
            values[key.decode()] = _text(value)
        position += length
    if whole(values.get("size", "0"), least=0, most=LARGEST_SIZE) is None:
        raise _damaged_record()
    return values


def _damaged_record() -> DamagedArchive:
    return DamagedArchive("An extended header inside the archive is damaged.", hint="Get the file again.")
