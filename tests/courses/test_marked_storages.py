"""The marks of storages when things go wrong: two workers at once, an interrupted migration, a full disk, lost files."""

from __future__ import annotations

import errno
import io
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder

from archive.errors import Cancelled, StorageAway, StorageFailed, UsageError
from audit.models import AuditEntry
from config import doctor
from courses import locks, pool, sentinel
from courses.apps import FIRST, create_missing_basics
from courses.models import File, MarkedStorage
from tests.courses.test_sentinel import SHA1, a_new_site
from tests.courses.test_sentinel import a_file as a_file
from vault import storage

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lost_archives(own_storages: Path) -> None:
    """The folder of the archives is gone with two archives, and there is no copy."""
    a_new_site()
    for title in ("a.mbz", "b.mbz"):
        storage.put(ContentFile(b"an archive"), title=title)
    shutil.rmtree(own_storages / "archives")


def stored(sha1: str) -> None:
    storages["pool"].save(pool.name_of(sha1), ContentFile(b"x"))


def test_a_second_machine_with_a_default_storage_of_its_own_is_well(own_storages: Path) -> None:
    a_new_site()
    assert set(MarkedStorage.objects.values_list("alias", flat=True)) == {"pool", "archives"}
    assert not storages["default"].exists(sentinel.NAME)
    # Earlier versions have marked it as well.
    MarkedStorage.objects.create(alias="default", site=MarkedStorage.objects.all()[0].site, token="0" * 32)
    states = {one.part: one.state for one in doctor.examine(backup_hours=48)}
    assert states["storage default"] == "ok"
    with pytest.raises(UsageError):
        call_command("storages", "init", "default")


def test_a_worker_that_finds_a_storage_without_a_mark_leaves_that_of_another_one(
    own_storages: Path, a_file: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(SHA1)
    wait = locks.lock_until_commit

    def late(subject: str) -> None:
        monkeypatch.setattr("courses.sentinel.lock_until_commit", wait)
        sentinel.mark("pool")
        wait(subject)

    monkeypatch.setattr("courses.sentinel.lock_until_commit", late)
    sentinel.require("pool")
    sentinel.require("pool")
    row = MarkedStorage.objects.get(alias="pool")
    assert row.token
    assert row.token in storages["pool"].open(sentinel.NAME).read().decode()


def test_a_storage_with_files_and_without_a_mark_is_remembered_when_it_is_first_used(
    own_storages: Path, a_file: File
) -> None:
    stored(SHA1)
    sentinel.require("pool")
    File.objects.all().delete()
    shutil.rmtree(own_storages / "pool")
    with pytest.raises(StorageAway):
        sentinel.require("pool")


def test_a_snapshot_that_only_reads_marks_no_storage(own_storages: Path, a_file: File) -> None:
    stored(SHA1)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        sentinel.require("pool")
    assert not storages["pool"].exists(sentinel.NAME)
    assert not MarkedStorage.objects.exists()


def test_a_storage_that_is_lost_for_good_is_initialised_when_that_is_said(
    lost_archives: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(StorageAway) as caught:
        call_command("storages", "init", "archives")
    assert "storages init archives --without-files" in caught.value.hint
    assert "which are 2" in caught.value.message
    monkeypatch.setattr("sys.stdin", io.StringIO("no\n"))
    with pytest.raises(Cancelled):
        call_command("storages", "init", "archives", "--without-files")
    assert "2 files of the site are not in the storage “archives”" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))
    call_command("storages", "init", "archives", "--without-files")
    sentinel.require("archives")
    entry = AuditEntry.objects.get(action="storage-initialised")
    assert (entry.title, entry.details["lost"]) == ("archives", 2)


def test_without_files_is_not_asked_where_the_files_are_there_and_with_yes(
    own_storages: Path, lost_archives: None, a_file: File
) -> None:
    stored(SHA1)
    call_command("storages", "init", "pool", "--without-files")
    call_command("storages", "init", "archives", "--without-files", "--yes")
    sentinel.require("archives")


def test_the_storage_of_another_site_is_not_initialised_without_files(own_storages: Path) -> None:
    storages["pool"].save(sentinel.NAME, ContentFile(b"another site\nwords\n"))
    with pytest.raises(StorageAway, match="another site"):
        call_command("storages", "init", "pool", "--without-files", "--yes")


def full(*_: Any, **__: Any) -> None:
    raise OSError(errno.ENOSPC, "full")


def test_an_init_that_fails_leaves_the_mark_that_was_there(
    own_storages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_new_site()
    # The row is of another folder, so that there is something to write.
    MarkedStorage.objects.filter(alias="archives").update(token="0" * 32)
    before = storages["archives"].open(sentinel.NAME).read()
    kind = type(storages["archives"])
    save, failures = kind.save, [1]

    def fail_once(*given: Any, **options: Any) -> Any:
        return full() if failures and failures.pop() else save(*given, **options)

    monkeypatch.setattr(kind, "save", fail_once)
    with pytest.raises(StorageFailed):
        sentinel.initialise("archives")
    assert storages["archives"].open(sentinel.NAME).read() == before
    assert MarkedStorage.objects.get(alias="archives").token == "0" * 32
    assert not AuditEntry.objects.filter(action="storage-initialised").exists()


def test_an_init_of_a_storage_that_has_its_mark_writes_nothing(
    own_storages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_new_site()
    monkeypatch.setattr(type(storages["archives"]), "save", full)
    sentinel.initialise("archives")
    sentinel.require("archives")
    assert not AuditEntry.objects.filter(action="storage-initialised").exists()


def test_a_first_migration_that_was_interrupted_marks_the_storages_when_it_goes_on(
    own_storages: Path,
) -> None:
    MigrationRecorder(connection).record_applied(*FIRST)
    create_missing_basics(plan=[])
    assert set(MarkedStorage.objects.values_list("alias", flat=True)) == {"pool", "archives"}
    (own_storages / "archives").rename(own_storages / "disk")
    with pytest.raises(StorageAway):
        storage.put(ContentFile(b"an archive"), title="a.mbz")
    MigrationRecorder(connection).record_unapplied(*FIRST)


@pytest.mark.parametrize("what", ["a file", "a row"])
def test_a_later_migration_marks_nothing_on_a_site_that_has_a_file_or_a_mark(
    what: str, own_storages: Path
) -> None:
    MigrationRecorder(connection).record_applied(*FIRST)
    if what == "a file":
        File.objects.create(
            contenthash=SHA1, contextid=1, component="x", filearea="y", filepath="/", filename="f"
        )
    else:
        sentinel.mark("pool")
    create_missing_basics(plan=[])
    assert not storages["archives"].exists(sentinel.NAME)
    MigrationRecorder(connection).record_unapplied(*FIRST)


def test_the_doctor_warns_of_a_storage_that_the_database_does_not_know(own_storages: Path) -> None:
    sentinel.mark("pool")
    [one] = [one for one in doctor.examine(backup_hours=48) if one.part == "marks" and one.state != "ok"]
    assert one.state == "warning"
    assert "archives" in one.fact
    assert "manage.py storages init archives" in one.mend


def test_the_list_tells_the_marks_apart(own_storages: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sentinel.mark("pool")
    a_new_site()
    MarkedStorage.objects.filter(alias="archives").delete()
    call_command("storages", "list")
    said = {line.partition(":")[0]: line.rpartition(": ")[2] for line in capsys.readouterr().out.splitlines()}
    assert said["pool"] == "It is the site's own."
    assert "which the database does not know yet" in said["archives"]
    assert said["default"] == "It has no mark, as its files are of one machine."
