"""The public functions of backups: request one, resolve its options, perform it."""

from __future__ import annotations

import os
import re
import tempfile
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max, Sum

from archive.container import open_archive
from archive.errors import NotAllowed, NotFound
from archive.faults import failure_of, is_of_disk
from archive.findings import Finding
from archive.limits import OWN
from archive.manifest import archive_type_named
from archive.users import USERS
from backup import leaks
from backup.archive_file import ArchiveSubject, Written, write
from backup.context import BackupContext
from courses import pool
from courses.capabilities import EVERYTHING, may
from courses.local_storage import sync_file
from courses.models import Activity, Course, File, Section, User
from courses.services import course_tree
from jobs import events, operations, queue, spool
from jobs.models import Job
from selection.defaults import absent_content, site_defaults
from selection.items import items_of_course
from selection.option import Mode, mode_named
from selection.resolution import resolve
from selection.selection import Selection
from selection.settings import Item, Settings
from vault import schedules, storage
from vault.manifests import ManifestCopy
from vault.models import StoredArchive

PART = re.compile(r"\.coursekeep-\w+?\.(.+?)\.part(?:\.\d+\.part)?")
"""The name of an unfinished archive, with that of the process that writes it."""


def request_backup(
    course: Course,
    *,
    by: User | None,
    archive_type: str = "course",
    item: int | None = None,
    options: Mapping[str, Any] | None = None,
    path: str = "",
    notify: bool = True,
    token: str = "",
    mode: Mode = "general",
) -> Job:
    """Check the rights and options of a backup and put it in the queue.

    `item` is the id of the section or activity if `archive_type` is one of these; `path` is a file to write instead of a stored
    archive. `mode` is what the backup is for, which decides its defaults and locks. Raises NotAllowed, UsageError, NotFound.
    """
    asked = {name: str(value) for name, value in (options or {}).items()}
    settings = resolve_options(course, by=by, archive_type=archive_type, item=item, options=asked, mode=mode)
    return queue.request(
        "backup",
        by=by,
        title=title_of(course, archive_type, item),
        course=course,
        archive_type=archive_type,
        item=item,
        options=settings.as_asked(),
        asked=asked,
        path=path,
        attempts=3 if notify else 1,
        notify=notify,
        token=token,
        mode=mode,
    )


def resolve_options(
    course: Course,
    *,
    by: User | None,
    archive_type: str = "course",
    item: int | None = None,
    options: Mapping[str, Any],
    mode: Mode = "general",
    strict: bool = True,
    right: str = "",
    items: Sequence[Item] | None = None,
) -> Settings:
    """Return every option of a backup with its value and lock. `items` are those of `items_of`, if they are known already.

    Raises NotAllowed if `by` may not make this backup; None is the site itself, which may do everything. `right` is the
    capability that it takes instead of that of its archive type. If `strict`, also raises UsageError or NotAllowed for
    options that cannot have the value that was asked for.
    """
    held = EVERYTHING if by is None else may(by, place_of(course, archive_type, item))
    if (right or f"moodle/backup:backup{archive_type}") not in held:
        raise no_right(archive_type)
    return resolve(
        dict(options),
        operation="backup",
        archive_type=archive_type_named(archive_type),
        may=held,
        site=site_defaults("backup", mode=mode),
        mode=mode,
        absent=absent_content(),
        items=items_of(course, archive_type, item) if items is None else items,
        strict=strict,
    )


def items_of(course: Course, archive_type: str, item: int | None) -> list[Item]:
    """Return the sections and activities that a backup of a course, or of one section or activity of it, can have."""
    only = {"section": f"section_{item}", "activity": _folder(item)}.get(archive_type, "")
    return items_of_course(course_tree(course), only=only)


def no_right(archive_type: str) -> NotAllowed:
    """Return the error for who may not make a backup of a course, section or activity."""
    return NotAllowed(
        f"You may not back up this {archive_type}.", hint="Ask a teacher or manager of the course."
    )


def place_of(course: Course, archive_type: str, item: int | None) -> Course | Activity:
    """Return the course or activity whose capabilities a backup needs: the activity for an activity, as in Moodle."""
    activity = (
        Activity.objects.filter(course=course, pk=item or 0).first() if archive_type == "activity" else None
    )
    return activity or course


