"""Read a tar.gz, or a tar that a browser unpacked: write it once into one temporary file, noting the offset of each member."""

from __future__ import annotations

import os
import tempfile
from contextlib import nullcontext
from typing import IO, BinaryIO

from archive import tar
from archive.errors import DamagedArchive, HostileArchive
from archive.integrity import is_content
from archive.limits import LARGEST_INDEX, Limits, Meter, check_path, check_tree, too_large
from archive.streams import CHUNK, GZIP_FAULTS, open_gzip_to_read, read_block, slice_of

INDEX = ".ARCHIVE_INDEX"


class TarStore:
    """The members of a tar.gz, or of a tar if `plain`. `sizes` maps each path to its size in bytes.

    Without `contents` those of files are read over, and cannot be opened.
    """

    def __init__(
        self,
        stream: BinaryIO,
        *,
        packed: int,
        limits: Limits,
        tempdir: str | os.PathLike[str] | None,
        plain: bool = False,
        contents: bool = True,
    ) -> None:
        self.sizes: dict[str, int] = {}
        self.folders: frozenset[str] = frozenset()
        self.index: bytes | None = None
        self._offsets: dict[str, int] = {}
        self._contents = contents
        self._spool = tempfile.TemporaryFile(dir=tempdir, prefix="archive-")  # noqa: SIM115
        try:
            with nullcontext(stream) if plain else open_gzip_to_read(stream) as unpacked:
                self._spool_members(_Counted(unpacked, Meter(limits, packed=packed)), limits)
        except BaseException:
            self._spool.close()
            raise

    def open(self, path: str) -> BinaryIO:
        if path not in self._offsets:
            raise ValueError(
                f"The archive was opened without the contents of files, so {path} cannot be read."
            )
        return slice_of(self._spool.fileno(), offset=self._offsets[path], size=self.sizes[path])

    def close(self) -> None:
        self._spool.close()

    def _spool_members(self, source: _Counted, limits: Limits) -> None:
        folders: set[str] = set()
        offset = 0
        for entry in tar.read_entries(source):
            path = check_path(entry.name, limits=limits)
            source.meter.add_member(path, entry.size)
            if entry.folder or not path:
                folders.add(path)
                continue
            if path in self.sizes:
                raise HostileArchive("The member is in the archive twice.", where=path)
            if path == INDEX:
                if entry.size > LARGEST_INDEX:
                    raise too_large(path, LARGEST_INDEX)
                self.index = source.take(tar.padded(entry.size))[: entry.size]
                continue
            kept = self._contents or not is_content(path)
            source.copy(entry.size, self._spool if kept else None, where=path)
            self.sizes[path] = entry.size
            if kept:
                self._offsets[path] = offset
                offset += entry.size
        source.drain()
        self._spool.flush()
        self.folders = frozenset(folders - {""})
        check_tree(self.sizes, self.folders)


class _Counted:
    """Reads decompressed bytes and counts them by a Meter. Raises DamagedArchive when the stream ends too early."""

    def __init__(self, stream: BinaryIO, meter: Meter) -> None:
        self._stream = stream
        self.meter = meter

    def add_header(self) -> None:
        """Count a header, of a member or about its name."""
        self.meter.add_header()

    def take(self, count: int) -> bytes:
        if count == 0:
            return b""
        data = self._read(count)
        if len(data) < count:
            raise _truncated()
        return data

    def copy(self, size: int, target: IO[bytes] | None, *, where: str) -> None:
        """Copy the bytes of a member, and read what fills up its last block."""
        left = tar.padded(size)
        while left:
            data = self._read(min(left, CHUNK), where=where)
            if not data:
                raise _truncated(where)
            if target is not None:
                target.write(data[:size])
            size, left = max(size - len(data), 0), left - len(data)

    def drain(self) -> None:
        """Read to the end, because gzip checks its checksum only there."""
        while self._read(CHUNK):
            pass

    def _read(self, count: int, *, where: str = "") -> bytes:
        try:
            data = read_block(self._stream, count)
        except EOFError:
            raise _truncated(where) from None
        except GZIP_FAULTS as error:
            raise DamagedArchive(
                f"The compressed data is damaged ({error}).", where=where, hint="Get the file again."
            ) from None
        self.meter.add_bytes(len(data))
        return data


def _truncated(where: str = "") -> DamagedArchive:
    return DamagedArchive(
        "The archive is truncated: it ends too early.", where=where, hint="Get the file again."
    )
