"""Write the archive of a course, section or activity into a file, from one snapshot of the database."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from archive.errors import DamagedContent
from archive.writer import ArchiveWriter, packing_named
from backup import anonymise
from backup.context import BackupContext
from backup.plan import build
from courses import cursors, pool, sentinel
from courses.models import Course
from courses.models.files import EMPTY
from jobs import events
from jobs.plan import execute
from selection.selection import Selection

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ArchiveSubject:
    """The content of an archive to write: a course or its section or activity `item`, and what of it is selected.

    `name` is the file name in the manifest, `date` in epoch seconds.
    """

    course: Course
    item: int | None
    selection: Selection
    name: str
    date: int


@dataclass(frozen=True, slots=True)
class Written:
    """An archive that was written, `size` in bytes; `unchanged` is the result of a backup that stores none.

    `sha256` is the digest of the file, "" if it was not asked for.
    """

    context: BackupContext
    size: int = 0
    sha256: str = ""
    unchanged: dict[str, Any] | None = None


def write(
    target: Path | BinaryIO,
    subject: ArchiveSubject,
    *,
    unchanged: Callable[[BackupContext], dict[str, Any] | None] | None = None,
    hashed: bool = False,
) -> Generator[events.Event, None, Written]:
    """Write an archive to a path or an empty seekable file, from one snapshot; yield events. Call it in `pool.in_use()`.

    `unchanged` is asked before the archive is packed; with a result nothing is packed. Contents that are damaged in the pool
    are left out: the archive is made again without their files. With `hashed` the digest of the file is computed on the way.
    """
    damaged: frozenset[str] = frozenset()
    backup_id = uuid.uuid4().hex
    container = packing_named(subject.selection.settings.text("container"))
    while True:
        with ArchiveWriter(
            target, date=subject.date, container=container, threads=pool.threads(), hashed=hashed
        ) as writer:
            context = BackupContext(
                subject.course,
                subject.item,
                subject.selection,
                writer,
                subject.date,
                backup_id,
                subject.name,
                damaged=damaged,
            )
            if subject.selection.anonymous:
                anonymise.make_table()
            yield from execute((build(), cursors.snapshot()), state=context)
            if unchanged is not None:
                yield events.Progress("Compare with the last archive", 1, 1, context.records)
                if (result := unchanged(context)) is not None:
                    return Written(context, unchanged=result)
            yield events.Progress("Pack the archive", 1, 1, context.records)
            try:
                packed = writer.finish()
                return Written(context, packed.size, packed.sha256)
            except DamagedContent as error:
                damaged |= _damaged_contents(writer, error)
                if not isinstance(target, Path):
                    target.seek(0)
                    target.truncate()


def _damaged_contents(writer: ArchiveWriter, error: DamagedContent) -> frozenset[str]:
    """Return the SHA-1s of the contents of an archive that are damaged in the pool: all of them, as one was found.

    The backup is then made again without their files. Writes an error to the server's log. Raises StorageAway if it is the
    pool that is away.
    """
    sentinel.require(pool.ALIAS)
    names = (path.rpartition("/")[2] for path in writer.paths if path.startswith("files/"))
    found = pool.damaged(name for name in names if name != EMPTY) | {error.sha1}
    log.error("Contents in the pool are damaged: %s", ", ".join(sorted(found)))
    return frozenset(found)