def title_of(course: Course, archive_type: str, item: int | None) -> str:
    """Return the title of a backup: the name of the course, section or activity. Raises NotFound if there is none."""
    if archive_type == "course":
        return str(course.fullname)
    model = Section if archive_type == "section" else Activity
    found = model._default_manager.filter(course=course, pk=item or 0).first()
    if found is None:
        raise NotFound(
            f"Course {course.pk} has no {archive_type} {item}.",
            hint="Look at the course's page for its numbers.",
        )
    return f"{course.fullname}: {found}"


def _folder(item: int | None) -> str:
    """Return the folder of an activity, `forum_7`; `activity_7` if there is no such activity."""
    activity = Activity.objects.filter(pk=item or 0).first()
    return f"{activity.modulename}_{activity.pk}" if activity else f"activity_{item}"


@operations.operation("backup", uses=("archives", "pool"))
def perform(job: Job) -> Generator[events.Event, None, dict[str, Any]]:
    """Perform a backup job from one snapshot of the database; yield its events and return its result.

    Of a schedule that skips unchanged courses, no archive is stored if the last one has the same content. The rights are
    checked again. Raises NotFound if the course is gone, NotAllowed.
    """
    course = job.course
    if course is None:
        raise NotFound("The course of this job is not there any more.")
    if not job.path:
        storage.require_storage()
    now = datetime.now(UTC)
    settings = resolve_options(
        course,
        by=job.requested_by,
        archive_type=job.archive_type,
        item=job.item,
        # Those of a schedule were asked for without a look into the course: each attempt resolves them for the course as it is.
        options=job.options if job.schedule_entry_id is None else job.asked,
        mode=mode_named(job.mode),
    )
    if job.schedule_entry_id is not None:
        queue.mine(job).update(options=settings.as_asked())
    selection = Selection(settings, "backup", archive_type_named(job.archive_type))
    name = settings.text("filename") or name_of(course, job.archive_type, job.item, selection, now)
    yield from _userdata_withheld(settings, course)
    with pool.in_use(), _target(job) as target:
        spool.require(content_bytes(course, selection), at=target.parent)
        subject = ArchiveSubject(course, job.item, selection, name, int(now.timestamp()))
        unchanged = partial(_end_unchanged, job) if job.schedule_entry is not None else None
        written = yield from write(target, subject, unchanged=unchanged, hashed=not job.path)
        if written.unchanged is not None:
            return written.unchanged
        context = written.context
        result = report(context, size=written.size)
        if context.hides_people:
            result["leaks"] = yield from _scan(context, target)
        _store(job, target, name, written, result)
    return result


def _scan(context: BackupContext, target: Path) -> Generator[events.Event, None, dict[str, object]]:
    """Search the finished archive for details of the course's people; yield findings and return the report's part."""
    found: Counter[leaks.Leak] = Counter()
    done = 0
    with open_archive(target, limits=OWN) as archive:
        for size in leaks.search(archive, context.known, found, people=context.course_people):
            done += size
            yield events.Progress("Look for details of people", done, archive.unpacked_size, context.records)
    yield from leaks.findings(found)
    return leaks.summary(found, details=len(context.known.details))


def _userdata_withheld(settings: Settings, course: Course) -> Iterator[Finding]:
    """Yield a finding if people stay away because the person who asked for the backup may not take them."""
    if settings["users"].withheld:
        yield Finding(
            "warning",
            "userdata-withheld",
            f"The archive is without people and their work: whoever asked for it may not take them from “{course.fullname}”.",
            hint="Ask a manager of the course for a backup with people and their work.",
        )


@contextmanager
def _target(job: Job) -> Iterator[Path]:
    """Yield a temporary file to write; it is beside the job's path, if there is one, so that it can replace that file."""
    folder = Path(job.path).absolute().parent if job.path else None
    if folder is not None and not folder.is_dir():
        raise NotFound(f"There is no folder {folder} to write to.", hint="Make it first.")
    if folder is not None:
        _remove_old_parts(folder)
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=".coursekeep-", suffix=f".{spool.owner()}.part")
    os.close(descriptor)
    try:
        yield Path(name)
    except OSError as error:
        if is_of_disk(error) and not error.filename:
            raise failure_of(error, where=f"the folder {Path(name).parent}") from error
        raise
    finally:
        Path(name).unlink(missing_ok=True)


