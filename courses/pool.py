"""The content pool: each distinct content once, under its SHA-1, in Django's storage "pool".

A content is stored before the rows that refer to it are committed, so a rollback may leave an unused content, and no row
lacks its content. The sweep deletes unused contents; it does not run while contents are stored or read (`in_use`).
Errors of the storage are raised as StorageFailed.
"""

from __future__ import annotations

import errno
import hashlib
import io
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO, NamedTuple, cast

from django.conf import settings
from django.core.files.base import File as StorageFile
from django.core.files.storage import FileSystemStorage, Storage, storages
from django.db import connection

from archive.errors import DamagedArchive
from archive.faults import FULL, failure_of, is_of_disk
from archive.parallel import in_order
from archive.streams import blocks, drain
from courses import sentinel
from courses.local_storage import LocalStorage
from courses.models.files import EMPTY, File
from courses.storage_errors import opened, told

ALIAS = "pool"
IN_MEMORY = 4 * 1024 * 1024
SHA1_LENGTH = 40
LOCK = 7302
"""The key of PostgreSQL's advisory lock on the pool."""

SHARDS = 256
"""The folders of the first level, by the first two digits of the hash."""

SAMPLES = 20
"""Contents at each end of the list of files of which the pool must have one."""

Opener = Callable[[], IO[bytes]]


class WrongHash(ValueError):
    """A content does not have the expected SHA-1."""


class TakenContent(NamedTuple):
    """A content that was read: its SHA-1 and its size in bytes; `here` if the pool had it, `healed` if that was damaged."""

    sha1: str
    size: int
    here: bool = False
    healed: bool = False


def storage() -> Storage:
    """Return the storage that holds the contents."""
    return storages[ALIAS]


def threads() -> int:
    """Return how many threads call the storage at once: one on this machine's disks, which answer at once."""
    if isinstance(storage(), FileSystemStorage):
        return 1
    threads: int = settings.COURSEKEEP_STORAGE_THREADS
    return threads


def folder() -> Path | None:
    """Return the folder of the contents on this machine; None if they are on another one, or it is not there yet."""
    place = storage()
    path = Path(place.location) if isinstance(place, FileSystemStorage) else None
    return path if path is not None and path.is_dir() else None


def name_of(sha1: str) -> str:
    """Return a content's name in the storage."""
    return f"{sha1[:2]}/{sha1[2:4]}/{sha1}"


def _number() -> int:
    """Return the number of contents that files have."""
    return File.objects.exclude(contenthash__in=["", EMPTY]).values("contenthash").distinct().count()


@sentinel.expects(ALIAS, number=_number)
def _some_names() -> list[str]:
    """Return the names of the contents of the oldest and of the newest files."""
    rows = File.objects.exclude(contenthash__in=["", EMPTY]).values_list("contenthash", flat=True)
    return [
        name_of(sha1)
        for sha1 in dict.fromkeys([*rows.order_by("pk")[:SAMPLES], *rows.order_by("-pk")[:SAMPLES]])
    ]


def put(stream: IO[bytes], *, sha1: str = "") -> tuple[str, int]:
    """Store a content; return its SHA-1 and its size in bytes. Raises WrongHash if `sha1` is given and is not its hash.

    A content that is in the pool already is read, and replaced if it is damaged.
    """
    if stream.seekable():
        start = stream.tell()

        def again() -> IO[bytes]:
            stream.seek(start)
            return cast(IO[bytes], _Unclosed(stream))

        return take(again, sha1=sha1)[:2]
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as spool:
        for block in blocks(cast(BinaryIO, stream)):
            spool.write(block)
        spool.seek(0)
        return put(cast(IO[bytes], spool), sha1=sha1)


def take(opener: Opener, *, sha1: str = "") -> TakenContent:
    """Store a content, as `put` does; `opener` opens it for reading, more than once where it has to be read again.

    It is written once, into the storage's own file, and gets its name there when all of it has the right hash.
    """
    if not sha1:
        sha1 = look(opener).sha1
    here = exists(sha1)
    if here:
        size = look(opener, sha1=sha1).size
        if is_whole(sha1):
            ensure_synced(sha1)
            return TakenContent(sha1, size, here=True)
    return TakenContent(sha1, _save(opener, sha1), here=here, healed=here)


def ensure_synced(sha1: str) -> None:
    """Put a content of the pool on the disk, in `storing` at its end: another process may have stored and not synced it."""
    place = storage()
    if isinstance(place, LocalStorage):
        with told(ALIAS):
            place.ensure_synced(name_of(sha1))


def look(opener: Opener, *, sha1: str = "") -> TakenContent:
    """Return a content's SHA-1 and its size in bytes, and store nothing. Raises as `put` does."""
    with _of_source(sha1), opener() as stream:
        return TakenContent(*_measured(stream, sha1))


@contextmanager
def _of_source(sha1: str) -> Iterator[None]:
    """Context manager for the reading of a content that is stored: an error of its source is not one of the pool.

    Raises DamagedArchive if the source cannot be read, StorageFailed if it does not answer or the disk is full.
    """
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno in FULL:  # the content is unpacked into a temporary file
            raise failure_of(error) from error
        where = str(error.filename or f"the archive, content {sha1}")
        if error.errno == errno.EIO or not is_of_disk(error):
            said = error.strerror or str(error) or type(error).__name__
            raise DamagedArchive(
                f"The archive cannot be read: {said}.",
                where=where,
                hint="Get it again from where it comes.",
            ) from error
        raise failure_of(error, where=where) from error


def _measured(stream: IO[bytes], sha1: str) -> tuple[str, int]:
    """Read a content; return its SHA-1 and its size. Raises WrongHash if it is not `sha1`."""
    digest = hashlib.sha1(usedforsecurity=False)
    size = drain(cast(BinaryIO, stream), digest.update)
    found = digest.hexdigest()
    if sha1 and found != sha1:
        raise WrongHash(found)
    return found, size


