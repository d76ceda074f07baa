"""Format the headers of a zip: those before and behind the bytes of a member, the directory, and the end of the archive.

The format is that of PKWARE's APPNOTE.TXT 6.3; the numbers of its sections are beside what they are about. Numbers that
are too large for their fields stand in those of zip64.
"""

from __future__ import annotations

import struct
import time
from typing import Final, NamedTuple

from archive.compression import NO_SUMS, Sums

STORED: Final = 0
DEFLATED: Final = 8

STREAMED = 0x0008
"""Flag of a member whose sizes and checksum stand behind its bytes (4.4.4)."""

UTF8 = 0x0800
"""Flag of a name that is not ASCII (4.4.4)."""

LARGEST, MOST_ENTRIES = 0xFFFFFFFF, 0xFFFF
"""Sizes and positions in bytes, and numbers of entries, from which on zip64 is needed (4.4.1.4)."""

IN_ZIP64, COUNT_IN_ZIP64 = 0xFFFFFFFF, 0xFFFF
"""A field whose number stands in those of zip64."""

PLAIN_VERSION, ZIP64_VERSION = 20, 45
"""Version of the format that a reader has to know: for deflate, and for zip64 (4.4.3)."""

UNIX = 3 << 8
"""The system whose permissions stand in the upper half of the external attributes (4.4.2)."""

FILE = 0o100644 << 16
"""External attributes: permissions (4.4.15)."""

EARLIEST, LATEST = 315532800, 4354819198
"""Epoch seconds of the first and the last time that a zip knows, in 1980 and in 2107 (4.4.6)."""


class ZipEntry(NamedTuple):
    """The contents of a member's headers, `date` in epoch seconds.

    `offset` is where its own header begins. With `zip64` its sizes have eight bytes before and behind its bytes.
    """

    path: str
    method: int
    date: int
    offset: int
    zip64: bool
    streamed: bool = False
    sums: Sums = NO_SUMS
    packed_size: int = 0


def needs_zip64(size: int) -> bool:
    """True for a size or position in bytes that does not fit into a field of four."""
    return size >= LARGEST


def local_header(entry: ZipEntry) -> bytes:
    """Return the header before a member's bytes (4.3.7); with zip64 it always has both sizes (4.5.3)."""
    size, packed_size = entry.sums.size, entry.packed_size
    extra = struct.pack("<2H2Q", 1, 16, size, packed_size) if entry.zip64 else b""
    sizes = (IN_ZIP64, IN_ZIP64) if entry.zip64 else (packed_size, size)
    version = ZIP64_VERSION if entry.zip64 else PLAIN_VERSION
    name = entry.path.encode()
    lengths = (len(name), len(extra))
    return (
        struct.pack("<4sH", b"PK\3\4", version)
        + _known(entry)
        + struct.pack("<2L2H", *sizes, *lengths)
        + name
        + extra
    )


def descriptor(entry: ZipEntry) -> bytes:
    """Return the sizes and the checksum behind the bytes of a streamed member (4.3.9)."""
    sizes = struct.pack("<2Q" if entry.zip64 else "<2L", entry.packed_size, entry.sums.size)
    return struct.pack("<4sL", b"PK\7\10", entry.sums.crc) + sizes


def directory_header(entry: ZipEntry) -> bytes:
    """Return a member's entry in the directory (4.3.12). Zip64 has only those numbers there that do not fit."""
    numbers = (entry.sums.size, entry.packed_size, entry.offset)
    large = [number for number in numbers if needs_zip64(number)]
    extra = struct.pack(f"<2H{len(large)}Q", 1, 8 * len(large), *large) if large else b""
    version = ZIP64_VERSION if entry.zip64 or large else PLAIN_VERSION
    size, packed_size, offset = map(_field, numbers)
    name = entry.path.encode()
    rest = (packed_size, size, len(name), len(extra), 0, 0, 0, FILE, offset)
    start = struct.pack("<4s2H", b"PK\1\2", UNIX | version, version)
    return start + _known(entry) + struct.pack("<2L5H2L", *rest) + name + extra


def end_of_archive(*, start: int, size: int, count: int) -> bytes:
    """Return the end of an archive: where its directory starts, the directory's size in bytes, and how many entries it has."""
    zip64 = b""
    if needs_zip64(start) or needs_zip64(size) or count >= MOST_ENTRIES:
        numbers = (0, 0, count, count, size, start)
        zip64 = struct.pack(
            "<4sQ2H2L4Q", b"PK\6\6", 44, UNIX | ZIP64_VERSION, ZIP64_VERSION, *numbers
        )  # 4.3.14
        zip64 += struct.pack("<4sLQL", b"PK\6\7", 0, start + size, 1)  # 4.3.15
    count = COUNT_IN_ZIP64 if count >= MOST_ENTRIES else count
    return zip64 + struct.pack(
        "<4s4H2LH", b"PK\5\6", 0, 0, count, count, _field(size), _field(start), 0
    )  # 4.3.16


def _known(entry: ZipEntry) -> bytes:
    """Return the fields that both headers of a member have: flags, method, time, date and checksum."""
    flags = (STREAMED if entry.streamed else 0) | (0 if entry.path.isascii() else UTF8)
    return struct.pack("<2H2L", flags, entry.method, _moment(entry.date), entry.sums.crc)


def _field(number: int) -> int:
    return IN_ZIP64 if needs_zip64(number) else number


def _moment(date: int) -> int:
    """Return a time as MS-DOS writes it, the date in the upper half, in steps of two seconds (4.4.6)."""
    year, month, day, hour, minute, second = time.gmtime(min(max(date, EARLIEST), LATEST))[:6]
    return (year - 1980) << 25 | month << 21 | day << 16 | hour << 11 | minute << 5 | second // 2
