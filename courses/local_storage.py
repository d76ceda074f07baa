"""A storage on this machine's disks in which a file is complete or not there, also after a loss of power."""

from __future__ import annotations

import errno
import os
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.files.storage import FileSystemStorage
from django.utils._os import safe_makedirs

from archive.parallel import in_order
from archive.streams import CHUNK

PARTS = ".parts"
"""The folder of files that are being written; it is on the same disk, so that they can be renamed into place."""

SYNCING = 8
"""Threads that wait for the disk: it writes what many wait for at once."""

QUICK = 0.02
"""Seconds for which one thread waits for the disk alone, before others are started."""

TICK = 2_000_000_000
"""Nanoseconds after which another change of a file has another time, on a disk with the clock of this machine."""

MOST_KNOWN = 50_000
"""Files and folders that a process knows to be on the disk, at most."""

MOST_PENDING = 10_000
"""Files that wait to be synced, at most: a course may have any number, and their names are in memory."""

NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV})


@dataclass(slots=True)
class _Pending:
    """The files that were saved and are to be synced, and the folders in which a name was added."""

    files: list[str] = field(default_factory=list)
    folders: set[str] = field(default_factory=set)


class LocalStorage(FileSystemStorage):
    """Django's storage of files below a folder, that writes under another name and renames.

    With `fsync` a file, its name and the folders made for it are on the disk when `save` returns, or when the block of
    `deferring` ends. `allow_overwrite`: a file of the same name is replaced, in one moment.
    """

    def __init__(self, *, allow_overwrite: bool = False, fsync: bool = True, **options: Any) -> None:
        super().__init__(allow_overwrite=allow_overwrite, **options)
        self._replaces = allow_overwrite
        self._fsync = fsync
        self._thread = threading.local()

    def _save(self, name: str, content: File[Any]) -> str:
        """Write the content beside the others, then give it its name; return the name. An error leaves nothing."""
        parts = Path(self.location, PARTS)
        part = parts / uuid.uuid4().hex
        self._make_folder(parts)
        try:
            self._write(part, content)
            made: list[Path] = []
            while True:
                target = Path(self.path(name))
                made += self._make_folder(target.parent)
                try:
                    self._rename(part, target)
                    break
                except FileExistsError:
                    name = self.get_available_name(name)
        finally:
            part.unlink(missing_ok=True)
        self._note(target, made)
        return target.relative_to(self.location).as_posix()

    def _write(self, part: Path, content: File[Any]) -> None:
        """Write a content to a new file, or move the finished file that it is."""
        source = getattr(content, "temporary_file_path", None)
        moved = source is not None and _moved(Path(source()), part)
        if not moved:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            with os.fdopen(descriptor, "wb", buffering=0) as file:
                for chunk in content.chunks(CHUNK):
                    _write_all(file.fileno(), chunk.encode() if isinstance(chunk, str) else chunk)
        if self.file_permissions_mode is not None:
            part.chmod(self.file_permissions_mode)
        self._ensure_location_group_id(str(part))  # type: ignore[attr-defined]  # the stubs lack it
        if self._fsync and self._pending() is None:
            _sync(part)
        if source is not None and not moved:
            with suppress(OSError):
                Path(source()).unlink()

    def _rename(self, part: Path, target: Path) -> None:
        """Give a file its name. Raises FileExistsError if there is another one, unless these are replaced."""
        if self._replaces:
            part.replace(target)
            return
        try:
            os.link(part, target)
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            # A disk without links: between the look and the renaming there is a moment.
            if target.exists():
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
            part.rename(target)

    def _make_folder(self, folder: Path) -> list[Path]:
        """Make a folder with those above it; return the folders in which one was made."""
        if folder.is_dir():
            return []
        above = [folder, *folder.parents]
        there = next(number for number, path in enumerate(above) if path.is_dir())
        if self.directory_permissions_mode is None:
            folder.mkdir(parents=True, exist_ok=True)
        else:
            safe_makedirs(str(folder), self.directory_permissions_mode, exist_ok=True)
        return above[1 : there + 1]

    def _pending(self) -> _Pending | None:
        """Return the files to be synced later; None outside of `deferring`."""
        pending: _Pending | None = getattr(self._thread, "pending", None)
        return pending

    def _note(self, target: Path, made: list[Path]) -> None:
        if not self._fsync:
            return
        pending = self._pending()
        if pending is None:
            for folder in {target.parent, *made}:
                _sync(folder)
        else:
            pending.files.append(str(target))
            pending.folders.update(str(folder) for folder in (target.parent, *made))
            if len(pending.files) >= MOST_PENDING:
                self.flush()

    @contextmanager
    def deferring(self) -> Iterator[None]:
        """Context manager: files that this thread saves inside are on the disk when the block ends, not before."""
        if self._pending() is not None:
            yield
            return
        self._thread.pending = _Pending()
        try:
            yield
            self.flush()
        finally:
            self._thread.pending = None

    def ensure_synced(self, name: str) -> None:
        """Put a stored file and the folders above it on the disk, in `deferring` at its end: its writer may not have yet."""
        target = Path(self.path(name))
        if self._fsync and self._pending() is None:
            _sync(target)
        above = target.relative_to(self.location).parents
        self._note(target, [Path(self.location, folder) for folder in above])

    def flush(self) -> None:
        """Wait until the files that this thread has saved in `deferring` are on the disk. Raises OSError."""
        pending = self._pending()
        if pending is None:
            return
        _sync_all(map(Path, pending.files))
        _sync_all(map(Path, pending.folders))
        pending.files.clear()
        pending.folders.clear()

    def remove_old_parts(self, *, seconds: float) -> list[str]:
        """Remove the unfinished files that nobody has written to for so long; return their names."""
        removed = []
        with suppress(FileNotFoundError):
            for part in Path(self.location, PARTS).iterdir():
                with suppress(FileNotFoundError):
                    if part.stat().st_mtime < time.time() - seconds:
                        part.unlink()
                        removed.append(part.name)
        return removed


def _moved(source: Path, part: Path) -> bool:
    """Rename a file; False if it is on another disk."""
    try:
        source.rename(part)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        return False
    return True


def _write_all(descriptor: int, data: bytes | memoryview) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


_known: dict[str, tuple[int, int, int]] = {}
"""The device, number and time of change of files and folders that this process has waited for, by their paths."""


def _sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk; return at once if this process knows that they are.

    A file that was removed since needs no waiting.
    """
    now = time.time_ns()
    try:
        found = path.stat()
        version = found.st_dev, found.st_ino, found.st_ctime_ns
        if _known.get(str(path)) == version:
            return
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        os.fsync(descriptor)
        if now - found.st_ctime_ns > TICK:
            if len(_known) >= MOST_KNOWN:
                _known.clear()
            _known[str(path)] = version
    except OSError as error:
        # Some file systems cannot sync a folder and say so.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def _sync_all(paths: Iterable[Path]) -> None:
    rest = iter(paths)
    ends = time.monotonic() + QUICK
    while time.monotonic() < ends:
        if (path := next(rest, None)) is None:
            return
        _sync(path)
    for _ in in_order(_sync, rest, threads=SYNCING):
        pass


def sync_file(path: Path) -> None:
    """Wait until a file and its name are on the disk. Raises OSError."""
    _sync(path)
    _sync(path.parent)
