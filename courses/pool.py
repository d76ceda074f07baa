"""The content pool: every content once, under its SHA-1, in Django's storage "pool".

A content is put there before the rows that name it are committed, so that a rollback leaves garbage and never a gap. The
sweep collects the garbage; it waits until nobody who puts or reads contents is at work (`in_use`).
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO, cast

from django.core.files.base import File as StorageFile
from django.core.files.storage import Storage, storages
from django.db import connection

from courses.models.files import File

SPOOL = 4 * 1024 * 1024
CHUNK = 1024 * 1024
LOCK = 7302
"""The number of PostgreSQL's advisory lock on the pool."""

SHARDS = 256
"""The folders of the first level, by the first two digits of the hash."""


class WrongHash(ValueError):
    """A content does not have the hash that it is said to have."""


def storage() -> Storage:
    """Where the contents are."""
    return storages["pool"]


def name_of(sha1: str) -> str:
    """The name of a content in the storage."""
    return f"{sha1[:2]}/{sha1[2:4]}/{sha1}"


def put(stream: IO[bytes], *, sha1: str = "") -> tuple[str, int]:
    """Puts a content into the pool; its SHA-1 and size. Raises WrongHash when it is not the `sha1` that was promised."""
    digest, size = hashlib.sha1(usedforsecurity=False), 0
    with tempfile.SpooledTemporaryFile(max_size=SPOOL) as spool:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
            spool.write(chunk)
        found = digest.hexdigest()
        if sha1 and found != sha1:
            raise WrongHash(found)
        if not exists(found) or storage().size(name_of(found)) != size:
            # Another size is what a process left that died while it was writing.
            storage().delete(name_of(found))
            spool.seek(0)
            storage().save(name_of(found), StorageFile(cast(IO[bytes], spool)))
    return found, size


def open_content(sha1: str) -> BinaryIO:
    """A content to read. Raises FileNotFoundError."""
    return cast(BinaryIO, storage().open(name_of(sha1)))


def exists(sha1: str) -> bool:
    """Whether a content is in the pool."""
    return storage().exists(name_of(sha1))


def size(sha1: str) -> int:
    """How many bytes a content has. Raises FileNotFoundError."""
    return storage().size(name_of(sha1))


@contextmanager
def in_use() -> Iterator[None]:
    """While contents are put or read whose rows may not be committed, or may be deleted, the sweep stays away."""
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
    """Removes the contents of one shard that no file has, and names them; nothing while the pool is in use."""
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
    """The hashes of a shard's contents."""
    found: list[str] = []
    if storage().exists(first):
        for second in storage().listdir(first)[0]:
            found += storage().listdir(f"{first}/{second}")[1]
    return found
