"""Write an archive: spool XML members as they arrive, stream contents of files from the pool at the end.

A tar header states the size before the content, and the index at the head states the size of everything, so
nothing can be written before the last member is complete. Only the XML waits, in one temporary file, its long members
compressed already; contents of files are read straight from the pool.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, BinaryIO, Literal, Self, cast, get_args

from archive import tar
from archive.compression import NO_SUMS, Portion, can_pack, gzip_blocks, method_for
from archive.errors import ArchiveError, DamagedContent
from archive.faults import is_away
from archive.integrity import MemberDigests, is_content, list_contents
from archive.limits import check_path
from archive.parallel import in_order
from archive.spool import Spool, Spooled
from archive.streams import CHUNK, CountedTarget, blocks
from archive.targz import INDEX
from archive.zip_writer import LongMember, ShortMember, ZipMember, packed_member, write_zip

if TYPE_CHECKING:
    from _typeshed import SupportsRichComparison

Opener = Callable[[], IO[bytes]]
Target = str | os.PathLike[str] | BinaryIO
Packing = Literal["tar.gz", "zip"]
"""The containers that can be written; a folder can only be read."""

SMALL = CHUNK
"""Bytes of a content up to which it is read ahead, and of a member up to which it is in memory while a zip is written."""

HEAD = ("moodle_backup.xml", "files.xml")
LOG = "moodle_backup.log"
POOL = "files/"


@dataclass(frozen=True, slots=True)
class Packed:
    """The result of writing: the archive's size and the sum of its members' sizes in bytes, and the number of members.

    `sha256` is the archive's own digest, "" unless the writer was asked for it.
    """

    size: int
    unpacked: int
    members: int
    sha256: str = ""


@dataclass(slots=True)
class _Content:
    """The source of a member's bytes: what is in the spool, or an opener of the stored file; neither while it is written.

    There is one for each file of a course: what is here is in memory tens of thousands of times.
    """

    size: int = 0
    opener: Opener | None = None
    spooled: Spooled | None = None


def packing_named(name: str) -> Packing:
    """Return the container of that name. Raises ValueError if no such container can be written."""
    packings: tuple[Packing, ...] = get_args(Packing)
    return packings[packings.index(name)]


def standard_order(path: str) -> tuple[int, str, str]:
    """Return the sort key of a member: manifest, files.xml, other XML, the log, then contents of files.

    Within each, members of one name are next to each other, such as all `grades.xml`: compressed as one stream, the XML of a
    course of 53 activities is an eighth smaller than in the order of its paths.
    """
    name = path.rpartition("/")[2]
    if path in HEAD:
        return HEAD.index(path), name, path
    if path == LOG:
        return 4, name, path
    return (5 if path.startswith(POOL) else 3), name, path


class ArchiveWriter:
    """Writes an archive to a path or a binary stream (which need not be seekable).

    The same members and the same `date` (epoch seconds) give the same bytes. A path appears only when the
    archive is complete. Use it in a `with`: leaving without `finish` leaves nothing behind. With more than one of `threads`
    small contents of files are read ahead, as their storage answers slowly. With `hashed` the SHA-256 of the archive is
    computed while it is written, so that nobody has to read it again for that.
    """

    def __init__(
        self,
        target: Target,
        *,
        date: int,
        container: Packing = "tar.gz",
        tempdir: str | os.PathLike[str] | None = None,
        threads: int = 1,
        hashed: bool = False,
    ) -> None:
        self.container = container
        self._hashed = hashed
        self._threads = threads
        self.date = date
        self._target = target
        self._contents: dict[str, _Content] = {}
        self._spool = Spool(tempdir=tempdir, packs=can_pack())

    @contextmanager
    def member(self, path: str) -> Iterator[BinaryIO]:
        """Open a stream for the bytes of a member. Several may be open at once; an exception removes the member.

        Raises ArchiveError when the path cannot be a member's or is taken.
        """
        content = self._claim(path)
        try:
            with self._spool.member() as stream:
                yield cast(BinaryIO, stream)
            content.spooled, content.size = stream.spooled, stream.spooled.size
        except BaseException:
            del self._contents[path]
            raise

    def content(self, path: str, size: int, opener: Opener) -> None:
        """Add a member of `size` bytes, read from `opener()` at the end. Ignored if the path was added here before."""
        if path in self._contents and self._contents[path].opener is not None:
            return
        content = self._claim(path)
        content.size, content.opener = size, opener

    @property
    def paths(self) -> list[str]:
        """The paths of the members so far."""
        return list(self._contents)

    def __contains__(self, path: object) -> bool:
        return path in self._contents

    def digests(self) -> MemberDigests:
        """Return the digests of the members that are complete so far, computed while they were written."""
        complete = self._contents.items()
        return MemberDigests(
            {
                path: content.spooled.digest.hex()
                for path, content in complete
                if content.spooled is not None and not is_content(path)
            },
            list_contents({path: content.size for path, content in complete}),
        )

    def finish(self, *, order: Callable[[str], SupportsRichComparison] = standard_order) -> Packed:
        """Write the archive, its members sorted by `order`.

        Raises DamagedContent when a pool file has another size or hash than was announced.
        """
        paths = sorted(self._contents, key=order)
        with closing(self._read_ahead(paths)) as self._ahead:
            written = self._finish(paths)
        self.close()
        unpacked = sum(content.size for content in self._contents.values())
        return Packed(written.size, unpacked, len(paths), written.sha256)

    def _finish(self, paths: list[str]) -> CountedTarget:
        if isinstance(self._target, str | os.PathLike):
            return self._finish_path(Path(self._target), paths)
        return self._put(self._target, paths)

    def _read_ahead(self, paths: list[str]) -> Generator[Opener, None, None]:
        """Yield the opener of each content of a file, in their order; small contents were read in threads before."""
        found = (content for path in paths if (content := self._contents[path]).opener is not None)
        return in_order(_read_if_small if self._threads > 1 else _opener_of, found, threads=self._threads)

    def close(self) -> None:
        """Delete the temporary file."""
        self._spool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _claim(self, path: str) -> _Content:
        if check_path(path) != path or not path or path == INDEX:
            raise ArchiveError("This cannot be the path of a member.", where=path)
        if path in self._contents:
            raise ArchiveError("The member is written twice.", where=path)
        if self.container == "tar.gz":
            tar.check_length(path)
        content = self._contents[path] = _Content()
        return content

    def _finish_path(self, path: Path, paths: list[str]) -> CountedTarget:
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            with part.open("wb") as stream:
                written = self._put(cast(BinaryIO, stream), paths)
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        return written

    def _put(self, target: BinaryIO, paths: list[str]) -> CountedTarget:
        counted = CountedTarget(target, hashed=self._hashed)
        put = self._put_tar if self.container == "tar.gz" else self._put_zip
        put(cast(BinaryIO, counted), paths)
        return counted

    def _put_tar(self, target: BinaryIO, paths: list[str]) -> None:
        with closing(self._tar(paths)) as pieces, closing(gzip_blocks(pieces)) as packed:
            target.writelines(packed)

    def _tar(self, paths: list[str]) -> Generator[Portion, None, None]:
        """Yield the tar: the index, then each member behind its header, filled up to whole blocks."""
        entries = list(_with_folders(paths))
        index = self._index(entries)
        yield Portion(tar.header(INDEX, size=len(index), date=self.date))
        yield Portion(index + bytes(tar.padded(len(index)) - len(index)))
        for path in entries:
            size = 0 if path.endswith("/") else self._contents[path].size
            yield Portion(tar.header(path, size=size, date=self.date))
            if not path.endswith("/"):
                yield from self._portions(path)
                yield Portion(bytes(tar.padded(size) - size))
        yield Portion(tar.ZEROS + tar.ZEROS)

    def _portions(self, path: str) -> Iterator[Portion]:
        """Yield the bytes of a member, and how they become a part of the stream."""
        content = self._contents[path]
        sums = content.spooled.packed if content.spooled is not None else None
        for block in self._blocks(path):
            if sums is not None:
                yield Portion(block, "packed", sums)
                sums = NO_SUMS  # the first piece has those of all
            else:
                yield Portion(block, "small" if content.opener is None else method_for(block))

    def _index(self, entries: list[str]) -> bytes:
        lines = [f"Moodle archive file index. Count: {len(entries)}\n"]
        for path in entries:
            if path.endswith("/"):
                lines.append(f"{path}\td\t0\t?\n")
            else:
                lines.append(f"{path}\tf\t{self._contents[path].size}\t{self.date}\n")
        return "".join(lines).encode()

    def _put_zip(self, target: BinaryIO, paths: list[str]) -> None:
        write_zip(target, self._zip_members(paths), date=self.date)

    def _zip_members(self, paths: list[str]) -> Iterator[ZipMember]:
        """Yield the members without their folders: readers make these when they come to the first member in them."""
        for path in paths:
            content, blocks = self._contents[path], self._blocks(path)
            spooled, sampled = content.spooled, content.opener is not None
            if spooled is not None and spooled.packed is not None:
                packed_size = sum(size for _, size in spooled.extents)
                yield packed_member(path, blocks, packed_size, spooled.packed)
            elif content.size <= SMALL:
                yield ShortMember(path, b"".join(blocks), sampled)
            else:
                yield LongMember(path, content.size, blocks, sampled)

    def _blocks(self, path: str) -> Iterator[bytes]:
        """Return the bytes of a member as the spool or the pool has them. Call it for the members in their order."""
        content = self._contents[path]
        if content.opener is None:
            return self._spool.read(content.spooled.extents if content.spooled is not None else ())
        return self._checked(path, content.size, next(self._ahead))

    def _checked(self, path: str, size: int, opener: Opener) -> Iterator[bytes]:
        """Yield the bytes of a content. Raises DamagedContent after the last of them if they are not what was announced."""
        digest, seen = hashlib.sha1(usedforsecurity=False), 0
        with _opened(opener) as stream:
            try:
                for block in blocks(stream):  # each one is a checkpoint
                    digest.update(block)
                    seen += len(block)
                    if seen <= size:
                        yield block
            except OSError as error:
                if is_away(error):
                    raise
                seen = -1
        name = path.rpartition("/")[2]
        if seen != size or (len(name) == 40 and digest.hexdigest() != name):
            raise DamagedContent(
                "The stored file cannot be read."
                if seen < 0
                else f"The stored file is not what it was: {seen} bytes with the hash {digest.hexdigest()} "
                f"where {size} bytes were expected.",
                sha1=name,
                where=path,
                hint="Bring the file back from an older backup of the file store.",
            )


def _opened(opener: Opener) -> IO[bytes]:
    """Return a content, opened; a file that is gone gives an empty stream, which has not the size that was announced."""
    try:
        return opener()
    except FileNotFoundError:
        return io.BytesIO()


def _opener_of(content: _Content) -> Opener:
    """Return the opener of a content that has one."""
    assert content.opener is not None
    return content.opener


def _read_if_small(content: _Content) -> Opener:
    """Return an opener of the bytes of a content if they are few; else its own, as for one that cannot be read now."""
    opener = _opener_of(content)
    if content.size > SMALL:
        return opener
    try:
        with opener() as stream:
            return partial(io.BytesIO, stream.read(content.size + 1))
    except OSError:
        return opener


def _with_folders(paths: list[str]) -> Iterator[str]:
    seen: set[str] = set()
    for path in paths:
        parts = path.split("/")[:-1]
        for depth in range(1, len(parts) + 1):
            folder = "/".join(parts[:depth]) + "/"
            if folder not in seen:
                seen.add(folder)
                yield folder
        yield path
