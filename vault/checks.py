"""Checking: a stored archive read from end to end by a worker, so that one knows before it is needed."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

from django.db import transaction
from django.utils import timezone

from archive.container import open_archive
from archive.errors import ArchiveError, NotAllowed, NotFound
from archive.findings import Finding
from archive.verify import finding_of, verify
from courses.models import User
from jobs import events, operations, queue
from jobs.models import Job
from vault import catalogue, storage
from vault.models import StoredArchive

MEMBERS = "Read every member"
CONTENT = "Follow the references"


def request_check(archive: StoredArchive, *, by: User) -> Job:
    """Put the check of an archive in the queue. Raises NotAllowed."""
    if not catalogue.access(by, [archive])[archive.pk].restore:
        raise NotAllowed("You may not check this archive: checking takes the right to restore it.")
    return queue.request(
        "verify",
        by=by,
        title=archive.course_title or archive.title,
        course=archive.course,
        archive_type=archive.archive_type,
        archive=archive,
    )


@operations.operation("verify")
def perform(job: Job) -> Generator[events.Event, None, dict[str, Any]]:
    """Read the archive, tell what is wrong with it, and write down when it was checked and how it stands."""
    archive = job.archive
    if archive is None:
        raise NotFound("The archive of this job is not there any more.")
    errors = 0
    for event in _events(archive):
        if isinstance(event, Finding):
            errors += event.level == "error"
        yield event
    with transaction.atomic():
        StoredArchive.objects.filter(pk=archive.pk).update(verified=timezone.now(), verify_errors=errors)
        result: dict[str, Any] = {"errors": errors}
        queue.finish(job, result)
    return result


def _events(archive: StoredArchive) -> Iterator[events.Event]:
    """The progress and the findings of one check. An archive that cannot even be opened is one finding."""
    read = 0

    def advance(size: int) -> None:
        nonlocal read
        read += size

    yield events.Progress(MEMBERS, 0, None)
    try:
        with storage.open_stored(archive) as stream, open_archive(stream, name=archive.title) as opened:
            total = opened.unpacked_size or None
            for finding in verify(opened, progress=advance):
                yield events.Progress(MEMBERS, min(read, total or read), total)
                yield finding
            yield events.Progress(CONTENT, total or 1, total or 1)
    except ArchiveError as error:
        yield finding_of(error)
