"""Compress bytes into one stream of deflate, in threads: by zlib-ng and igzip, or without their wheels by the standard library.

Bytes that are compressed already, as those of pictures and films are, are stored in the stream as they are (RFC 1951, 3.2.4),
which takes no more than to copy them. A stream of gzip is one member, as some readers end after the first.
"""

from __future__ import annotations

import struct
import zlib
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import Any, Literal, NamedTuple, cast

from archive.parallel import AHEAD, in_order

Block = bytes | memoryview
Method = Literal["small", "quick", "stored"]
"""How bytes become a part of the stream: as few as possible; quickly, as they become hardly fewer; as they are."""

AlreadyPacked = Literal["packed"]
"""Of bytes that are a part of a stream already, blocks of deflate."""


class Compressor(NamedTuple):
    """A library with the interface of `zlib`, and a level."""

    library: Any
    level: int


# The best of all libraries and levels that were measured (docs/performance.md). Not every platform has a wheel of each.
# ALONE and ALONE_SHORT are for members of a zip, which have nothing before them to refer to.
try:
    import zlib_ng.zlib_ng

    SMALL = Compressor(zlib_ng.zlib_ng, 7)
    ALONE = Compressor(zlib_ng.zlib_ng, 8)
    ALONE_SHORT = Compressor(zlib_ng.zlib_ng, 9)
except ImportError:
    SMALL = Compressor(zlib, 6)
    ALONE = ALONE_SHORT = Compressor(zlib, 9)
try:
    import isal.isal_zlib

    QUICK = Compressor(isal.isal_zlib, 2)
except ImportError:
    QUICK = SMALL

THREADS = 2
BLOCK = 256 * 1024
"""Bytes that are compressed at once. Blocks begin where they begin in every run, so the stream is the same in every run."""

SHORT = 512
"""Bytes below which a member of a zip is the smallest by ALONE_SHORT; longer ones become larger by it, and take longer."""

WINDOW = 32 * 1024
"""Bytes before a block that its compression refers to: the most that the format can."""

APART_FROM = 8 * 1024
"""Bytes of a file from which on it may be stored: that costs 100 bytes, as what follows is compressed apart too."""

SAMPLE, SAMPLES = 512, 32
"""Bytes of a sample, and how many are taken: so many that the names between the files of a zip are among them."""

DENSE, NEARLY_DENSE = 0.99, 0.9
"""The least ratio of sizes, compressed to not compressed, of samples of what is stored, and of what is compressed quickly."""

LARGEST_STORED = 0xFFFF
MEMORY = 9
"""The largest of zlib's levels of memory: blocks of deflate are longer, which makes the rich course 500 bytes smaller."""

HEADER = b"\x1f\x8b\x08\x00" + bytes(4) + b"\x00\xff"
"""Of gzip: deflate, without a name and a time, from no particular system."""

END = b"\x03\x00"
"""The last block of deflate, which is empty."""


class Sums(NamedTuple):
    """The checksum (CRC-32) and the size of bytes before they were compressed."""

    crc: int = 0
    size: int = 0


NO_SUMS = Sums()


class Portion(NamedTuple):
    """Some bytes of the stream, and how they become a part of it. `sums` are those of what is in packed ones."""

    data: bytes
    method: Method | AlreadyPacked = "small"
    sums: Sums = NO_SUMS


class _Unit(NamedTuple):
    """Bytes that one thread compresses, after `before`, the bytes that precede them."""

    data: bytes
    before: bytes
    method: Method | AlreadyPacked
    sums: Sums = NO_SUMS


def method_for(data: bytes) -> Method:
    """Return how bytes of a file are packed, by samples of them. JPEG, PNG, MP4 and most zips are stored."""
    if len(data) < APART_FROM:
        return "small"
    step = max(SAMPLE, (len(data) - SAMPLE) // (SAMPLES - 1))
    samples = b"".join(data[at : at + SAMPLE] for at in range(0, len(data), step))
    ratio = len(zlib.compress(samples, 1)) / len(samples)
    return "stored" if ratio >= DENSE else "quick" if ratio >= NEARLY_DENSE else "small"


def can_pack() -> bool:
    """Whether bytes can be packed before the stream has come to them: the standard library cannot combine checksums."""
    return hasattr(SMALL.library, "crc32_combine")


def gzip_blocks(pieces: Iterable[Portion]) -> Generator[Block, None, None]:
    """Yield the blocks of a gzip stream of these pieces. The same pieces give the same bytes."""
    sums = Summing()
    yield HEADER
    yield from deflate_blocks(pieces, sums)
    yield struct.pack("<II", sums.found.crc, sums.found.size & 0xFFFFFFFF)


def deflate_blocks(pieces: Iterable[Portion], sums: Summing) -> Generator[Block, None, None]:
    """Yield the blocks of a whole stream of deflate of these pieces; at its end `sums` are those of all of them."""
    with closing(in_order(_packed, sums.of(_units(pieces)), threads=THREADS)) as found:
        for blocks in found:
            yield from blocks
    yield END


def deflated(data: bytes) -> bytes:
    """Return a whole stream of deflate of bytes that are in memory."""
    library, level = ALONE_SHORT if len(data) < SHORT else ALONE
    made = library.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS, MEMORY)
    return cast(bytes, made.compress(data) + made.flush())


