"""Keep the members of an archive in one temporary file until it can be written, the long ones compressed already."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from archive.checkpoints import checkpoint
from archive.compression import THREADS, Block, Packer, Summing, Sums
from archive.parallel import Background
from archive.streams import CHUNK

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

BUFFER = 64 * 1024
"""Bytes of a member that are collected before they are spooled. Longer blocks go there as they are."""

LONG = CHUNK
"""Bytes of a member from which on threads compute its digest and compress it while the next bytes are made."""

DIGESTS_AHEAD = 4
"""Blocks of a member that wait until they are part of its digest, at most."""


@dataclass(frozen=True, slots=True)
class Spooled:
    """A member that is complete: where it is in the file, as offsets and sizes, its own size, and its SHA-256.

    `packed` are the sums of a member that is compressed there; None of one that is there as it is.
    """

    extents: Sequence[tuple[int, int]]
    size: int
    digest: bytes
    packed: Sums | None = None


class Spool:
    """The temporary file. With `packs`, long members are compressed in it, to what a `Portion` can be made of."""

    def __init__(self, *, tempdir: str | os.PathLike[str] | None, packs: bool) -> None:
        self._file = tempfile.TemporaryFile(dir=tempdir, prefix="archive-")  # noqa: SIM115
        self._end = self._flushed = 0
        self._digesting = Background("digests", ahead=DIGESTS_AHEAD)
        self._packing = ThreadPoolExecutor(THREADS, "packing") if packs else None

    @contextmanager
    def member(self) -> Iterator[SpooledStream]:
        """Open a stream for the bytes of a member. Several may be open at once. At the end it is `spooled`."""
        raw = _Raw(self)
        stream = SpooledStream(cast(io.RawIOBase, raw), buffer_size=BUFFER)
        yield stream
        stream.flush()
        self._digesting.wait()
        stream.spooled = raw.finished()

    def read(self, extents: Iterable[tuple[int, int]]) -> Iterator[bytes]:
        """Yield the bytes at these offsets, of these sizes."""
        if self._flushed < self._end:
            self._file.flush()
            self._flushed = self._end
        for offset, size in extents:
            while size:
                checkpoint()
                block = os.pread(self._file.fileno(), min(size, CHUNK), offset)
                if not block:
                    raise OSError("the temporary file of the archive is shorter than what was written to it")
                yield block
                offset, size = offset + len(block), size - len(block)

    def append(self, data: Block) -> int:
        """Append bytes and return their offset."""
        offset = self._end
        self._end += self._file.write(data)
        return offset

    def digest(self, member: _Raw, data: bytes) -> None:
        """Add bytes to the digest and the sums of a member, in a thread."""
        self._digesting.submit(member.add, data)

    def packer(self, member: _Raw) -> Packer | None:
        """Return what compresses a member into the file; None if members are not compressed there."""
        return None if self._packing is None else Packer(self._packing, member.append)

    @property
    def size(self) -> int:
        """The bytes that were written to the file."""
        return self._end

    def close(self) -> None:
        """Delete the temporary file."""
        self._digesting.close()
        if self._packing is not None:
            self._packing.shutdown()
        self._file.close()


class SpooledStream(io.BufferedWriter):
    """The stream of one member. `spooled` is there when the member is complete."""

    spooled: Spooled


class _Raw(io.RawIOBase):
    """Sends the bytes of a long member through threads, those of others to the file: the target of a member's stream."""

    def __init__(self, spool: Spool) -> None:
        super().__init__()
        self._spool = spool
        self._size = 0
        self._extents: list[tuple[int, int]] = []
        self._packer: Packer | None = None
        self._digest = hashlib.sha256()
        self._sums = Summing()

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer) -> int:
        written = memoryview(data)
        was_long = self._size > LONG
        self._size += written.nbytes
        if self._size <= LONG:
            self._digest.update(written)
            self.append(written)
            return written.nbytes
        if not was_long:
            self._begin_to_pack()
        block = bytes(written)  # the caller may use its memory again
        self._spool.digest(self, block)
        if self._packer is None:
            self.append(block)
        else:
            self._packer.write(block)
        return len(block)

    def add(self, data: bytes) -> None:
        """Add bytes to the digest and, if they are compressed, to the sums."""
        self._digest.update(data)
        if self._packer is not None:
            self._sums.add(data)

    def append(self, data: Block) -> None:
        """Append bytes to the file."""
        size = memoryview(data).nbytes
        offset = self._spool.append(data)
        if self._extents and sum(self._extents[-1]) == offset:
            self._extents[-1] = (self._extents[-1][0], self._extents[-1][1] + size)
        else:
            self._extents.append((offset, size))

    def finished(self) -> Spooled:
        """Wait for what is being compressed, and return the whole member."""
        packed = None
        if self._packer is not None:
            self._packer.finish()
            packed = self._sums.found
        return Spooled(tuple(self._extents), self._size, self._digest.digest(), packed)

    def _begin_to_pack(self) -> None:
        """Compress what is in the file of this member, if members are compressed there."""
        self._packer = self._spool.packer(self)
        if self._packer is not None:
            extents, self._extents = self._extents, []
            for block in self._spool.read(extents):
                self._sums.add(block)
                self._packer.write(block)
