"""Uploads: store a file that a person sends, and look into it in a job, never in the request."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, BinaryIO

from django.db import transaction
from django.db.models import Sum

from archive.errors import ArchiveError, NotAllowed, OutOfMemory, TookTooLong, UsageError
from archive.limits import in_units
from archive.looking import Bounds, Look, begin, ended
from courses.capabilities import may_somewhere
from courses.models import User
from jobs import events, limits, operations, queue
from jobs.choices import Priority
from jobs.models import Job
from vault import storage
from vault.manifests import ManifestCopy
from vault.models import StoredArchive
from vault.storage import Stored

UPLOAD = "moodle/restore:uploadfile"
OPERATION = "upload"
TICK = 0.3
"""Seconds between two looks whether the process has ended, and whether the job was cancelled."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A file that a person sends: its name, and its size in bytes."""

    source: BinaryIO
    title: str
    size: int


def receive(sent: Sent, *, by: User, token: str = "", notify: bool = True) -> Job:
    """Store an upload and ask for a job that looks into it; nothing of it is read here.

    Raises NotAllowed without the right to upload, UsageError if it is too large.
    """
    require_right(by)
    if (there := queue.requested_before(by, token)) is not None:
        return there
    _check_size(sent.size, by)
    stored = storage.put(sent.source, title=sent.title)
    job = queue.request(
        OPERATION,
        by=by,
        title=stored.title,
        path=stored.file,
        options={"size": stored.size, "sha256": stored.sha256},
        attempts=2 if notify else 1,
        token=token,
        notify=notify,
    )
    if job.path != stored.file:
        storage.discard(stored)
    return job


def require_right(by: User) -> None:
    """Raise NotAllowed unless a person may upload archives somewhere."""
    if not may_somewhere(by, UPLOAD):
        raise NotAllowed(
            "You may not upload archives.", hint="Ask the administrator for a role that allows it."
        )


def _check_size(size: int, by: User) -> None:
    """Raise UsageError for an upload that is larger than one may be, or than the person's uploads may be together."""
    if size > (most := limits.scaled("upload")):
        raise UsageError(
            f"The file has {in_units(size)}, and the most is {in_units(most)}.",
            hint="Make an archive of a part of the course, or ask an administrator to raise the limit.",
        )
    own = StoredArchive.objects.filter(created_by=by, source=StoredArchive.Source.UPLOAD)
    there = own.aggregate(size=Sum("size"))["size"] or 0
    if there + size > (most := limits.scaled("uploads_per_person")):
        raise UsageError(
            f"Your uploads would have {in_units(there + size)} together, and the most is {in_units(most)}.",
            hint="Remove an upload that you do not need any more.",
        )


@operations.operation(OPERATION, priority=Priority.WAITING, uses=("archives",))
def look(job: Job) -> Generator[events.Event, None, dict[str, Any]]:
    """Look into an upload in a process with limits, and make its row; without success its file is removed.

    Raises ArchiveError for a file that is no archive, OutOfMemory or TookTooLong if the process needs more than it may.
    """
    stored = Stored(job.path, job.title, job.options["size"], job.options["sha256"])
    try:
        found = yield from _looked(stored)
        made = datetime.fromtimestamp(found.date, UTC) if found.date else None
        with transaction.atomic():
            archive = storage.record(
                stored,
                manifest=ManifestCopy(
                    base64.b64decode(found.manifest), found.people, found.files, found.content_bytes
                ),
                source=StoredArchive.Source.UPLOAD,
                created_by=job.requested_by,
                course_title=found.title,
                archive_type=found.archive_type,
                users=found.with_users,
                anonymized=found.anonymised,
                snapshot=made,
                summary={
                    "sections": found.sections,
                    "activities": found.activities,
                    "from": found.site,
                    "release": found.release,
                },
            )
            queue.finish(job, {"archive_id": archive.pk}, archive=archive)
    except (ArchiveError, OutOfMemory, TookTooLong):
        storage.discard(stored)
        raise
    return {"archive_id": archive.pk}


def _looked(stored: Stored) -> Generator[events.Event, None, Look]:
    """Yield progress while a process looks into a stored file; return what it has found."""
    bounds = Bounds(
        memory=limits.scaled("look_memory"),
        seconds=limits.scaled("job_minutes"),
        limits=limits.of_archives(),
    )
    with storage.on_disk(stored.file) as path:
        process = begin(path, bounds)
        try:
            while True:
                yield events.Progress("Look into the file", 0, 1)
                try:
                    return ended(process, within=TICK)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            process.kill()
            process.wait()
