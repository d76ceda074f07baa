"""Compress bytes into one gzip stream, in threads: by zlib-ng and igzip, or without their wheels by the standard library.

Bytes that are compressed already, as those of pictures and films are, are stored in the stream as they are (RFC 1951, 3.2.4),
which takes no more than to copy them. The stream is one member of gzip, as some readers end after the first.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from typing import Any, Literal, NamedTuple

from archive.parallel import in_order

Block = bytes | memoryview
Method = Literal["small", "quick", "stored"]
"""How bytes become a part of the stream: as few as possible; quickly, as they become hardly fewer; as they are."""


class Compressor(NamedTuple):
    """A library with the interface of `zlib`, and a level."""

    library: Any
    level: int


# The best of all libraries and levels that were measured (docs/performance.md). Not every platform has a wheel of each.
try:
    import zlib_ng.zlib_ng

    SMALL = Compressor(zlib_ng.zlib_ng, 7)
except ImportError:
    SMALL = Compressor(zlib, 6)
try:
    import isal.isal_zlib

    QUICK = Compressor(isal.isal_zlib, 2)
except ImportError:
    QUICK = SMALL

THREADS = 2
BLOCK = 256 * 1024
"""Bytes that are compressed at once. Blocks begin where they begin in every run, so the stream is the same in every run."""

WINDOW = 32 * 1024
"""Bytes before a block that its compression refers to: the most that the format can."""

APART_FROM = 8 * 1024
"""Bytes of a file from which on it may be stored: that costs 100 bytes, as what follows is compressed apart too."""

SAMPLE, SAMPLES = 512, 32
"""Bytes of a sample, and how many are taken: so many that the names between the files of a zip are among them."""

DENSE, NEARLY_DENSE = 0.99, 0.9
"""The least ratio of sizes, compressed to not compressed, of samples of what is stored, and of what is compressed quickly."""

LARGEST_STORED = 0xFFFF
HEADER = b"\x1f\x8b\x08\x00" + bytes(4) + b"\x00\xff"
"""Of gzip: deflate, without a name and a time, from no particular system."""

END = b"\x03\x00"
"""The last block of deflate, which is empty."""


class Portion(NamedTuple):
    """Some bytes of the stream, and how they become a part of it."""

    data: bytes
    method: Method = "small"


class _Unit(NamedTuple):
    """Bytes that one thread compresses, after `before`, the bytes that precede them."""

    data: bytes
    before: bytes
    method: Method


def method_for(data: bytes) -> Method:
    """Return how bytes of a file are packed, by samples of them. JPEG, PNG, MP4 and most zips are stored."""
    if len(data) < APART_FROM:
        return "small"
    step = max(SAMPLE, (len(data) - SAMPLE) // (SAMPLES - 1))
    samples = b"".join(data[at : at + SAMPLE] for at in range(0, len(data), step))
    ratio = len(zlib.compress(samples, 1)) / len(samples)
    return "stored" if ratio >= DENSE else "quick" if ratio >= NEARLY_DENSE else "small"


def gzip_blocks(pieces: Iterable[Portion]) -> Generator[Block, None, None]:
    """Yield the blocks of a gzip stream of these pieces. The same pieces give the same bytes."""
    sums = _Sums()
    yield HEADER
    with closing(in_order(_packed, sums.of(_units(pieces)), threads=THREADS)) as found:
        for blocks in found:
            yield from blocks
    yield END + struct.pack("<II", sums.crc, sums.size & 0xFFFFFFFF)


class _Sums:
    """The checksum and the size of what passes, as the end of a gzip stream has them."""

    crc = 0
    size = 0

    def of(self, units: Iterable[_Unit]) -> Iterator[_Unit]:
        for unit in units:
            self.crc = SMALL.library.crc32(unit.data, self.crc)
            self.size += len(unit.data)
            yield unit


def _units(pieces: Iterable[Portion]) -> Iterator[_Unit]:
    """Yield the pieces that become small joined and cut into blocks, all others as they are."""
    waiting, before = bytearray(), b""
    for data, method in pieces:
        apart = method != "small"
        if not apart:
            waiting += data
        while len(waiting) >= BLOCK or (apart and waiting):
            block = bytes(waiting[:BLOCK])
            del waiting[:BLOCK]
            yield _Unit(block, before, "small")
            before = (before + block)[-WINDOW:]
        if apart:
            yield _Unit(data, b"", method)
            before = data[-WINDOW:]
    if waiting:
        yield _Unit(bytes(waiting), before, "small")


def _packed(unit: _Unit) -> Iterable[Block]:
    """Return blocks of deflate that end at a whole byte and are not the last ones. What is stored is not copied."""
    if unit.method == "stored":
        return _stored(unit.data)
    library, level = SMALL if unit.method == "small" else QUICK
    dictionary = (unit.before,) if unit.before else ()
    made = library.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, 0, *dictionary)
    return made.compress(unit.data), made.flush(zlib.Z_SYNC_FLUSH)


def _stored(data: bytes) -> Iterator[Block]:
    view = memoryview(data)
    for start in range(0, len(view), LARGEST_STORED):
        part = view[start : start + LARGEST_STORED]
        yield struct.pack("<BHH", 0, len(part), len(part) ^ LARGEST_STORED)
        yield part
