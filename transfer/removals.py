"""Removals: what is removed is stored in the recycle bin first, and stays there for some days."""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, BinaryIO, cast

from django.db import transaction

from archive.errors import NotAllowed, NotFound, UsageError
from audit.trail import record
from backup import services as backups
from backup.archive_file import write
from courses import pool, removal
from courses.capabilities import may
from courses.models import Activity, Course, Section, User
from courses.removal import Removable, course_around
from jobs import events, limits, operations, queue
from jobs.choices import Priority
from jobs.clock import database_now
from jobs.models import Job
from transfer.models import RemovedItem
from transfer.places import place_of
from transfer.transit import Part, subject_of
from vault import storage
from vault.models import StoredArchive

REMOVE: dict[str, str] = {
    "course": "moodle/course:delete",
    "section": "moodle/course:manageactivities",
    "activity": "moodle/course:manageactivities",
}
"""The capability that it takes to remove a thing of each type."""


@dataclass(slots=True)
class StoredItem:
    """An archive of the recycle bin in the storage, until its entry is made."""

    stored: storage.Stored
    archive: dict[str, Any]
    entry: dict[str, Any]

    def record(self) -> None:
        """Make the rows of the archive and the entry. Raises NotFound if the file is gone."""
        archive = storage.record(self.stored, **self.archive)
        RemovedItem.objects.create(archive=archive, **self.entry)

    def discard(self) -> None:
        """Remove the file."""
        storage.discard(self.stored)


@removal.stored_by
def store(owner: Removable, by: User | None) -> Generator[events.Event, None, StoredItem]:
    """Store all of a course, section or activity, with people and their work; yield progress. Nothing is removed here.

    The site stores it, whatever the person may take out of the course: what is removed is brought back whole.
    """
    storage.require_storage()
    archive_type = type_of(owner)
    course = course_around(owner)
    part = Part(course, archive_type, None if owner == course else owner.pk)
    subject = subject_of(part, by=None, mode="bin")
    place = place_of(owner)
    snapshot = database_now()
    with pool.in_use(), tempfile.TemporaryFile(prefix="bin-") as unnamed:
        file = cast(BinaryIO, unnamed)
        written = yield from write(file, subject, hashed=True)
        stored = storage.put(file, title=subject.name, sha256=written.sha256)
    archive = {
        "course": None if owner == course else course,
        "course_title": course.fullname,
        "archive_type": archive_type,
        "item": part.item,
        "created_by": by,
        "source": StoredArchive.Source.BIN,
        "snapshot": snapshot,
        "missing_contents": written.context.missing_contents,
        "manifest": backups.manifest_copy(written.context),
        "summary": backups.report(written.context, size=written.size),
    }
    entry = {
        "category": course.category if owner == course else None,
        "title": str(owner) if archive_type != "activity" else cast(Activity, owner).title,
        "modulename": owner.modulename if isinstance(owner, Activity) else "",
        "place": place,
        "removed_by": by,
    }
    return StoredItem(stored, archive, entry)


def type_of(owner: Removable) -> str:
    """Return the archive type of a thing: course, section or activity."""
    return {Course: "course", Section: "section", Activity: "activity"}[type(owner)]


def require_right(owner: Removable, *, by: User | None) -> None:
    """Raise NotAllowed unless a person may remove a course, section or activity; None is the site itself.

    Raises UsageError for the first section of a course.
    """
    archive_type = type_of(owner)
    if isinstance(owner, Section) and owner.number == 0:
        raise UsageError("The first section of a course stays.", hint="Remove its activities one by one.")
    if by is not None and REMOVE[archive_type] not in may(by, owner):
        raise NotAllowed(
            f"You may not remove this {archive_type}.", hint="Ask a teacher or manager of the course."
        )


def request_removal(owner: Removable, *, by: User | None, notify: bool = True, token: str = "") -> Job:
    """Check the right to remove a course, section or activity, and queue the job that does it. Raises NotAllowed."""
    require_right(owner, by=by)
    archive_type = type_of(owner)
    course = course_around(owner)
    title = course.fullname if owner == course else backups.title_of(course, archive_type, owner.pk)
    return queue.request(
        "remove",
        by=by,
        mode="bin",
        title=title,
        course=course,
        archive_type=archive_type,
        item=None if owner == course else owner.pk,
        attempts=3 if notify else 1,
        notify=notify,
        token=token,
    )


@operations.operation("remove", priority=Priority.RESTORE, uses=("archives", "pool"))
def perform(job: Job) -> Generator[events.Event, None, dict[str, Any]]:
    """Remove what the job names, after it was stored; yield events. Raises NotFound if it is gone, NotAllowed, UsageError."""
    owner = owner_of(job)
    require_right(owner, by=job.requested_by)
    result: dict[str, Any] = {"title": job.title, "kind": job.archive_type}
    if job.archive_type != "course":
        result["course_id"] = job.course_id
    yield from removal.removal(owner, by=job.requested_by, finish=lambda: queue.finish(job, result))
    return result


def owner_of(job: Job) -> Removable:
    """Return the course, section or activity that a job is about. Raises NotFound if it is gone."""
    course, item = job.course, job.item or 0
    found: Removable | None = course
    if course is not None and job.archive_type == "section":
        found = Section.objects.select_related("course").filter(course=course, pk=item).first()
    elif course is not None and job.archive_type == "activity":
        found = Activity.objects.select_related("course").filter(course=course, pk=item).first()
    if found is None:
        raise NotFound(
            f"The {job.archive_type} of this job is not there any more.",
            hint="Look whether it is in the recycle bin already.",
        )
    return found


def expires(item: RemovedItem, *, days: int | None = None) -> datetime:
    """Return when an entry of the recycle bin is removed for good. `days`: the site's limit, if it is known already."""
    return item.removed + timedelta(days=limits.value("bin_days") if days is None else days)


@transaction.atomic
def empty(items: list[RemovedItem], *, by: User | None = None) -> int:
    """Remove entries of the recycle bin with their archives for good; return how many there were.

    `by` is None for the site itself, when their time is over, and for commands.
    """
    for item in items:
        record(
            "bin-emptied",
            by=by,
            subject="archive",
            subject_id=item.archive_id,
            title=item.title,
            course=item.archive.course_id,
        )
        storage.remove(item.archive)
    return len(items)


def sweep(*, now: datetime | None = None) -> int:
    """Remove the entries that have been in the recycle bin for longer than the site's limit; return how many.

    One that a job is bringing back stays.
    """
    before = (now or database_now()) - timedelta(days=limits.value("bin_days"))
    with transaction.atomic():
        old = RemovedItem.objects.filter(removed__lt=before).select_related("archive")
        wanted = Job.objects.filter(state__in=Job.OPEN, archive__removed_item__isnull=False).values("archive")
        return empty(list(old.exclude(archive__in=wanted).select_for_update(skip_locked=True, of=("self",))))
