"""Byte streams: slices of one file, reads that fill a block, and the reading of gzip by isal or by the standard library."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import zlib
from collections.abc import Callable, Iterator
from typing import IO, TYPE_CHECKING, Any, BinaryIO, cast

from archive.checkpoints import checkpoint

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

threaded: Any
GZIP_FAULTS: tuple[type[Exception], ...]
try:
    from isal import igzip_lib
    from isal import igzip_threaded as threaded

    GZIP_FAULTS = (gzip.BadGzipFile, zlib.error, cast(type[Exception], igzip_lib.IsalError))
except ImportError:  # the wheel does not exist for every platform; the content is the same, only slower
    threaded = None
    GZIP_FAULTS = (gzip.BadGzipFile, zlib.error)

CHUNK = 1024 * 1024
EMPTY_CONTENT = "files/da/da39a3ee5e6b4b0d3255bfef95601890afd80709"
"""Path of the empty content, which folders and empty files have; an archive may leave it out."""


class Slice(io.RawIOBase):
    """`size` bytes of a file from `offset` on; any number of slices can be read at once."""

    def __init__(self, descriptor: int, *, offset: int, size: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._start = offset
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        wanted = min(len(view), self._size - self._position)
        if wanted <= 0:
            return 0
        data = os.pread(self._descriptor, wanted, self._start + self._position)
        view[: len(data)] = data
        self._position += len(data)
        return len(data)


def slice_of(descriptor: int, *, offset: int, size: int) -> BinaryIO:
    """Return a stream of `size` bytes of the open file `descriptor`, from `offset` on; up to CHUNK bytes are read before."""
    if size <= CHUNK:
        return io.BytesIO(os.pread(descriptor, size, offset))
    return cast(BinaryIO, io.BufferedReader(Slice(descriptor, offset=offset, size=size), buffer_size=CHUNK))


class Pieces(io.RawIOBase):
    """A readable stream made of an iterator of bytes."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._left = piece
        count = min(len(view), len(self._left))
        view[:count], self._left = self._left[:count], self._left[count:]
        return count


class HashedStream:
    """Reads a stream and computes the SHA-256 of what was read, `digest`."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, all that are left by default; b"" at the end."""
        data = self._stream.read(size)
        self.digest.update(data)
        return data


class CountedTarget(io.RawIOBase):
    """Writes to `target`; counts and hashes the bytes. Never seekable, so that a zip is the same in a file and in a pipe."""

    def __init__(self, target: BinaryIO, *, hashed: bool) -> None:
        super().__init__()
        self._target = target
        self._digest = hashlib.sha256() if hashed else None
        self.size = 0

    @property
    def sha256(self) -> str:
        """The SHA-256 of what was written; "" if it was not asked for."""
        return self._digest.hexdigest() if self._digest is not None else ""

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer) -> int:
        view = memoryview(data)
        written = 0
        while written < len(view):
            # A raw target may take less than it is given.
            written += self._target.write(view[written:]) or 0
        if self._digest is not None:
            self._digest.update(view)
        self.size += len(view)
        return len(view)


def buffered(pieces: Iterator[bytes]) -> BinaryIO:
    """Return a buffered stream that reads an iterator of bytes."""
    return cast(BinaryIO, io.BufferedReader(Pieces(pieces)))


def drain(stream: IO[bytes] | HashedStream, *takers: Callable[[bytes], object]) -> int:
    """Read a stream to its end, give each block to all of `takers`, such as a digest's `update`; return the number of bytes."""
    size = 0
    while block := stream.read(CHUNK):
        checkpoint()
        size += len(block)
        for take in takers:
            take(block)
    return size


def blocks(stream: IO[bytes], *, size: int = CHUNK) -> Iterator[bytes]:
    """Yield the stream in blocks of exactly `size` bytes, the last one shorter.

    Whole blocks keep compressed output the same however the stream happens to deliver its bytes.
    """
    while block := read_block(stream, size):
        yield block


def read_block(stream: IO[bytes], size: int) -> bytes:
    """Return `size` bytes; fewer only at the end of the stream."""
    checkpoint()
    block = stream.read(size)
    if not block or len(block) == size:
        return block
    parts = [block]
    missing = size - len(block)
    while missing and (block := stream.read(missing)):
        parts.append(block)
        missing -= len(block)
    return b"".join(parts)


def open_gzip_to_read(stream: BinaryIO) -> BinaryIO:
    """Return a stream of the decompressed bytes; with isal, a thread decompresses them."""
    if threaded is not None:
        return cast(BinaryIO, threaded.open(stream, "rb", threads=1))
    return cast(BinaryIO, gzip.GzipFile(fileobj=stream, mode="rb"))
