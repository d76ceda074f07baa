"""Storing of archives: files in the storage called "archives", each with one `StoredArchive` row.

A file is written before its row and removed after it. In between its name is in `LooseFile`, so that the sweep
finds the files of processes that died, in any storage. Errors of the storage are raised as StorageFailed; a file is called
gone, and forgotten, only while the storage is the site's own (`courses/sentinel.py`).
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import tempfile
import unicodedata
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO

from django.core.files import File
from django.core.files.storage import Storage, storages
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from archive.checkpoints import carried, checkpoint
from archive.errors import NotFound, StorageAway, StorageFailed
from archive.streams import drain
from courses import sentinel
from courses.local_storage import LocalStorage
from courses.storage_errors import opened, place_of, told
from jobs.clock import database_now
from jobs.models import Job
from vault import manifests
from vault.manifests import ManifestCopy
from vault.models import LooseFile, StoredArchive

if TYPE_CHECKING:
    _File = File[bytes]
else:
    _File = File

log = logging.getLogger(__name__)

ALIAS = "archives"
SAMPLES = 10
"""Archives at each end of the list of which the storage must have one."""

GRACE = timedelta(days=1)
"""Time for which a file may exist without a row before the sweep removes it: longer than any upload takes."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A file in the storage that has no row yet; `size` in bytes."""

    file: str
    title: str
    size: int
    sha256: str


class _Passing(_File):
    """A file whose reading passes checkpoints of the thread that made this object, as some storages read it in threads."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        self._stream = file
        self._checkpoint = carried(checkpoint)

    def read(self, size: int = -1) -> bytes:
        """Return at most `size` bytes, all that are left if it is negative."""
        self._checkpoint()
        return self._stream.read(size)


class _Movable(_Passing):
    """A finished file that a storage on the same disk may move instead of copying it."""

    def temporary_file_path(self) -> str:
        return str(self.name)


def title_for(
    archive_type: str, item: int, name: str, *, made: datetime, users: bool = True, anonymized: bool = False
) -> str:
    """Return the file name of an archive as Moodle gives it (`backup_plan_dbops::get_default_backup_filename`).

    `name` is the course's short name, the section's name, or the activity's type followed by its id. `made` is not
    converted: pass it in the time zone of the person who gets the file.
    """
    text = unicodedata.normalize("NFC", name).replace(" ", "_").lower()
    clean = re.sub(r'[\x00-\x1f\x7f&<>"`|\':\\/*?$;{}()\[\]!#%~^=+,@]', "", text).strip("_.-")
    mark = "-an" if anonymized else "" if users else "-nu"
    head, tail = f"backup-moodle2-{archive_type}-{item}", f"{made:%Y%m%d-%H%M}{mark}.mbz"
    # File systems allow 255 bytes; a storage may add some to make the name unique.
    room = 198 - len(head) - len(tail)
    middle = clean.encode()[:room].decode(errors="ignore")
    return "-".join(part for part in (head, middle, tail) if part)


def archives() -> Storage:
    """Return the storage for archives."""
    return storages[ALIAS]


def _number() -> int:
    """Return the number of archives, and of files without a row."""
    return StoredArchive.objects.count() + LooseFile.objects.count()


@sentinel.expects(ALIAS, number=_number)
def _some_names() -> list[str]:
    """Return the names of the oldest and of the newest archives, and of files without a row."""
    files = StoredArchive.objects.order_by("pk").values_list("file", flat=True)
    loose = LooseFile.objects.order_by("pk").values_list("file", flat=True)
    return list(dict.fromkeys([*files[:SAMPLES], *files.reverse()[:SAMPLES], *loose[:SAMPLES]]))


def require_storage() -> None:
    """Raise StorageAway unless the storage is the site's own; a job that will store an archive asks at its start."""
    sentinel.require(ALIAS)


def put(source: Path | str | IO[bytes], *, title: str, move: bool = False, sha256: str = "") -> Stored:
    """Store a file without making its row yet; with `move`, the file at a path may be moved instead of copied.

    `sha256` is the file's digest if whoever wrote it knows it; else the file is read for it.

    Raises RuntimeError inside a transaction: the `LooseFile` row must survive if this process dies. When it returns, the
    file is on the disk. Raises StorageFailed.
    """
    if transaction.get_connection().in_atomic_block:
        raise RuntimeError("A file is brought into the storage outside of any transaction.")
    sentinel.mark(ALIAS)
    if isinstance(source, (str, Path)):
        with Path(source).open("rb") as file:
            return _put(_Movable(file) if move else _Passing(file), title, sha256)
    return _put(source if isinstance(source, File) else _Passing(source), title, sha256)


def _put(content: File[bytes], title: str, sha256: str) -> Stored:
    if sha256:
        content.seek(0, os.SEEK_END)
        size = content.tell()
    else:
        content.seek(0)
        digest = hashlib.sha256()
        size = drain(content, digest.update)
        sha256 = digest.hexdigest()
    content.seek(0)
    token = uuid.uuid4().hex
    wanted = f"{timezone.now():%Y-%m}/{token}/{_plain(title)}"
    loose = LooseFile.objects.create(file=wanted)
    try:
        with told(ALIAS):
            file = archives().save(wanted, content)
        _require_stored(file)
    except BaseException:
        _clear(wanted)
        raise
    if file != wanted:
        LooseFile.objects.filter(pk=loose.pk).update(file=file)
    return Stored(file=file, title=title, size=size, sha256=sha256)


