"""Read a zip in place, without trusting the sizes that it announces."""

from __future__ import annotations

import io
import stat
import threading
import zipfile
import zlib
from typing import IO, TYPE_CHECKING, BinaryIO, cast

from archive.errors import DamagedArchive, HostileArchive, UnsupportedArchive
from archive.limits import LARGEST_DIRECTORY, Limits, Meter, check_path, check_tree, in_units
from archive.streams import CHUNK

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

ENCRYPTED = 0x1
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
FAULTS = (zipfile.BadZipFile, zlib.error, EOFError)


class ZipStore:
    """The members of a zip. `sizes` maps each path to its announced size, checked when the member is read."""

    def __init__(self, stream: BinaryIO, *, packed: int, limits: Limits, owned: bool) -> None:
        self.sizes: dict[str, int] = {}
        self.folders: frozenset[str] = frozenset()
        self.index: bytes | None = None
        self._entries: dict[str, zipfile.ZipInfo] = {}
        self._stream = stream
        self._owned = owned
        # A member that is read twice counts once: the sum over distinct members is what could fill a disk.
        self._meter = Meter(limits, packed=packed)
        try:
            self._zip = _Directory(_Bounded(stream), self._meter)
        except (*FAULTS, NotImplementedError, UnicodeDecodeError, OverflowError, ValueError) as error:
            raise DamagedArchive(
                f"The zip archive is damaged or truncated ({error}).", hint="Get the file again."
            ) from None
        self._list(limits, packed)

    def _list(self, limits: Limits, packed: int) -> None:
        folders: set[str] = set()
        extents: list[tuple[int, int, str]] = []
        for entry in self._zip.infolist():
            path = check_path(_plain(entry.orig_filename), limits=limits)
            _check_entry(entry, path)
            if entry.is_dir() or not path:
                folders.add(path)
                continue
            if path in self.sizes:
                raise HostileArchive("The member is in the archive twice.", where=path)
            self._meter.add_bytes(entry.file_size)
            extents.append((entry.header_offset, entry.header_offset + entry.compress_size, path))
            self.sizes[path] = entry.file_size
            self._entries[path] = entry
        _check_overlap(extents, packed)
        self.folders = frozenset(folders - {""})
        check_tree(self.sizes, self.folders)

    def open(self, path: str) -> BinaryIO:
        entry = self._entries[path]
        try:
            member = self._zip.open(entry)
        except (*FAULTS, NotImplementedError, RuntimeError, UnicodeDecodeError) as error:
            raise _damaged(path, error) from None
        raw = _Checked(cast(BinaryIO, member), path)
        return cast(BinaryIO, io.BufferedReader(raw, buffer_size=max(1, min(entry.file_size, CHUNK))))

    def close(self) -> None:
        self._zip.close()
        if self._owned:
            self._stream.close()


class _Checked(io.RawIOBase):
    """The stream of a member. Raises DamagedArchive for bad data; zipfile stops at the announced size and checks the CRC."""

    def __init__(self, member: BinaryIO, path: str) -> None:
        super().__init__()
        self._member = member
        self._path = path
        self._lock = threading.Lock()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        try:
            with self._lock:
                data = self._member.read(len(view))
        except FAULTS as error:
            raise _damaged(self._path, error) from None
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._member.close()
        super().close()


class _Directory(zipfile.ZipFile):
    """A zip whose entries are counted as zipfile reads its directory, before it makes an object of each."""

    def __init__(self, stream: _Bounded, meter: Meter) -> None:
        self._meter = meter
        super().__init__(cast(IO[bytes], stream))

    @property
    def filelist(self) -> list[zipfile.ZipInfo]:
        """The entries. zipfile sets it to an empty list first, and appends to it."""
        return self._entries

    @filelist.setter
    def filelist(self, _: list[zipfile.ZipInfo]) -> None:
        self._entries: list[zipfile.ZipInfo] = _Entries(self._meter)


class _Entries(list[zipfile.ZipInfo]):
    """A list that counts what is appended. Raises HostileArchive when there are too many."""

    def __init__(self, meter: Meter) -> None:
        super().__init__()
        self._meter = meter

    def append(self, entry: zipfile.ZipInfo) -> None:
        self._meter.add_member(entry.orig_filename[:80], entry.file_size)
        super().append(entry)


class _Bounded:
    """The stream of a zip. Raises HostileArchive if more is read at once than the largest directory has."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.seek = stream.seek
        self.tell = stream.tell
        self.close = stream.close

    def read(self, count: int = -1) -> bytes:
        if count > LARGEST_DIRECTORY:
            raise HostileArchive(
                f"The zip has a directory of {in_units(count)}; the most is {in_units(LARGEST_DIRECTORY)}.",
                hint="It looks made to fill the memory.",
            )
        return self._stream.read(count)

    def seekable(self) -> bool:
        return True


def _plain(name: str) -> str:
    """Return the name with slashes in place of the backslashes that some Windows programs write."""
    return name if "/" in name else name.replace("\\", "/")


def _check_entry(entry: zipfile.ZipInfo, path: str) -> None:
    if entry.flag_bits & ENCRYPTED:
        raise UnsupportedArchive(
            "The zip archive is encrypted.", where=path, hint="Make it again without a password."
        )
    mode = entry.external_attr >> 16
    if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise HostileArchive("The archive holds a link or a device, which no course archive has.", where=path)
    if entry.compress_type not in METHODS:
        raise UnsupportedArchive(
            "The member is compressed with a method that course archives do not use.",
            where=path,
            hint="Make the zip again with the usual compression (deflate).",
        )


def _check_overlap(extents: list[tuple[int, int, str]], packed: int) -> None:
    """Raise HostileArchive when members share bytes, by which a small zip unpacks to an endless one."""
    end = 0
    for start, stop, path in sorted(extents):
        if start < end:
            raise HostileArchive("Two members of the zip archive share the same bytes.", where=path)
        if stop > packed:
            raise DamagedArchive("The zip archive is truncated.", where=path, hint="Get the file again.")
        end = stop


def _damaged(path: str, error: Exception) -> DamagedArchive:
    return DamagedArchive(
        f"The member cannot be unpacked ({str(error) or 'it ends too early'}).",
        where=path,
        hint="Get the file again.",
    )
