"""Open an archive (tar.gz, zip or plain folder) and read its members by path.

Nothing is ever unpacked by name. A tar.gz is decompressed once into one unnamed temporary file, a zip is read
in place, so a hostile name has nowhere to go, and memory stays the same whatever the size.
"""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal, Protocol, Self, cast

from archive.errors import DamagedArchive, NotAnArchive, NotFound
from archive.folder import FolderStore
from archive.layout import MANIFEST
from archive.limits import DEFAULT, Limits, too_large
from archive.repacked import as_archive
from archive.streams import drain, read_block
from archive.targz import TarStore
from archive.writer import ArchiveWriter, Packed
from archive.zip import ZipStore

__all__ = ["Archive", "ArchiveWriter", "Container", "Packed", "PackedFile", "Source", "open_archive"]

Container = Literal["tar.gz", "tar", "zip", "folder"]
Source = str | os.PathLike[str] | BinaryIO

GZIP_MAGIC = b"\x1f\x8b"
ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
TAR_MAGIC, TAR_MAGIC_AT = b"ustar", 257
PACKED_NAME = ".mbz"


@dataclass(frozen=True, slots=True)
class PackedFile:
    """A file in the archive; `size` is in bytes, unpacked."""

    path: str
    size: int


class Store(Protocol):
    """The interface of a container: sizes in bytes by path, the folders, the index member, and reading."""

    @property
    def sizes(self) -> Mapping[str, int]: ...

    @property
    def folders(self) -> frozenset[str]: ...

    @property
    def index(self) -> bytes | None: ...

    def open(self, path: str) -> BinaryIO: ...

    def close(self) -> None: ...


