"""Stored archives: real files in the storage, one row each, and nothing left behind."""

from __future__ import annotations

import hashlib
import io
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files import File
from django.db import transaction
from django.utils import timezone

from archive.checkpoints import checkpoints
from archive.errors import Cancelled, NotFound, StorageAway
from demo.mounts import bring_back, take_away
from jobs.clock import database_now
from tests.slow_storage import SlowStorage
from vault import storage
from vault.models import LooseFile, StoredArchive

MADE = datetime(2026, 11, 22, 8, 5, tzinfo=UTC)
CONTENT = bytes(range(256)) * 9000


@pytest.mark.parametrize(
    ("named", "title"),
    [
        (
            {"archive_type": "course", "item": 5, "name": "Bio 101"},
            "backup-moodle2-course-5-bio_101-20261122-0805.mbz",
        ),
        (
            {"archive_type": "course", "item": 5, "name": "BIO", "users": False},
            "backup-moodle2-course-5-bio-20261122-0805-nu.mbz",
        ),
        (
            {"archive_type": "activity", "item": 7, "name": "forum7", "anonymized": True},
            "backup-moodle2-activity-7-forum7-20261122-0805-an.mbz",
        ),
        (
            {"archive_type": "section", "item": 3, "name": "../../x"},
            "backup-moodle2-section-3-x-20261122-0805.mbz",
        ),
        ({"archive_type": "section", "item": 3, "name": ""}, "backup-moodle2-section-3-20261122-0805.mbz"),
        (
            {"archive_type": "course", "item": 1, "name": "Física Ñ"},
            "backup-moodle2-course-1-física_ñ-20261122-0805.mbz",
        ),
    ],
)
def test_an_archive_is_named_as_moodle_names_it(named: dict[str, Any], title: str) -> None:
    assert storage.title_for(made=MADE, **named) == title


def test_a_long_name_in_any_script_fits_a_file_system() -> None:
    title = storage.title_for("course", 10**18, "語" * 255, made=MADE, users=False)

    assert len(title.encode()) <= 200
    assert title.endswith("-nu.mbz")


