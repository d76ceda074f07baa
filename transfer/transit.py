"""Transit: back up a course or a part of it and restore that at once, through a file that has no name.

The file is gone when the process ends, however it ends. The modes that pass by here leave the contents of files out of it: the
pool of the site has them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, BinaryIO, TypeVar, cast

from archive.container import open_archive
from archive.limits import OWN
from archive.manifest import archive_type_named
from backup import services as backups
from backup.archive_file import ArchiveSubject, write
from courses import pool
from courses.models import Course, User
from jobs import events
from jobs.models import Job
from jobs.plan import Step
from restore import services as restores
from restore.context import RestoreContext
from restore.request import RestoreRequest
from selection.option import Mode, mode_named
from selection.selection import Selection

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Part:
    """A course, or the section or activity `item` of it, with the options of its backup."""

    course: Course
    archive_type: str = "course"
    item: int | None = None
    options: Mapping[str, str] | None = None


def subject_of(part: Part, *, by: User | None, mode: Mode, right: str = "") -> ArchiveSubject:
    """Return the content of an archive of a part, for a person with these rights. Raises as `resolve_options` does."""
    settings = backups.resolve_options(
        part.course,
        by=by,
        archive_type=part.archive_type,
        item=part.item,
        options=part.options or {},
        mode=mode,
        right=right,
    )
    now = datetime.now(UTC)
    selection = Selection(settings, "backup", archive_type_named(part.archive_type))
    name = backups.name_of(part.course, part.archive_type, part.item, selection, now)
    return ArchiveSubject(part.course, part.item, selection, name, int(now.timestamp()))


def transit(
    job: Job,
    part: Part,
    *,
    target: Mapping[str, Any],
    options: Mapping[str, str],
    rights: tuple[str, str] = ("", ""),
    more: tuple[Step[RestoreContext], ...] = (),
) -> Generator[events.Event, None, dict[str, Any]]:
    """Restore a part into a target with the rights of who asked for the job; yield events, return the restore's result.

    `rights` are the capabilities that a backup and a restore take instead of their own. Raises as both operations do.
    """
    by, mode = job.requested_by, mode_named(job.mode)
    subject = subject_of(part, by=by, mode=mode, right=rights[0])
    with pool.in_use(), tempfile.TemporaryFile(prefix="transit-") as unnamed:
        file = cast(BinaryIO, unnamed)
        yield from _half(0, write(file, subject))
        file.seek(0)
        with open_archive(file, name=subject.name, limits=OWN) as archive:
            context = restores.prepare(
                archive, RestoreRequest("", by, target, options, mode, right=rights[1])
            )
            return (yield from _half(1, restores.carry_out(job, context, more=more)))


def _half(number: int, steps: Generator[events.Event, None, Result]) -> Generator[events.Event, None, Result]:
    """Yield the events of the first (0) or the second half (1) of an operation, with their progress in the whole."""

    def in_whole(event: events.Event) -> events.Event:
        if isinstance(event, events.Progress) and event.total:
            done = event.done + number * event.total
            return events.Progress(event.step, done, 2 * event.total, event.records)
        return event

    try:
        event = next(steps)
        while True:
            try:
                yield in_whole(event)
            except BaseException as error:
                # A cancellation, for instance: the steps undo what they did.
                steps.throw(error)
                raise
            event = next(steps)
    except StopIteration as end:
        result: Result = end.value
        return result
