"""The content pool: each distinct content once, under its SHA-1, in Django's storage "pool".

A content is stored before the rows that refer to it are committed, so a rollback may leave an unused content, and no row
lacks its content. The sweep deletes unused contents; it does not run while contents are stored or read (`in_use`).
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO, cast

from django.core.files.base import File as StorageFile
from django.core.files.storage import Storage, storages
from django.db import connection

from archive.streams import drain
from courses.models.files import File

SPOOL = 4 * 1024 * 1024
SHA1_LENGTH = 40
LOCK = 7302
"""The key of PostgreSQL's advisory lock on the pool."""

SHARDS = 256
"""The folders of the first level, by the first two digits of the hash."""


class WrongHash(ValueError):
    """A content does not have the expected SHA-1."""


def storage() -> Storage:
    """Return the storage that holds the contents."""
    return storages["pool"]


def name_of(sha1: str) -> str:
    """Return a content's name in the storage."""
    return f"{sha1[:2]}/{sha1[2:4]}/{sha1}"


def put(
    stream: IO[bytes], *, sha1: str = "", healed: Callable[[str], object] | None = None
) -> tuple[str, int]:
    """Store a content; return its SHA-1 and its size in bytes. Raises WrongHash if `sha1` is given and is not its hash.

    A content that is in the pool already is read, and replaced if it is damaged; `healed` is then called with its SHA-1.
    """
    with tempfile.SpooledTemporaryFile(max_size=SPOOL) as spool:
        found, size = _measured(stream, sha1, spool.write)
        there = exists(found)
        if not there or not is_whole(found, size=size):
            # A different size was left by a process that died while writing.
            storage().delete(name_of(found))
            spool.seek(0)
            storage().save(name_of(found), StorageFile(cast(IO[bytes], spool)))
            if there and healed is not None:
                healed(found)
    return found, size


def measure(stream: IO[bytes], *, sha1: str = "") -> tuple[str, int]:
    """Return a content's SHA-1 and its size in bytes, and store nothing. Raises as `put` does."""
    return _measured(stream, sha1)


def _measured(stream: IO[bytes], sha1: str, *takers: Callable[[bytes], object]) -> tuple[str, int]:
    """Give a content to `takers` block by block; return its SHA-1 and its size. Raises WrongHash if it is not `sha1`."""
    digest = hashlib.sha1(usedforsecurity=False)
    size = drain(stream, digest.update, *takers)
    found = digest.hexdigest()
    if sha1 and found != sha1:
        raise WrongHash(found)
    return found, size


def is_whole(sha1: str, *, size: int | None = None) -> bool:
    """Whether a content can be read and has its hash, and `size` bytes if that is given. It reads the whole content."""
    try:
        if size is not None and storage().size(name_of(sha1)) != size:
            return False
        with open_content(sha1) as stream:
            return measure(stream)[0] == sha1
    except OSError:  # it is gone, or the disk cannot read it
        return False


def open_content(sha1: str) -> BinaryIO:
    """Return a content, opened for reading. Raises FileNotFoundError."""
    return cast(BinaryIO, storage().open(name_of(sha1)))


def exists(sha1: str) -> bool:
    """Whether a content is in the pool; False for a text that is no SHA-1."""
    return len(sha1) == SHA1_LENGTH and sha1.isalnum() and storage().exists(name_of(sha1))


def size(sha1: str) -> int:
    """Return the size of a content in bytes. Raises FileNotFoundError."""
    return storage().size(name_of(sha1))


@contextmanager
def in_use() -> Iterator[None]:
    """Context manager: the sweep does not run inside.

    Use it while contents are stored whose rows are not committed yet, or read whose rows may be deleted.
    """
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
    """Delete the contents of one shard that no file refers to, and return their SHA-1s; none while the pool is in use."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return []
        try:
            found = _contents(f"{shard % SHARDS:02x}")
            named = set(File.objects.filter(contenthash__in=found).values_list("contenthash", flat=True))
            loose = [sha1 for sha1 in found if sha1 not in named]
            for sha1 in loose:
                storage().delete(name_of(sha1))
            return loose
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def _contents(first: str) -> list[str]:
    """Return the SHA-1s of a shard's contents."""
    found: list[str] = []
    if storage().exists(first):
        for second in storage().listdir(first)[0]:
            found += storage().listdir(f"{first}/{second}")[1]
    return found
