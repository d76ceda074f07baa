"""The sentinel of each storage: an empty folder in place of the pool is no empty pool."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages

from archive.errors import StorageAway
from courses import pool, sentinel
from courses.models import File
from courses.signing import site_hash
from vault import storage

SHA1 = "1" * 40


@pytest.fixture
def a_file(db: None) -> File:
    """A file of which the database says that the pool has its content."""
    return File.objects.create(
        contenthash=SHA1, contextid=1, component="x", filearea="y", filepath="/", filename="f"
    )


def site_of(alias: str) -> str:
    """The first line of a storage's sentinel."""
    return str(storages[alias].open(sentinel.NAME).read().decode().partition("\n")[0])


@pytest.mark.django_db
def test_a_new_site_marks_no_storage_before_it_stores_a_file_there(own_storages: Path) -> None:
    sentinel.make_all()
    with pool.in_use():
        pass
    assert set(sentinel.aliases()) >= {"default", "pool", "archives"}
    assert not any(storages[alias].exists(sentinel.NAME) for alias in sentinel.aliases())


@pytest.mark.django_db(transaction=True)
def test_a_storage_gets_a_sentinel_with_the_site_s_identifier_with_the_first_file(own_storages: Path) -> None:
    with pool.storing():
        pool.put(ContentFile(b"content"))
    storage.put(ContentFile(b"an archive"), title="a.mbz")
    assert site_of("pool") == site_of("archives") == site_hash()


@pytest.mark.django_db
def test_a_disk_that_was_mounted_after_the_migration_and_goes_away_is_missed(own_storages: Path) -> None:
    folder, below, disk = (own_storages / name for name in ("pool", "below", "disk"))
    folder.mkdir()
    sentinel.make_all()
    folder.rename(below)
    with pool.storing():
        sha1, _ = pool.put(ContentFile(b"content"))
    File.objects.create(
        contenthash=sha1, contextid=1, component="x", filearea="y", filepath="/", filename="f"
    )
    sentinel.require("pool")
    folder.rename(disk)
    below.rename(folder)
    with pytest.raises(StorageAway):
        sentinel.require("pool")


@pytest.mark.django_db
def test_a_new_storage_that_goes_away_while_its_first_contents_are_stored_is_missed(
    own_storages: Path,
) -> None:
    def store() -> None:
        with pool.storing():
            shutil.rmtree(own_storages / "pool")
            pool.put(ContentFile(b"content"))

    with pytest.raises(StorageAway):
        store()


@pytest.mark.django_db
def test_a_second_call_leaves_the_sentinel_as_it_is(own_storages: Path) -> None:
    sentinel.mark("pool")
    before = (own_storages / "pool" / sentinel.NAME).stat().st_ino
    sentinel.mark("pool")
    sentinel.require("pool")
    assert (own_storages / "pool" / sentinel.NAME).stat().st_ino == before


def test_an_empty_folder_in_place_of_a_storage_with_files_is_refused_and_stays_empty(
    own_storages: Path, a_file: File
) -> None:
    (own_storages / "pool").mkdir()
    with pytest.raises(StorageAway) as caught:
        sentinel.require("pool")
    assert f"“pool” ({own_storages}/pool)" in caught.value.where
    assert "Mount the disk" in caught.value.hint
    assert list((own_storages / "pool").iterdir()) == []


def test_a_storage_with_files_of_the_site_gets_the_sentinel_that_it_has_not_had(
    own_storages: Path, a_file: File
) -> None:
    storages["pool"].save(pool.name_of(SHA1), ContentFile(b"x"))
    sentinel.require("pool")
    assert storages["pool"].exists(sentinel.NAME)


@pytest.mark.django_db
def test_the_storage_of_another_site_is_refused(own_storages: Path) -> None:
    storages["pool"].save(sentinel.NAME, ContentFile(b"another site\nwords\n"))
    with pytest.raises(StorageAway, match="another site"):
        sentinel.require("pool")


def test_an_empty_sentinel_that_a_full_disk_left_is_written_again(own_storages: Path, a_file: File) -> None:
    storages["pool"].save(sentinel.NAME, ContentFile(b""))
    storages["pool"].save(pool.name_of(SHA1), ContentFile(b"x"))
    sentinel.require("pool")
    assert storages["pool"].open(sentinel.NAME).read().startswith(site_hash().encode())


@pytest.mark.django_db
def test_nothing_is_swept_where_the_pool_is_not_mounted(own_storages: Path, a_file: File) -> None:
    (own_storages / "pool").mkdir()
    with pytest.raises(StorageAway):
        pool.sweep(0)


@pytest.mark.django_db
def test_contents_that_went_to_a_disk_that_went_away_are_not_called_stored(
    own_storages: Path, a_file: File
) -> None:
    storages["pool"].save(pool.name_of(SHA1), ContentFile(b"x"))

    def store() -> None:
        with pool.in_use(), pool.storing():
            shutil.rmtree(own_storages / "pool")
            pool.put(ContentFile(b"content"))

    with pytest.raises(StorageAway):
        store()
