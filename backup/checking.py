"""Checking: a stored archive read from end to end by a worker, so that one knows before it is needed."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from django.db import transaction
from django.utils import timezone

from backup import catalogue, jobs, storage
from backup.archive.container import open_archive
from backup.archive.verify import finding_of, verify
from backup.errors import ArchiveError, NotAllowed, NotFound
from backup.findings import Finding
from backup.models import Archive, Job
from courses.models import User

MEMBERS = "Read every member"
CONTENT = "Follow the references"


def request_check(archive: Archive, *, by: User) -> Job:
    """Put the check of an archive in the queue. Raises NotAllowed."""
    if not catalogue.access(by, [archive])[archive.pk].restore:
        raise NotAllowed("You may not check this archive: checking takes the right to restore it.")
    return jobs.request(
        "verify",
        by=by,
        title=archive.course_title or archive.title,
        course=archive.course,
        kind=archive.kind,
        archive=archive,
    )


@jobs.operation("verify")
def perform(job: Job) -> Generator[jobs.Event, None, dict[str, Any]]:
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
        Archive.objects.filter(pk=archive.pk).update(verified=timezone.now(), verify_errors=errors)
        result: dict[str, Any] = {"errors": errors}
        jobs.settle(job, result)
    return result


def _events(archive: Archive) -> jobs.Steps:
    """The progress and the findings of one check. An archive that cannot even be opened is one finding."""
    read = 0

    def advance(size: int) -> None:
        nonlocal read
        read += size

    yield jobs.Progress(MEMBERS, 0, None)
    try:
        with storage.open_stored(archive) as stream, open_archive(stream, name=archive.title) as opened:
            total = opened.unpacked_size or None
            for finding in verify(opened, progress=advance):
                yield jobs.Progress(MEMBERS, min(read, total or read), total)
                yield finding
            yield jobs.Progress(CONTENT, total or 1, total or 1)
    except ArchiveError as error:
        yield finding_of(error)