class Archive:
    """An open archive. Members can be read in any order, several at once; close it, or use it in a `with`.

    `.ARCHIVE_INDEX` is not among the members: it describes the container (see `index`).
    """

    def __init__(self, store: Store, *, container: Container, packed_size: int, name: str = "") -> None:
        self._store = store
        self.container: Container = container
        self.name = name
        self.packed_size = packed_size
        self.members: dict[str, PackedFile] = {
            path: PackedFile(path, size) for path, size in store.sizes.items()
        }
        self.folders = store.folders
        self.index = store.index
        self.unpacked_size = sum(store.sizes.values())
        self.made: dict[str, int] = {}
        """By member, how many records `through` has made of values of others, which the archive does not have as records."""

        self.through: Callable[[str, BinaryIO], BinaryIO] | None = None
        """Replaces a member's stream when it is opened, given its path and stream; `versions.modernise` sets it."""

    def open(self, path: str) -> BinaryIO:
        """Return the member as a stream, rewritten by `through` if that is set. Raises DamagedArchive if it is missing."""
        stream = self.open_raw(path)
        return stream if self.through is None else self.through(path, stream)

    def open_raw(self, path: str) -> BinaryIO:
        """Return the member as a stream, as it is in the file. Raises DamagedArchive if it is missing."""
        if path not in self.members:
            raise DamagedArchive("The member is missing from the archive.", where=path)
        return self._store.open(path)

    def read(self, path: str, *, most: int | None = None) -> bytes:
        """Return all bytes of a small member. Raises DamagedArchive if it is missing, HostileArchive above `most` bytes."""
        with self.open(path) as stream:
            data = stream.read() if most is None else read_block(stream, most + 1)
        if most is not None and len(data) > most:
            raise too_large(path, most)
        return data

    def __contains__(self, path: object) -> bool:
        return path in self.members

    def close(self) -> None:
        """Close the file and delete the temporary file."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_archive(
    source: Source,
    *,
    limits: Limits = DEFAULT,
    tempdir: str | os.PathLike[str] | None = None,
    name: str = "",
    contents: bool = True,
) -> Archive:
    """Open an archive, from a path, a seekable binary stream, or a folder with the members in it.

    The first bytes tell the container, never the name. `tempdir` is where a tar.gz is decompressed to (default: the
    system's); without `contents` those of files are not kept there and cannot be opened. An archive that is packed into
    another one is opened, if it is the only one there. Raises NotFound when there is no such file, NotAnArchive,
    DamagedArchive or HostileArchive when it cannot be used. Reading a member may raise the same errors.
    """
    return _unwrapped(
        _open(source, limits=limits, tempdir=tempdir, name=name, contents=contents),
        limits=limits,
        tempdir=tempdir,
        contents=contents,
    )


def _unwrapped(
    outer: Archive, *, limits: Limits, tempdir: str | os.PathLike[str] | None, contents: bool
) -> Archive:
    """Return the only archive (`.mbz`) that is a member of `outer`, opened; `outer` itself if it is a course archive or does
    not hold exactly one."""
    inside = [path for path in outer.members if path.lower().endswith(PACKED_NAME)]
    if MANIFEST in outer or len(inside) != 1:
        return outer
    spool = tempfile.TemporaryFile(dir=tempdir, prefix="archive-")  # noqa: SIM115
    try:
        with outer, outer.open(inside[0]) as stream:
            drain(stream, spool.write)
        # Both together may not unpack to more than one archive of the outer one's size may.
        ratio = max(1, limits.ratio * outer.packed_size // max(1, outer.members[inside[0]].size))
        return _open_stream(
            cast(BinaryIO, spool),
            owned=True,
            limits=replace(limits, ratio=min(ratio, limits.ratio)),
            tempdir=tempdir,
            name=outer.name,
            contents=contents,
        )
    except BaseException:
        spool.close()
        raise


def _open(
    source: Source, *, limits: Limits, tempdir: str | os.PathLike[str] | None, name: str, contents: bool
) -> Archive:
    """Open the container that the first bytes tell."""
    if not isinstance(source, str | os.PathLike):
        return _open_stream(source, owned=False, limits=limits, tempdir=tempdir, name=name, contents=contents)
    path = Path(source)
    if path.is_dir():
        folder = as_archive(FolderStore(path, limits=limits))
        return Archive(
            folder, container="folder", packed_size=sum(folder.sizes.values()), name=name or path.name
        )
    try:
        stream = path.open("rb")
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound("There is no such file.", where=str(path)) from None
    try:
        return _open_stream(
            cast(BinaryIO, stream),
            owned=True,
            limits=limits,
            tempdir=tempdir,
            name=name or path.name,
            contents=contents,
        )
    except BaseException:
        stream.close()
        raise


def _open_stream(
    stream: BinaryIO,
    *,
    owned: bool,
    limits: Limits,
    tempdir: str | os.PathLike[str] | None,
    name: str,
    contents: bool,
) -> Archive:
    packed = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    magic = stream.read(TAR_MAGIC_AT + len(TAR_MAGIC))
    stream.seek(0)
    plain = magic[TAR_MAGIC_AT:] == TAR_MAGIC
    if plain or magic.startswith(GZIP_MAGIC):
        tar = TarStore(stream, packed=packed, limits=limits, tempdir=tempdir, plain=plain, contents=contents)
        if owned:
            stream.close()
        container: Container = "tar" if plain else "tar.gz"
        return Archive(as_archive(tar), container=container, packed_size=packed, name=name)
    # A zip may begin with something else: only its end tells.
    if magic.startswith(ZIP_MAGICS) or zipfile.is_zipfile(stream):
        stream.seek(0)
        return Archive(
            as_archive(ZipStore(stream, packed=packed, limits=limits, owned=owned)),
            container="zip",
            packed_size=packed,
            name=name,
        )
    if not packed:
        raise NotAnArchive("The file is empty.", where=name)
    raise NotAnArchive(
        "The file is no course archive: it is neither a tar.gz nor a zip.",
        where=name,
        hint="Choose a file made by a course backup; its name usually ends in .mbz.",
    )