class Packer:
    """Compresses bytes in threads while they are made, to packed ones, for a `Portion`; `take` gets these in their order.

    The same bytes give the same packed ones, however they come. Their sums are not made here.
    """

    def __init__(self, threads: ThreadPoolExecutor, take: Callable[[Block], object]) -> None:
        self._threads = threads
        self._take = take
        self._cut = _Cut()
        self._pending: deque[Future[Iterable[Block]]] = deque()

    def write(self, data: bytes) -> None:
        """Compress bytes after those before; waits only while as many blocks are pending as the threads do in some moments."""
        for unit in self._cut.add(data):
            self._submit(unit)

    def finish(self) -> None:
        """Compress what is left, and wait until all is taken."""
        for unit in self._cut.rest():
            self._submit(unit)
        while self._pending:
            self._take_first()

    def _submit(self, unit: _Unit) -> None:
        while len(self._pending) >= THREADS * AHEAD:
            self._take_first()
        self._pending.append(self._threads.submit(_packed, unit))

    def _take_first(self) -> None:
        for block in self._pending.popleft().result():
            self._take(block)


class Summing:
    """The sums of the bytes that pass: `found`."""

    def __init__(self) -> None:
        self.found = Sums()

    def add(self, data: Block) -> None:
        """Add bytes that are not compressed."""
        crc, size = self.found
        self.found = Sums(SMALL.library.crc32(data, crc), size + len(data))

    def passing(self, blocks: Iterable[bytes]) -> Generator[bytes, None, None]:
        """Yield blocks that are not compressed, each after it is added."""
        for block in blocks:
            self.add(block)
            yield block

    def of(self, units: Iterable[_Unit]) -> Iterator[_Unit]:
        for unit in units:
            if unit.method == "packed":
                crc, size = self.found
                combined = SMALL.library.crc32_combine(crc, unit.sums.crc, unit.sums.size)
                self.found = Sums(combined, size + unit.sums.size)
            else:
                self.add(unit.data)
            yield unit


class _Cut:
    """Joins bytes and cuts them into blocks that become small, each with the bytes before it."""

    def __init__(self) -> None:
        self._waiting: list[Block] = []
        self._size = 0
        self._before = b""

    def add(self, data: bytes) -> Iterator[_Unit]:
        """Yield the blocks that are complete with these bytes."""
        rest = memoryview(data)
        while self._size + len(rest) >= BLOCK:
            missing = BLOCK - self._size
            self._waiting.append(rest[:missing])
            rest = rest[missing:]
            yield self._joined()
        if rest:
            self._waiting.append(rest)
            self._size += len(rest)

    def rest(self) -> Iterator[_Unit]:
        """Yield what is left."""
        if self._waiting:
            yield self._joined()

    def follow(self, before: bytes) -> None:
        """Note the bytes before the next ones, which were compressed in another way."""
        self._before = before[-WINDOW:]

    def _joined(self) -> _Unit:
        """Return all that waits. It is copied once: most of an archive passes here."""
        unit = _Unit(b"".join(self._waiting), self._before, "small")
        self._waiting, self._size = [], 0
        self.follow(unit.data)
        return unit


def _units(pieces: Iterable[Portion]) -> Iterator[_Unit]:
    """Yield the pieces that become small joined and cut into blocks, all others as they are."""
    cut = _Cut()
    for data, method, sums in pieces:
        if method == "small":
            yield from cut.add(data)
            continue
        yield from cut.rest()
        yield _Unit(data, b"", method, sums)
        cut.follow(b"" if method == "packed" else data)
    yield from cut.rest()


def _packed(unit: _Unit) -> Iterable[Block]:
    """Return blocks of deflate that end at a whole byte and are not the last ones. What is stored is not copied."""
    if unit.method == "packed":
        return (unit.data,)
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
