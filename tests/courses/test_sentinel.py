"""The sentinel of each storage: an empty folder in place of the pool is no empty pool."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import call_command
from django.db.migrations import Migration

from archive.errors import StorageAway, UsageError
from audit.models import AuditEntry
from courses import pool, sentinel
from courses.apps import create_missing_basics
from courses.models import File, MarkedStorage
from courses.signing import site_hash
from vault import storage
from vault.models import LooseFile

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


def a_new_site() -> None:
    """Do what the first migration of a site does after its tables are made."""
    create_missing_basics(plan=[(Migration("0001_initial", "courses"), False)])


@pytest.mark.django_db(transaction=True)
def test_the_first_archive_of_a_site_does_not_go_into_the_folder_of_a_disk_that_is_away(
    own_storages: Path,
) -> None:
    a_new_site()
    assert {site_of(alias) for alias in sentinel.shared()} == {site_hash()}
    (own_storages / "archives").rename(own_storages / "disk")
    (own_storages / "archives").mkdir()
    with pytest.raises(StorageAway, match="not the storage that the site has used") as caught:
        storage.put(ContentFile(b"an archive"), title="a.mbz")
    assert "manage.py storages init archives" in caught.value.hint
    assert list((own_storages / "archives").iterdir()) == []
    (own_storages / "archives").rmdir()
    (own_storages / "disk").rename(own_storages / "archives")
    storage.put(ContentFile(b"an archive"), title="a.mbz")


@pytest.mark.django_db(transaction=True)
def test_the_first_content_of_a_site_does_not_go_into_the_folder_of_a_disk_that_is_away(
    own_storages: Path,
) -> None:
    a_new_site()
    shutil.rmtree(own_storages / "pool")
    with pytest.raises(StorageAway), pool.storing():
        pool.put(ContentFile(b"content"))
    assert not (own_storages / "pool").exists()


@pytest.mark.django_db(transaction=True)
def test_a_storage_whose_first_file_marked_it_is_missed_though_no_file_is_expected(
    own_storages: Path,
) -> None:
    storage.put(ContentFile(b"an archive"), title="a.mbz")
    LooseFile.objects.all().delete()
    shutil.rmtree(own_storages / "archives")
    with pytest.raises(StorageAway):
        sentinel.require("archives")


@pytest.mark.django_db(transaction=True)
def test_the_disk_that_is_mounted_after_the_first_migration_is_taken_after_it_was_initialised(
    own_storages: Path,
) -> None:
    folder, below, disk = (own_storages / name for name in ("archives", "below", "disk"))
    a_new_site()
    folder.rename(below)
    folder.mkdir()
    with pytest.raises(StorageAway):
        storage.put(ContentFile(b"an archive"), title="a.mbz")
    call_command("storages", "init", "archives")
    storage.put(ContentFile(b"an archive"), title="a.mbz")
    # The folder below the disk has a sentinel of the site, but not that of the disk.
    folder.rename(disk)
    below.rename(folder)
    with pytest.raises(StorageAway):
        sentinel.require("archives")
    assert AuditEntry.objects.filter(action="storage-initialised", title="archives").count() == 1


@pytest.mark.django_db
def test_a_storage_that_is_away_at_the_first_migration_is_refused_until_it_is_initialised(
    own_storages: Path,
) -> None:
    storages["pool"].save(sentinel.NAME, ContentFile(b"another site\nwords\n"))
    (own_storages / "archives").write_bytes(b"no folder")
    a_new_site()
    assert site_of("pool") == "another site"
    (own_storages / "archives").unlink()
    for alias in ("pool", "archives"):
        with pytest.raises(StorageAway):
            sentinel.require(alias)
    with pytest.raises(StorageAway, match="another site"):
        call_command("storages", "init", "pool")
    call_command("storages", "init", "archives")
    sentinel.require("archives")


@pytest.mark.django_db
def test_a_storage_that_lacks_the_files_of_the_site_is_not_initialised(
    own_storages: Path, a_file: File
) -> None:
    with pytest.raises(StorageAway):
        call_command("storages", "init", "pool")
    storages["pool"].save(pool.name_of(SHA1), ContentFile(b"x"))
    call_command("storages", "init", "pool")
    sentinel.require("pool")


@pytest.mark.django_db
def test_a_site_whose_tables_are_made_again_takes_its_storages_as_they_are(own_storages: Path) -> None:
    a_new_site()
    before = storages["pool"].open(sentinel.NAME).read()
    MarkedStorage.objects.all().delete()
    a_new_site()
    assert storages["pool"].open(sentinel.NAME).read() == before
    sentinel.require("pool")


@pytest.mark.django_db
def test_the_sentinel_of_an_earlier_version_is_remembered_with_the_next_file(own_storages: Path) -> None:
    storages["pool"].save(sentinel.NAME, ContentFile(f"{site_hash()}\n{sentinel.WORDS}".encode()))
    create_missing_basics(plan=[])
    assert not storages["archives"].exists(sentinel.NAME)
    sentinel.mark("pool")
    assert list(MarkedStorage.objects.values_list("alias", "token")) == [("pool", "")]
    shutil.rmtree(own_storages / "pool")
    with pytest.raises(StorageAway):
        sentinel.require("pool")


@pytest.mark.django_db
def test_the_command_lists_the_storages_and_refuses_names_that_are_none(
    own_storages: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sentinel.mark("pool")
    call_command("storages", "list", "--json")
    rows = {one["name"]: one["marked"] for one in json.loads(capsys.readouterr().out)["storages"]}
    assert (rows["pool"], rows["archives"]) == (True, False)
    for words in (["init"], ["list", "pool"], ["init", "cellar"]):
        with pytest.raises(UsageError):
            call_command("storages", *words)
