"""The content pool: every content once, under its SHA-1, in Django's storage "pool".

A content is put there before the rows that name it are committed, so that a rollback leaves garbage and never a gap.
"""

from __future__ import annotations

import hashlib
import tempfile
from typing import IO, BinaryIO, cast

from django.core.files.base import File as StorageFile
from django.core.files.storage import Storage, storages

SPOOL = 4 * 1024 * 1024
CHUNK = 1024 * 1024


class WrongHash(ValueError):
    """A content does not have the hash that it is said to have."""


def storage() -> Storage:
    """Where the contents are."""
    return storages["pool"]


def name_of(sha1: str) -> str:
    """The name of a content in the storage."""
    return f"{sha1[:2]}/{sha1[2:4]}/{sha1}"


def put(stream: IO[bytes], *, sha1: str = "") -> tuple[str, int]:
    """Puts a content into the pool; its SHA-1 and size in bytes. Raises WrongHash when it is not the `sha1` that was promised."""
    digest, size = hashlib.sha1(usedforsecurity=False), 0
    with tempfile.SpooledTemporaryFile(max_size=SPOOL) as spool:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
            spool.write(chunk)
        found = digest.hexdigest()
        if sha1 and found != sha1:
            raise WrongHash(found)
        if not exists(found):
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