@pytest.mark.django_db(transaction=True)
def test_a_stored_file_comes_out_as_it_went_in(tmp_path: Path) -> None:
    path = tmp_path / "made.mbz"
    path.write_bytes(CONTENT)

    archive = storage.record(storage.put(path, title="backup.mbz"))

    assert (archive.size, archive.sha256) == (len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    with storage.open_stored(archive) as stored:
        assert stored.read() == CONTENT
    assert archive.file.endswith("/backup.mbz")
    assert path.exists()
    assert not LooseFile.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_file_of_ours_is_moved_and_not_copied(tmp_path: Path) -> None:
    path = tmp_path / "made.mbz"
    path.write_bytes(CONTENT)

    archive = storage.record(storage.put(path, title="backup.mbz", move=True))

    assert not path.exists()
    with storage.open_stored(archive) as stored:
        assert stored.read() == CONTENT


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("comes_back", [False, True])
def test_an_archive_that_is_written_where_the_storage_is_not_mounted_is_not_stored(
    own_storages: Path, monkeypatch: pytest.MonkeyPatch, comes_back: bool
) -> None:
    storage.put(io.BytesIO(CONTENT), title="first.mbz")
    before = set(own_storages.rglob("*"))
    save = type(storage.archives()).save

    def save_elsewhere(self: Any, *arguments: Any, **named: Any) -> str:
        take_away(own_storages, "archives", leave_empty=True)
        name: str = save(self, *arguments, **named)
        if comes_back:
            bring_back(own_storages, "archives")
        return name

    monkeypatch.setattr(type(storage.archives()), "save", save_elsewhere)
    with pytest.raises(StorageAway):
        storage.put(io.BytesIO(CONTENT), title="second.mbz")
    assert bring_back(own_storages, "archives") == []
    assert set(own_storages.rglob("*")) == before


@pytest.mark.django_db(transaction=True)
def test_two_archives_of_the_same_minute_and_name_are_two_files() -> None:
    first = storage.record(storage.put(io.BytesIO(b"one"), title="backup.mbz"))
    second = storage.record(storage.put(io.BytesIO(b"two"), title="backup.mbz"))

    assert first.file != second.file
    with storage.open_stored(first) as stored:
        assert stored.read() == b"one"


@pytest.mark.django_db(transaction=True)
def test_a_title_cannot_leave_the_storage() -> None:
    archive = storage.record(storage.put(io.BytesIO(b"x"), title="../../../etc/passwd"))

    assert ".." not in Path(archive.file).parts
    assert storage.archives().exists(archive.file)


@pytest.mark.django_db(transaction=True)
def test_a_file_whose_process_died_before_its_row_is_removed_after_a_day() -> None:
    stored = storage.put(io.BytesIO(b"half"), title="backup.mbz")

    assert storage.sweep(now=timezone.now() + timedelta(hours=23)) == []
    assert storage.sweep(now=timezone.now() + timedelta(hours=25)) == [stored.file]
    assert not storage.archives().exists(stored.file)
    with pytest.raises(NotFound):
        storage.record(stored)


@pytest.mark.django_db(transaction=True)
def test_a_row_that_is_rolled_back_leaves_a_file_that_can_be_discarded() -> None:
    stored = storage.put(io.BytesIO(b"whole"), title="backup.mbz")
    with transaction.atomic():
        storage.record(stored)
        transaction.set_rollback(True)

    assert not StoredArchive.objects.exists()
    assert storage.archives().exists(stored.file)
    storage.discard(stored)
    assert not storage.archives().exists(stored.file)
    assert not LooseFile.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_file_that_has_a_row_is_not_discarded() -> None:
    stored = storage.put(io.BytesIO(b"whole"), title="backup.mbz")
    storage.record(stored)
    storage.discard(stored)

    assert storage.archives().exists(stored.file)


@pytest.mark.django_db(transaction=True)
def test_a_removal_that_is_rolled_back_keeps_the_file() -> None:
    archive = storage.record(storage.put(io.BytesIO(b"x"), title="backup.mbz"))
    with transaction.atomic():
        storage.remove(StoredArchive.objects.get(pk=archive.pk))
        transaction.set_rollback(True)

    assert storage.archives().exists(archive.file)


@pytest.mark.django_db(transaction=True)
def test_a_file_that_is_gone_is_told_in_one_sentence() -> None:
    archive = storage.record(storage.put(io.BytesIO(b"x"), title="backup.mbz"))
    storage.archives().delete(archive.file)

    with pytest.raises(NotFound, match=r"backup\.mbz is gone from the storage"):
        storage.open_stored(archive)


class ReadsInAThread(SlowStorage):
    """A storage whose library reads what it stores in a thread of its own, block by block, as boto does."""

    def _save(self, name: str, content: File[Any]) -> str:
        parts: list[bytes] = []

        def upload() -> None:
            while block := content.read(1024):
                parts.append(block)

        with ThreadPoolExecutor(1) as executor:
            executor.submit(upload).result()
        self.files[name] = b"".join(parts)
        return name


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("move", [False, True])
def test_storing_passes_a_checkpoint_for_each_block_that_the_storage_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, move: bool
) -> None:
    there = ReadsInAThread()
    monkeypatch.setattr(storage, "archives", lambda: there)
    monkeypatch.setattr(storage, "require_storage", lambda: None)
    path = tmp_path / "a.mbz"
    path.write_bytes(bytes(50 * 1024))
    times = [0]

    def count() -> None:
        times[0] += 1

    with checkpoints(count):
        stored = storage.put(path, title="a.mbz", move=move)
    assert times[0] >= 50
    assert len(there.files[stored.file]) == 50 * 1024


@pytest.mark.django_db(transaction=True)
def test_storing_is_stopped_by_a_checkpoint_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = ReadsInAThread()
    monkeypatch.setattr(storage, "archives", lambda: there)
    monkeypatch.setattr(storage, "require_storage", lambda: None)
    path = tmp_path / "a.mbz"
    path.write_bytes(bytes(50 * 1024))
    times = [0]

    def stop() -> None:
        times[0] += 1
        if times[0] == 20:
            raise Cancelled("The job was cancelled; nothing was changed.")

    with checkpoints(stop), pytest.raises(Cancelled):
        storage.put(path, title="a.mbz")
    assert (there.files, LooseFile.objects.count()) == ({}, 0)


@pytest.mark.django_db(transaction=True)
def test_the_sweep_goes_by_the_clock_of_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose clock is a year ahead removes no file that was stored a moment ago."""
    monkeypatch.setattr("django.utils.timezone.now", lambda: datetime.now(UTC) + timedelta(days=365))
    stored = storage.put(io.BytesIO(b"x"), title="a.mbz")
    assert storage.sweep() == []
    archive = storage.record(stored)
    assert abs(archive.created - database_now()) < timedelta(minutes=10)
