"""Write a zip to a stream that cannot seek: sizes and checksums stand before the bytes of a member wherever they are known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import chain
from typing import BinaryIO, NamedTuple

from archive.compression import (
    END,
    THREADS,
    Block,
    Portion,
    Summing,
    Sums,
    deflate_blocks,
    deflated,
    method_for,
)
from archive.parallel import in_order
from archive.zip_headers import (
    DEFLATED,
    STORED,
    ZipEntry,
    descriptor,
    directory_header,
    end_of_archive,
    local_header,
    needs_zip64,
)

BATCH, MOST_IN_BATCH = 64 * 1024, 64
"""Bytes and number of members that one thread compresses at once: most are so small that giving them to it takes longer."""


class ShortMember(NamedTuple):
    """A member that is in memory. With `sampled` its bytes are stored if samples of them do not become smaller."""

    path: str
    data: bytes
    sampled: bool


class LongMember(NamedTuple):
    """A member of `size` bytes, or fewer, that are too many to be in memory; they are not compressed yet.

    With `sampled` samples of each block tell how it is compressed.
    """

    path: str
    size: int
    blocks: Iterable[bytes]
    sampled: bool


class PackedMember(NamedTuple):
    """A member as it stands in the archive, `packed_size` bytes; `sums` are those of its content."""

    path: str
    method: int
    blocks: Iterable[Block]
    packed_size: int
    sums: Sums


ZipMember = ShortMember | LongMember | PackedMember


def packed_member(path: str, blocks: Iterable[Block], packed_size: int, sums: Sums) -> PackedMember:
    """Return a member whose blocks are those of a `Packer`, `packed_size` bytes."""
    return PackedMember(path, DEFLATED, chain(blocks, [END]), packed_size + len(END), sums)


def write_zip(target: BinaryIO, members: Iterable[ZipMember], *, date: int) -> None:
    """Write members in their order, all with the same `date` (epoch seconds). The same members give the same bytes.

    Short ones are compressed in threads, so `members` is ahead of what is written by some of them.
    """
    out = _Writer(target, date)
    with closing(in_order(_compressed, _batches(members), threads=THREADS)) as batches:
        for member in chain.from_iterable(batches):
            if isinstance(member, LongMember):
                out.add_long(member)
            else:
                out.add(member)
    out.finish()


class _Writer:
    """Writes members and notes where they are, for the directory."""

    def __init__(self, target: BinaryIO, date: int) -> None:
        self._target = target
        self._date = date
        self._offset = 0
        self._directory: list[bytes] = []

    def add(self, member: PackedMember) -> None:
        """Write a member whose sizes and checksum are known."""
        path, method, blocks, packed_size, sums = member
        zip64 = needs_zip64(max(packed_size, sums.size))
        entry = ZipEntry(path, method, self._date, self._offset, zip64, sums=sums, packed_size=packed_size)
        self._write(local_header(entry))
        self._write_all(blocks)
        self._directory.append(directory_header(entry))

    def add_long(self, member: LongMember) -> None:
        """Write a member, and behind it what is known only then. It is stored if its first block would be."""
        rest = iter(member.blocks)
        first = next(rest, b"")
        blocks = chain([first], rest)
        stored = member.sampled and method_for(first) == "stored"
        # Deflate adds five bytes to each 16 KB that do not become smaller.
        zip64 = needs_zip64(member.size + member.size // 1024 + 1024)
        method = STORED if stored else DEFLATED
        entry = ZipEntry(member.path, method, self._date, self._offset, zip64, streamed=True)
        self._write(local_header(entry))
        start, sums = self._offset, Summing()
        portions = (Portion(block, method_for(block) if member.sampled else "small") for block in blocks)
        with closing(sums.passing(blocks) if stored else deflate_blocks(portions, sums)) as packed:
            self._write_all(packed)
        entry = entry._replace(sums=sums.found, packed_size=self._offset - start)
        self._write(descriptor(entry))
        self._directory.append(directory_header(entry))

    def finish(self) -> None:
        """Write the directory and the end of the archive."""
        start = self._offset
        self._write_all(self._directory)
        self._write(end_of_archive(start=start, size=self._offset - start, count=len(self._directory)))

    def _write_all(self, blocks: Iterable[Block]) -> None:
        for block in blocks:
            self._write(block)

    def _write(self, data: Block) -> None:
        self._target.write(data)
        self._offset += len(data)


def _batches(members: Iterable[ZipMember]) -> Iterator[list[ZipMember]]:
    """Yield members together, until they are many or have many bytes in memory."""
    batch: list[ZipMember] = []
    size = 0
    for member in members:
        batch.append(member)
        size += len(member.data) if isinstance(member, ShortMember) else 0
        if size >= BATCH or len(batch) >= MOST_IN_BATCH:
            yield batch
            batch, size = [], 0
    yield batch


def _compressed(batch: list[ZipMember]) -> list[LongMember | PackedMember]:
    """Return the members with the short ones compressed; the others are read when they are written."""
    return [_packed(member) if isinstance(member, ShortMember) else member for member in batch]


def _packed(member: ShortMember) -> PackedMember:
    """Return a short member compressed, or stored if it does not become smaller."""
    path, data, sampled = member
    sums = Summing()
    sums.add(data)
    packed = data if sampled and method_for(data) == "stored" else deflated(data)
    if len(packed) < len(data):
        return PackedMember(path, DEFLATED, [packed], len(packed), sums.found)
    return PackedMember(path, STORED, [data], len(data), sums.found)