def _require_stored(file: str) -> None:
    """Raise StorageAway if a file that was just saved is not in the site's own storage: a disk may go away, and come back, in
    the moment in which a file is written. Then it is removed again from where it is.
    """
    try:
        sentinel.require(ALIAS, marked=True)
    except StorageFailed:
        # Nobody else has a file of this name.
        with suppress(StorageFailed), told(ALIAS):
            archives().delete(file)
        raise
    with told(ALIAS):
        there = archives().exists(file)
    if not there:
        raise StorageAway(
            "The storage went away while an archive was stored.",
            where=place_of(ALIAS),
            hint="Look whether its disk is mounted, and make the archive again.",
        )


def _plain(title: str) -> str:
    """Return the title as a safe file name: no folder, no leading dot, no control characters."""
    name = re.sub(r"[\x00-\x1f\x7f/\\]", "_", title).strip().lstrip(".")
    return name.encode()[-200:].decode(errors="ignore") or "archive.mbz"


def record(stored: Stored, *, manifest: ManifestCopy | None = None, **facts: Any) -> StoredArchive:
    """Create the row of a stored file; `facts` are columns of StoredArchive. Raises NotFound if the file is gone.

    For a backup, call it inside the transaction that finishes the job, with `**facts_of(job)` among the facts. Without
    `manifest` the file is opened to read it, which takes as long as the file is large.
    """
    with transaction.atomic():
        if not LooseFile.objects.filter(file=stored.file).delete()[0]:
            raise NotFound(f"The stored file of {stored.title} is gone.", hint="Make the backup again.")
        archive: StoredArchive = StoredArchive.objects.create(
            file=stored.file, title=stored.title[:255], size=stored.size, sha256=stored.sha256, **facts
        )
        if manifest is None:
            with open_stored(archive) as stream:
                manifest = manifests.copied_from(stream)
        if manifest is not None:
            manifests.store(archive, manifest)
        return archive


def facts_of(job: Job) -> dict[str, Any]:
    """Return the columns of an archive that follow from the backup job that made it."""
    run = job.schedule_entry.run if job.schedule_entry else None
    return {
        "course": job.course,
        "course_title": job.course.fullname if job.course else job.title,
        "archive_type": job.archive_type,
        "item": job.item,
        "created_by": job.requested_by,
        "source": StoredArchive.Source.SCHEDULE if run else StoredArchive.Source.BACKUP,
        "schedule": run.schedule if run else None,
        "snapshot": job.started,
        "options": run.options if run else job.asked,
    }


def open_stored(archive: StoredArchive) -> BinaryIO:
    """Open the stored file for reading; the caller closes it. Raises NotFound if the storage does not have it."""
    try:
        return opened(ALIAS, archive.file)
    except FileNotFoundError as error:
        require_storage()
        raise _file_gone(archive) from error


def require_file(archive: StoredArchive) -> None:
    """Raise NotFound if the storage does not have the file of an archive."""
    if not has_file(archive):
        raise _file_gone(archive)


def has_file(archive: StoredArchive) -> bool:
    """Whether the storage has the file of an archive. Raises StorageAway if it lacks it because it is another storage."""
    with told(ALIAS):
        there = archives().exists(archive.file)
    if not there:
        require_storage()
    return there


def _file_gone(archive: StoredArchive) -> NotFound:
    return NotFound(
        f"The file of the archive {archive.title} is gone from the storage.",
        hint="Restore it from the site's own backup, or remove the archive from the list.",
    )


@contextmanager
def on_disk(file: str) -> Iterator[Path]:
    """Give the path of a stored file while the block lasts; of a copy, if the storage is not on this machine's disk."""
    try:
        path = archives().path(file)
    except NotImplementedError:
        path = ""
    if path:
        yield Path(path)
        return
    with opened(ALIAS, file) as source, tempfile.NamedTemporaryFile(prefix="archive-") as copy:
        drain(source, copy.write)
        copy.flush()
        yield Path(copy.name)


def discard(stored: Stored) -> None:
    """Remove a stored file that gets no row after all. A file that has a row is left alone."""
    # If the connection broke during a commit, only the database knows whether the row exists.
    if not StoredArchive.objects.filter(file=stored.file).exists():
        _clear(stored.file)


def remove(archive: StoredArchive) -> None:
    """Remove an archive for good: its row now, its file when the transaction commits."""
    file = archive.file
    with transaction.atomic():
        LooseFile.objects.create(file=file)
        archive.delete()
        transaction.on_commit(lambda: _clear(file))


def _clear(file: str) -> bool:
    """Delete a loose file and its note; return False, and leave the note for the sweep, if the storage refuses."""
    try:
        # Of a storage that is not mounted nothing is removed, and what is not there is not forgotten.
        require_storage()
        with told(ALIAS):
            archives().delete(file)
        with suppress(OSError):
            # The folder that was made for this file alone; another file may be in it. Storages without folders do nothing here.
            archives().delete(file.rpartition("/")[0])
    except StorageFailed as problem:
        log.warning("The stored file %s could not be removed, the sweep tries again: %s", file, problem)
        return False
    LooseFile.objects.filter(file=file).delete()
    return True


def sweep(*, now: datetime | None = None) -> list[str]:
    """Remove the files that have had no row for a day and that no job waits to look into; return their names.

    Raises StorageAway if the storage is not the site's own.

    However long an upload waits for its job, its file stays; the job itself removes it, or the sweep after the job's end.
    """
    require_storage()
    needed = Job.objects.filter(state__in=Job.OPEN, path=OuterRef("file"))
    left = LooseFile.objects.filter(~Exists(needed), since__lt=(now or database_now()) - GRACE)
    return [file for file in left.values_list("file", flat=True) if _clear(file)]


def sweep_parts() -> list[str]:
    """Remove the unfinished files that dead processes left in all storages on disks; return their names."""
    removed: list[str] = []
    for alias in sentinel.aliases():
        place = storages[alias]
        if isinstance(place, LocalStorage):
            with told(alias):
                removed += place.remove_old_parts(seconds=GRACE.total_seconds())
    return removed
