"""The outcome of chaos: every job has ended, nothing is lost, what is called good is good, and the storages are consistent."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db.models import Count
from django.utils import timezone

from archive.container import open_archive
from archive.errors import CoursekeepError
from archive.streams import drain
from archive.verify import verify
from courses import pool
from courses.models import Course
from courses.models.files import EMPTY, File
from courses.signing import signer
from demo.chaos.work import open_jobs, persistent
from jobs.models import Job
from vault import storage, unrecorded_archives
from vault.models import LooseFile, ScheduleRun, StoredArchive

SECONDS_FOR_ALL = 240.0
"""Seconds in which all open jobs must have ended once nothing disturbs them any more."""

COURSES = ("restore", "copy")


def wait_for_jobs() -> None:
    """Wait until no job is open, or until they have had their time."""
    until = time.monotonic() + SECONDS_FOR_ALL
    while time.monotonic() < until and (persistent(open_jobs) or persistent(_open_runs)):
        time.sleep(0.5)


def _open_runs() -> int:
    return ScheduleRun.objects.filter(finished=None).count()


def jobs_table() -> list[tuple[str, str, str, int]]:
    """Return how many jobs ended how: operation, state, code of the error, number."""
    rows = Job.objects.order_by("operation", "state", "error_code")
    return list(rows.values_list("operation", "state", "error_code").annotate(number=Count("pk")))


def faults(samples: Sequence[int]) -> Iterator[str]:
    """Yield each fault of the site as a sentence; none if it is as it should be. `samples` are the ids of its first courses."""
    yield from _jobs()
    yield from _courses(samples)
    yield from _archives(samples)
    yield from _contents()
    yield from _left_over()


def _jobs() -> Iterator[str]:
    for job in Job.objects.filter(state__in=Job.OPEN):
        yield f"Job {job.pk} ({job.operation}) has not ended: it is {job.state}, attempt {job.attempts}."
    if runs := _open_runs():
        yield f"{runs} runs of schedules have not ended."
    for job in Job.objects.filter(operation="backup", state="succeeded", archive=None, schedule_entry=None):
        yield f"Job {job.pk} made an archive, and there is none."


def _courses(samples: Sequence[int]) -> Iterator[str]:
    made = Job.objects.filter(operation__in=COURSES, state="succeeded")
    named = {job.result["course_id"] for job in made}
    there = set(Course.objects.values_list("pk", flat=True)) - set(samples)
    for course in sorted(there - named):
        yield f"Course {course} is there, and no job that succeeded made it."
    for course in sorted(named - there):
        yield f"Course {course} was restored, and is not there."
    if len(named) != made.count():
        yield "Two jobs made the same course."


def _archives(samples: Sequence[int]) -> Iterator[str]:
    jobs = Job.objects.filter(operation="backup", state="succeeded", schedule_entry=None).count()
    made = StoredArchive.objects.filter(source=StoredArchive.Source.BACKUP).count()
    if jobs != made:
        yield f"{jobs} backups succeeded, and there are {made} archives of them."
    files = {pk: File.objects.filter(course=pk).exclude(filename=".").count() for pk in samples}
    for archive in StoredArchive.objects.select_related("manifest").order_by("pk"):
        errors = errors_of(archive)
        if errors and archive.good:
            yield f"Archive {archive.pk} is called good, and is not: {errors[0]}"
        whole = archive.users and not archive.anonymized
        if archive.good and whole and archive.manifest.files < files.get(archive.course_id or 0, 0):
            yield f"Archive {archive.pk} is called good, and lacks files: {archive.manifest.files}."


def errors_of(archive: StoredArchive) -> list[str]:
    """Return what is wrong with a stored archive, as sentences."""
    try:
        with storage.open_stored(archive) as stream:
            digest = hashlib.sha256()
            size = drain(stream, digest.update)
        if (size, digest.hexdigest()) != (archive.size, archive.sha256):
            return ["The file is not the one that was stored."]
        with storage.open_stored(archive) as stream, open_archive(stream) as opened:
            found = verify(opened, signer=signer())
            return [finding.sentence() for finding in found if finding.level == "error"]
    except CoursekeepError as error:
        return [error.sentence()]


def _contents() -> Iterator[str]:
    hashes = (
        File.objects.exclude(contenthash__in=["", EMPTY]).order_by().values_list("contenthash", flat=True)
    )
    for sha1 in hashes.distinct():
        if not pool.is_whole(sha1):
            yield f"The content {sha1} is {'damaged' if pool.exists(sha1) else 'gone'}, and a file has it."


def _left_over() -> Iterator[str]:
    """Sweep as if a day had passed, and yield a fault for each file that is left and belongs to nothing."""
    storage.sweep(now=timezone.now() + timedelta(days=2))
    for file in unrecorded_archives.find():
        yield f"The file {file} is in the storage of archives, and no row names it."
    for loose in LooseFile.objects.all():
        yield f"The file {loose.file} could not be swept."
    for shard in range(pool.SHARDS):
        pool.sweep(shard)
    named = set(File.objects.values_list("contenthash", flat=True))
    folder = Path(pool.storage().path(""))
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        # At the top and in folders with a dot is what belongs to the storage itself.
        if path.is_file() and len(parts) > 1 and not parts[0].startswith(".") and path.name not in named:
            yield f"The file {'/'.join(parts)} is in the pool, and is no content of a file."


def unfinished() -> dict[str, int]:
    """Return how many unfinished files are left, by folder: they wait for their sweep, which gives them time."""
    home = Path(settings.COURSEKEEP_HOME)
    folders = {
        "archives": home / "archives" / ".parts",
        "pool": home / "files" / ".parts",
        "spool": home / "spool",
    }
    return {
        name: sum(path.is_file() for path in folder.rglob("*"))
        for name, folder in folders.items()
        if folder.exists()
    }
