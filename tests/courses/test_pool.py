"""The content pool: every content once, under its hash, and swept when no file has it."""

from __future__ import annotations

import errno
import io
import os
from hashlib import sha1
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from archive.errors import CoursekeepError, DamagedArchive, NoSpace, StorageFailed
from courses import pool
from courses.models import File

CONTENT = b"what is in the file"
HASH = sha1(CONTENT, usedforsecurity=False).hexdigest()
SHARD = int(HASH[:2], 16)


@pytest.fixture(autouse=True)
def clean_pool(db: None) -> None:
    pool.storage().delete(pool.name_of(HASH))


def test_a_content_is_kept_under_its_hash() -> None:
    assert pool.put(io.BytesIO(CONTENT)) == (HASH, len(CONTENT))
    with pool.open_content(HASH) as stream:
        assert stream.read() == CONTENT


def test_a_content_with_another_hash_than_promised_is_refused() -> None:
    with pytest.raises(pool.WrongHash):
        pool.put(io.BytesIO(b"something else"), sha1=HASH)
    assert not pool.exists(HASH)


class Unreadable(io.BytesIO):
    """A stream whose second block cannot be read."""

    def __init__(self, number: int) -> None:
        super().__init__(CONTENT)
        self.number = number

    def read(self, size: int | None = -1) -> bytes:
        if self.tell():
            raise OSError(self.number, os.strerror(self.number))
        return super().read(5)


@pytest.mark.parametrize(
    ("number", "kind"),
    [(errno.EIO, DamagedArchive), (errno.ESTALE, StorageFailed), (errno.ENOSPC, NoSpace)],
)
@pytest.mark.parametrize("here", [False, True])
def test_an_error_of_what_is_read_is_not_one_of_the_pool(
    here: bool, number: int, kind: type[CoursekeepError]
) -> None:
    if here:
        pool.put(io.BytesIO(CONTENT))
    with pytest.raises(kind) as caught:
        pool.take(lambda: Unreadable(number), sha1=HASH)
    assert "pool" not in caught.value.where
    assert pool.exists(HASH) == here


def test_what_a_dead_process_left_half_written_is_written_again() -> None:
    pool.storage().save(pool.name_of(HASH), io.BytesIO(CONTENT[:5]))
    pool.put(io.BytesIO(CONTENT))
    assert pool.size(HASH) == len(CONTENT)


def test_the_sweep_takes_what_no_file_has() -> None:
    pool.put(io.BytesIO(CONTENT))
    assert HASH in pool.sweep(SHARD)
    assert not pool.exists(HASH)


def test_the_sweep_leaves_what_a_file_has() -> None:
    pool.put(io.BytesIO(CONTENT))
    File.objects.create(
        contenthash=HASH, contextid=1, component="x", filearea="y", filepath="/", filename="f"
    )
    assert HASH not in pool.sweep(SHARD)
    assert pool.exists(HASH)


def test_the_sweep_waits_while_the_pool_is_in_use() -> None:
    pool.put(io.BytesIO(CONTENT))
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock_shared(%s)", [pool.LOCK])
        assert pool.sweep(SHARD) == []
        assert pool.exists(HASH)
    finally:
        other.close()


@pytest.mark.parametrize("text", ["", "../../../../etc/passwd", "a/" * 20])
def test_a_text_that_is_no_hash_names_no_content(text: str) -> None:
    assert not pool.exists(text)


def test_a_content_that_another_worker_has_not_synced_yet_is_on_the_disk_at_the_end_of_the_block(
    own_storages: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {**settings.STORAGES["pool"]["OPTIONS"], "fsync": True}
    settings.STORAGES = {**settings.STORAGES, "pool": {**settings.STORAGES["pool"], "OPTIONS": options}}
    synced: list[Path] = []
    true = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        true(descriptor)

    path = own_storages / "pool" / pool.name_of(HASH)
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    monkeypatch.setattr(os, "fsync", fsync)
    with pool.storing():
        assert pool.take(lambda: io.BytesIO(CONTENT), sha1=HASH).here
        assert path not in synced
    assert {path, *list(path.parents)[:3]} <= set(synced)
