"""Checks: a worker reads a stored archive from end to end, so that damage is noticed before the archive is needed."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any, BinaryIO

from django.db import transaction
from django.db.models.functions import Now

from archive.container import open_archive
from archive.errors import ArchiveError, NotAllowed, NotFound
from archive.findings import Finding
from archive.streams import HashedStream, drain
from archive.verify import finding_of, verify
from courses.models import User
from courses.signing import signer
from jobs import events, limits, operations, queue
from jobs.choices import Priority
from jobs.models import Job
from vault import catalogue, storage
from vault.models import StoredArchive

FILE = "Compare the file with what was stored"
MEMBERS = "Read every member"
CONTENT = "Follow the references"


def request_check(archive: StoredArchive, *, by: User | None, token: str = "", notify: bool = True) -> Job:
    """Queue the check of an archive. `by` is None for the site itself. Raises NotAllowed.

    A command that runs the job in its own process passes `notify=False`.
    """
    if by is not None and not catalogue.access(by, [archive])[archive.pk].restore:
        raise NotAllowed("You may not check this archive: checking takes the right to restore it.")
    return queue.request(
        "verify",
        by=by,
        title=archive.course_title or archive.title,
        course=archive.course,
        archive_type=archive.archive_type,
        archive=archive,
        token=token,
        notify=notify,
        attempts=3 if notify else 1,
    )


@operations.operation("verify", priority=Priority.VERIFICATION, uses=("archives",))
def perform(job: Job) -> Generator[events.Event, None, dict[str, Any]]:
    """Verify the job's archive, yield progress and findings, and record the time and the number of errors."""
    archive = job.archive
    if archive is None:
        raise NotFound("The archive of this job is not there any more.")
    errors = 0
    for event in _events(archive):
        if isinstance(event, Finding):
            errors += event.level == "error"
        yield event
    with transaction.atomic():
        StoredArchive.objects.filter(pk=archive.pk).update(verified=Now(), verify_errors=errors)
        result: dict[str, Any] = {"errors": errors}
        queue.finish(job, result)
    return result


def _events(archive: StoredArchive) -> Iterator[events.Event]:
    """Yield the progress and the findings of one check. An archive that is gone or cannot be opened gives a finding."""
    read = 0

    def advance(size: int) -> None:
        nonlocal read
        read += size

    yield events.Progress(FILE, 0, None)
    try:
        with storage.open_stored(archive) as stream:
            yield from _changed_file(archive, stream)
        yield events.Progress(MEMBERS, 0, None)
        with (
            storage.open_stored(archive) as stream,
            open_archive(stream, name=archive.title, limits=limits.of_archives()) as opened,
        ):
            total = opened.unpacked_size or None
            for finding in verify(opened, signer=signer(), progress=advance):
                yield events.Progress(MEMBERS, min(read, total or read), total)
                yield finding
            yield events.Progress(CONTENT, total or 1, total or 1)
    except (ArchiveError, NotFound) as error:
        yield finding_of(error)


def _changed_file(archive: StoredArchive, stream: BinaryIO) -> Iterator[Finding]:
    """Yield an error if the stored file has another size or SHA-256 than the file that was stored."""
    hashed = HashedStream(stream)
    size = drain(hashed)
    if size == archive.size and hashed.digest.hexdigest() == archive.sha256:
        return
    what = (
        f"it has {size} bytes instead of {archive.size}" if size != archive.size else "its SHA-256 is another"
    )
    yield Finding(
        "error",
        "changed-file",
        f"The file in the storage is not the one that was stored: {what}.",
        place=archive.file,
        hint="Bring the file back from a backup of the storage, or back up the course again.",
    )