def _remove_old_parts(folder: Path) -> None:
    """Remove the unfinished archives that killed processes of this machine left in a folder."""
    for path in folder.glob(".coursekeep-*.part"):
        found = PART.fullmatch(path.name)
        if found is not None and spool.is_dead(found[1]):
            path.unlink(missing_ok=True)


def content_bytes(course: Course, selection: Selection) -> int:
    """Return the bytes of the contents of a course's files, each counted once; 0 if they stay away."""
    if not selection.allows("files"):
        return 0
    sizes = File.objects.filter(course=course).values("contenthash").annotate(size=Max("filesize"))
    found: int | None = sizes.aggregate(total=Sum("size"))["total"]
    return found or 0


def _end_unchanged(job: Job, context: BackupContext) -> dict[str, Any] | None:
    """Finish a scheduled job whose content is stored already, with that archive, and return its result; else None."""
    with transaction.atomic():
        same = schedules.archive_with(context.content_digest, job)
        if same is None:
            return None
        result = {**report(context, size=same.size), "unchanged": True, "archive_id": same.pk}
        queue.finish(job, result, archive=same)
    return result


def _store(job: Job, target: Path, name: str, written: Written, result: dict[str, Any]) -> None:
    """Store the complete archive, or move it to the job's path, and finish the job in the same transaction."""
    if job.path:
        result["file"] = job.path
        sync_file(target)
        with transaction.atomic():
            queue.finish(job, result)
            target.replace(job.path)
            sync_file(Path(job.path))
        return
    context = written.context
    stored = storage.put(target, title=name, move=True, sha256=written.sha256)
    try:
        with transaction.atomic():
            archive: StoredArchive = storage.record(
                stored,
                manifest=manifest_copy(context),
                users=context.selection.people,
                anonymized=context.selection.anonymous,
                userdata_withheld=result["userdata_withheld"],
                missing_contents=context.missing_contents,
                content_digest=context.content_digest,
                summary=result,
                **storage.facts_of(job),
            )
            result["archive_id"] = archive.pk
            queue.finish(job, result, archive=archive)
    except IntegrityError as error:
        storage.discard(stored)
        if Course.objects.filter(pk=result["course_id"]).exists():
            raise
        raise NotFound("The course was deleted while it was backed up; no archive was made.") from error
    except BaseException:
        storage.discard(stored)
        raise


def manifest_copy(context: BackupContext) -> ManifestCopy:
    """Return the copy of the manifest that is stored beside the row of an archive."""
    people = context.people if USERS in context.writer.paths else None
    return ManifestCopy(context.manifest, people, context.files, context.content_bytes)


def name_of(course: Course, archive_type: str, item: int | None, selection: Selection, now: datetime) -> str:
    """Return the file name of an archive for which nobody chose one."""
    activity = Activity.objects.filter(pk=item or 0).first() if archive_type == "activity" else None
    section = Section.objects.filter(pk=item or 0).first() if archive_type == "section" else None
    title = (
        f"{activity.modulename}{activity.pk}" if activity else str(section) if section else course.shortname
    )
    return storage.title_for(
        archive_type,
        item or course.pk,
        title,
        made=now,
        users=selection.people,
        anonymized=selection.anonymous,
    )


def report(context: BackupContext, *, size: int) -> dict[str, Any]:
    """Return the result of a backup, as the job stores it."""
    return {
        "course_id": context.course.pk,
        "kind": context.archive_type,
        "records": context.records,
        "files": context.files,
        "contents": context.contents,
        "people": context.people,
        "texts": context.selection.allows("texts"),
        "file_bytes": context.content_bytes,
        "activities": len(context.content.activities),
        "sections": len(context.content.sections),
        "size": size,
        "missing_contents": context.missing_contents,
        "userdata_withheld": context.selection.settings["users"].withheld,
    }
