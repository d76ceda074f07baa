"""The storage on this machine's disks: a file is complete or not there, and on the disk before anybody hears of it."""

from __future__ import annotations

import errno
import io
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile, File

from courses import local_storage
from courses.local_storage import PARTS, TICK, LocalStorage


class Broken(File):  # type: ignore[type-arg]
    """A content whose second block cannot be read."""

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        yield b"the first block"
        raise OSError(errno.EIO, "on purpose")


def files(storage: LocalStorage) -> list[str]:
    """All files of a storage, the unfinished ones too."""
    root = Path(storage.location)
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(location=str(tmp_path / "store"), file_permissions_mode=0o600)


@pytest.fixture
def replacing(tmp_path: Path) -> LocalStorage:
    return LocalStorage(location=str(tmp_path / "store"), allow_overwrite=True)


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that are synced, in order."""
    seen: list[str] = []
    true = os.fsync

    def fsync(descriptor: int) -> None:
        seen.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        true(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    return seen


def test_a_file_is_stored_under_its_name_with_its_permissions(storage: LocalStorage) -> None:
    assert storage.save("a/b/c.txt", ContentFile(b"content")) == "a/b/c.txt"
    assert storage.open("a/b/c.txt").read() == b"content"
    assert Path(storage.path("a/b/c.txt")).stat().st_mode & 0o777 == 0o600
    assert files(storage) == ["a/b/c.txt"]


def test_a_content_that_breaks_off_leaves_nothing(storage: LocalStorage) -> None:
    with pytest.raises(OSError, match="on purpose"):
        storage.save("a.txt", Broken(io.BytesIO()))
    assert files(storage) == []


def test_a_content_that_breaks_off_leaves_the_file_that_it_would_replace(replacing: LocalStorage) -> None:
    replacing.save("a.txt", ContentFile(b"old"))
    with pytest.raises(OSError, match="on purpose"):
        replacing.save("a.txt", Broken(io.BytesIO()))
    assert replacing.open("a.txt").read() == b"old"


def test_a_file_of_the_same_name_stays_and_the_second_gets_another(storage: LocalStorage) -> None:
    first, second = (storage.save("a.txt", ContentFile(text)) for text in (b"one", b"two"))
    assert first != second
    assert (storage.open(first).read(), storage.open(second).read()) == (b"one", b"two")


def test_a_disk_without_links_still_replaces_nothing(
    storage: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(*_: Any) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", link)
    first, second = (storage.save("a.txt", ContentFile(text)) for text in (b"one", b"two"))
    assert first != second
    assert (storage.open(first).read(), storage.open(second).read()) == (b"one", b"two")


def test_nobody_sees_half_a_file_while_it_is_written(replacing: LocalStorage) -> None:
    halfway, go_on = threading.Event(), threading.Event()

    class Slow(File):  # type: ignore[type-arg]
        def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
            yield b"half"
            halfway.set()
            go_on.wait(30)
            yield b" and half"

    writer = threading.Thread(target=replacing.save, args=("a.txt", Slow(io.BytesIO())))
    writer.start()
    assert halfway.wait(30)
    assert not replacing.exists("a.txt")
    go_on.set()
    writer.join()
    assert replacing.open("a.txt").read() == b"half and half"


def test_a_finished_file_is_moved_and_not_copied(storage: LocalStorage, tmp_path: Path) -> None:
    source = tmp_path / "made"
    source.write_bytes(b"content")
    number = source.stat().st_ino

    class Movable(File):  # type: ignore[type-arg]
        def temporary_file_path(self) -> str:
            return str(source)

    name = storage.save("a.mbz", Movable(io.BytesIO()))
    assert not source.exists()
    assert Path(storage.path(name)).stat().st_ino == number


def test_a_finished_file_of_another_disk_is_copied_and_removed(
    storage: LocalStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "made"
    source.write_bytes(b"content")

    class Movable(File):  # type: ignore[type-arg]
        def temporary_file_path(self) -> str:
            return str(source)

    monkeypatch.setattr(local_storage, "_moved", lambda *_: False)
    with source.open("rb") as stream:
        name = storage.save("a.mbz", Movable(stream))
    assert not source.exists()
    assert storage.open(name).read() == b"content"


def test_a_file_and_every_new_folder_above_it_are_on_the_disk_when_it_is_saved(
    storage: LocalStorage, synced: list[str]
) -> None:
    storage.save("a/b/c.txt", ContentFile(b"content"))
    root = storage.location
    assert synced[0].startswith(f"{root}/{PARTS}/")
    assert {f"{root}/a/b", f"{root}/a", root} <= set(synced[1:])


def test_deferred_files_are_on_the_disk_at_the_end_of_the_block_and_each_folder_once(
    storage: LocalStorage, synced: list[str]
) -> None:
    with storage.deferring():
        for number in range(20):
            storage.save(f"a/{number}.txt", ContentFile(b"content"))
        assert synced == []
    assert sorted(synced.count(storage.path(f"a/{number}.txt")) for number in range(20)) == [1] * 20
    assert synced.count(storage.path("a")) == 1


def test_of_any_number_of_deferred_files_only_some_wait_at_the_same_time(
    storage: LocalStorage, synced: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("courses.local_storage.MOST_PENDING", 8)
    with storage.deferring():
        for number in range(20):
            storage.save(f"a/{number}.txt", ContentFile(b"content"))
        assert {storage.path(f"a/{number}.txt") for number in range(16)} <= set(synced)
    assert sorted(synced.count(storage.path(f"a/{number}.txt")) for number in range(20)) == [1] * 20


def test_a_block_of_deferred_files_that_fails_lets_the_next_file_be_synced(
    storage: LocalStorage, synced: list[str]
) -> None:
    with pytest.raises(ValueError, match="on purpose"), storage.deferring():
        raise ValueError("on purpose")
    storage.save("a.txt", ContentFile(b"content"))
    assert synced


def test_what_is_known_to_be_on_the_disk_is_not_waited_for_until_it_changes(
    storage: LocalStorage, synced: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(storage.path(storage.save("a/b.txt", ContentFile(b"content"))))
    storage.ensure_synced("a/b.txt")
    assert str(path) in synced  # it is so young that its next change could have the same time
    now = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now + 2 * TICK)
    storage.ensure_synced("a/b.txt")
    synced.clear()
    storage.ensure_synced("a/b.txt")
    assert synced == []
    time.sleep(0.05)  # the clock of the disk may be coarse
    path.write_bytes(b"changed")
    Path(path.parent, "c.txt").touch()
    storage.ensure_synced("a/b.txt")
    assert {str(path), str(path.parent)} <= set(synced)


def test_an_error_of_the_disk_while_syncing_is_raised(
    storage: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(_: int) -> None:
        raise OSError(errno.EIO, "on purpose")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="on purpose"):
        storage.save("a.txt", ContentFile(b"content"))
    with pytest.raises(OSError, match="on purpose"), storage.deferring():
        storage.save("b.txt", ContentFile(b"content"))


def test_only_the_parts_that_a_dead_process_left_are_removed(storage: LocalStorage) -> None:
    storage.save("a.txt", ContentFile(b"content"))
    parts = Path(storage.location, PARTS)
    for name in ("old", "new"):
        (parts / name).write_bytes(b"half")
    os.utime(parts / "old", (0, 0))
    assert storage.remove_old_parts(seconds=3600) == ["old"]
    assert files(storage) == [f"{PARTS}/new", "a.txt"]