def _save(opener: Opener, sha1: str) -> int:
    """Write a content, in place of another one under its name; return its size. Raises WrongHash, and writes nothing then."""
    name = name_of(sha1)
    # A file on a disk gets its name when all of it was read; what another storage does in the middle is its own affair.
    size = 0 if isinstance(storage(), LocalStorage) else look(opener, sha1=sha1).size
    saved, seen = _write(opener, sha1)
    if saved != name:
        # The storage does not replace, and there is a file of that name: another process was faster, or it is damaged.
        with told(ALIAS):
            storage().delete(saved)
            whole = is_whole(sha1)
            if not whole:
                storage().delete(name)
        if whole:
            ensure_synced(sha1)
        else:
            _write(opener, sha1)
    return size or seen


def _write(opener: Opener, sha1: str) -> tuple[str, int]:
    """Write a content; return the name that the storage gave it, and its size."""
    with _of_source(sha1):
        stream = opener()
    with stream:
        content = _Verified(stream, sha1)
        with told(ALIAS):
            return storage().save(name_of(sha1), content), content.seen


class _Verified(StorageFile):  # type: ignore[type-arg]  # Django's class takes no parameter at run time
    """A content that is read in blocks to its end. Raises WrongHash at the end if it has another hash."""

    def __init__(self, stream: IO[bytes], sha1: str) -> None:
        super().__init__(stream)
        self.seen = 0
        self._sha1 = sha1

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        digest = hashlib.sha1(usedforsecurity=False)
        self.seen = 0
        stream = iter(blocks(cast(BinaryIO, self.file)))
        while block := self._next(stream):
            digest.update(block)
            self.seen += len(block)
            yield block
        if digest.hexdigest() != self._sha1:
            raise WrongHash(digest.hexdigest())

    def _next(self, stream: Iterator[bytes]) -> bytes:
        """Return the next block of the source, empty at its end."""
        with _of_source(self._sha1):
            return next(stream, b"")


class _Unclosed(io.RawIOBase):
    """A stream that its reader may close without closing the caller's."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__()
        self._stream = stream

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


@contextmanager
def storing() -> Iterator[None]:
    """Context manager: contents that this thread stores inside, or finds, are on the disk when the block ends, all at once.

    At its end the pool must still be the one that was there: a disk that went away in between has not got them.
    """
    place = storage()
    sentinel.mark(ALIAS)
    if isinstance(place, LocalStorage):
        with told(ALIAS), place.deferring():
            yield
    else:
        yield
    sentinel.require(ALIAS, marked=True)


def is_whole(sha1: str) -> bool:
    """Whether a content can be read and has its hash. It reads the whole content."""
    try:
        with open_content(sha1) as stream:
            return _measured(stream, "")[0] == sha1
    except OSError:  # it is gone, or the disk cannot read it
        return False


def damaged(sha1s: Iterable[str]) -> set[str]:
    """Return those of some contents that cannot be read or do not have their hash. It reads all of them."""
    named = list(sha1s)
    whole = in_order(is_whole, named, threads=threads())
    return {sha1 for sha1, good in zip(named, whole, strict=True) if not good}


def open_content(sha1: str) -> BinaryIO:
    """Return a content, opened for reading. Raises FileNotFoundError."""
    return opened(ALIAS, name_of(sha1))


def exists(sha1: str) -> bool:
    """Whether a content is in the pool; False for a text that is no SHA-1."""
    if len(sha1) != SHA1_LENGTH or not sha1.isalnum():
        return False
    with told(ALIAS):
        return storage().exists(name_of(sha1))


def present(sha1s: Collection[str]) -> set[str]:
    """Return those of some contents that are in the pool. If one is missing, StorageAway is raised if the pool is away."""
    named = list(sha1s)
    found = {
        sha1 for sha1, there in zip(named, in_order(exists, named, threads=threads()), strict=True) if there
    }
    if len(found) < len(named):
        sentinel.require(ALIAS)
    return found


def size(sha1: str) -> int:
    """Return the size of a content in bytes. Raises FileNotFoundError."""
    with told(ALIAS):
        return storage().size(name_of(sha1))


@contextmanager
def in_use() -> Iterator[None]:
    """Context manager: the sweep does not run inside. Raises StorageAway if the pool is not the site's own.

    Use it while contents are stored whose rows are not committed yet, or read whose rows may be deleted.
    """
    sentinel.require(ALIAS)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock_shared(%s)", [LOCK])
    try:
        yield
    finally:
        # A connection that broke has lost its locks anyway.
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock_shared(%s)", [LOCK])


def sweep(shard: int) -> list[str]:
    """Delete the contents of one shard that no file refers to, and return their SHA-1s; none while the pool is in use.

    Raises StorageAway if the pool is not the site's own.
    """
    sentinel.require(ALIAS)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return []
        try:
            found = _contents(f"{shard % SHARDS:02x}")
            named = set(File.objects.filter(contenthash__in=found).values_list("contenthash", flat=True))
            loose = [sha1 for sha1 in found if sha1 not in named]
            with told(ALIAS):
                for _ in in_order(storage().delete, map(name_of, loose), threads=threads()):
                    pass
            return loose
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def _contents(first: str) -> list[str]:
    """Return the SHA-1s of a shard's contents."""
    found: list[str] = []
    with told(ALIAS):
        if isinstance(storage(), FileSystemStorage) and not storage().exists(first):
            return found
        seconds = storage().listdir(first)[0]
        for _, names in in_order(
            storage().listdir, (f"{first}/{second}" for second in seconds), threads=threads()
        ):
            found += names
    return found
