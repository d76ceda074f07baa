"""Compress bytes into one gzip stream, in threads: by zlib-ng, or without its wheel by the standard library.

Bytes that are compressed already, as those of pictures and films are, are stored in the stream as they are (RFC 1951, 3.2.4),
which takes no more than to copy them. The stream is one member of gzip, as some readers end after the first.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from typing import Any, NamedTuple

from archive.parallel import in_order

try:
    from zlib_ng import zlib_ng
except ImportError:  # the wheel does not exist for every platform
    zlib_ng = None

library: Any = zlib_ng or zlib
LEVEL = 7 if zlib_ng else 6
"""Level 7 of zlib-ng gives as few bytes as level 6 of zlib, in half its time (docs/performance.md)."""

Block = bytes | memoryview

THREADS = 2
BLOCK = 256 * 1024
"""Bytes that are compressed at once. Blocks begin where they begin in every run, so the stream is the same in every run."""

WINDOW = 32 * 1024
"""Bytes before a block that its compression refers to: the most that the format can."""

STORED_FROM = 8 * 1024
"""Bytes of a file from which on it is stored apart: each time costs 100 bytes, as what follows is compressed apart too."""

SAMPLE, SAMPLES = 512, 32
"""Bytes of a sample, and how many are taken: so many that the names between the files of a zip are among them."""

DENSE = 0.985
"""The least ratio of sizes, compressed to not compressed, of the samples of what is stored."""

LARGEST_STORED = 0xFFFF
HEADER = b"\x1f\x8b\x08\x00" + bytes(4) + b"\x00\xff"
"""Of gzip: deflate, without a name and a time, from no particular system."""

END = b"\x03\x00"
"""The last block of deflate, which is empty."""


class Piece(NamedTuple):
    """Some bytes of the stream; `dense` if they are compressed already and are to be stored."""

    data: bytes
    dense: bool = False


class _Unit(NamedTuple):
    """Bytes that one thread compresses, after `before`, the bytes that precede them; `dense` ones are stored."""

    data: bytes
    before: bytes
    dense: bool


def is_dense(data: bytes) -> bool:
    """True if these bytes, by samples of them, become hardly smaller, as JPEG, PNG, MP4 and zip do; False for few bytes."""
    if len(data) < STORED_FROM:
        return False
    step = max(SAMPLE, (len(data) - SAMPLE) // (SAMPLES - 1))
    samples = b"".join(data[at : at + SAMPLE] for at in range(0, len(data), step))
    return len(zlib.compress(samples, 1)) >= DENSE * len(samples)


def gzip_blocks(pieces: Iterable[Piece]) -> Generator[Block, None, None]:
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
            self.crc = library.crc32(unit.data, self.crc)
            self.size += len(unit.data)
            yield unit


def _units(pieces: Iterable[Piece]) -> Iterator[_Unit]:
    """Yield the pieces joined and cut into blocks, those that are dense as they are."""
    waiting, before = bytearray(), b""
    for data, dense in pieces:
        if not dense:
            waiting += data
        while len(waiting) >= BLOCK or (dense and waiting):
            block = bytes(waiting[:BLOCK])
            del waiting[:BLOCK]
            yield _Unit(block, before, dense=False)
            before = (before + block)[-WINDOW:]
        if dense:
            yield _Unit(data, b"", dense=True)
            before = data[-WINDOW:]
    if waiting:
        yield _Unit(bytes(waiting), before, dense=False)


def _packed(unit: _Unit) -> Iterable[Block]:
    """Return blocks of deflate that end at a whole byte and are not the last ones. What is stored is not copied."""
    if unit.dense:
        return _stored(unit.data)
    compressor = library.compressobj(
        LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, 0, unit.before
    )
    return compressor.compress(unit.data), compressor.flush(zlib.Z_SYNC_FLUSH)


def _stored(data: bytes) -> Iterator[Block]:
    view = memoryview(data)
    for start in range(0, len(view), LARGEST_STORED):
        part = view[start : start + LARGEST_STORED]
        yield struct.pack("<BHH", 0, len(part), len(part) ^ LARGEST_STORED)
        yield part
