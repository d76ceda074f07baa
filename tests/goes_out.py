"""The check after each test: every course that the test has restored is backed up, and the archive verified.

`tests/conftest.py` calls `check`. An archive is looked at once in a test run, by the SHA-256 of the file, its options and its
target; all processes of the run share that. A large one takes seconds: of those with the same title, options, target and paths
of members, whatever their records are, one is looked at. Restores by other processes (a worker) are not seen.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import pytest

from archive.container import open_archive
from archive.errors import ArchiveError, CoursekeepError
from archive.integrity import is_content
from archive.manifest import read_manifest
from archive.streams import drain
from archive.verify import verify
from backup.services import request_backup
from courses.models import Course
from jobs import operations, runner
from jobs.models import Job
from vault import storage

WAYS: dict[str, dict[str, str]] = {
    "with people": {},
    "without people": {"users": "0"},
    "anonymous": {"anonymize": "1"},
}
LARGE = 1024 * 1024
"""Bytes of an archive from which on it takes seconds to look at."""

MARKER = "stays_in"
"""The marker of tests whose courses cannot go out, each with its `reason`."""


class Arrival(NamedTuple):
    """A restore that succeeded: the hash of its archive with its choices, the name of the archive, and the course."""

    key: str
    name: str
    course: int


_arrivals: list[Arrival] = []


def watch_restores() -> None:
    """Note every restore that succeeds in this process from now on."""
    perform = operations.operations["restore"]
    if getattr(perform, "watched", False):
        return

    def watched(job: Job) -> Generator[Any, None, dict[str, Any] | None]:
        key = _key(job)
        result = yield from perform(job)
        _arrivals.append(Arrival(key, job.title, (result or {})["course_id"]))
        return result

    watched.watched = True  # type: ignore[attr-defined]
    operations.operations["restore"] = watched


def _key(job: Job) -> str:
    """Return the SHA-256 of a restore's archive and choices."""
    choices = sorted(job.asked.items()), sorted(job.target), job.requested_by_id is None
    digest = hashlib.sha256(repr(choices).encode())
    if job.archive is not None:
        with storage.open_stored(job.archive) as stream:
            digest.update(_identity_of(stream))
    elif job.path and Path(job.path).is_file():
        with Path(job.path).open("rb") as stream:
            digest.update(_identity_of(stream))
    return digest.hexdigest()


def _identity_of(stream: BinaryIO) -> bytes:
    """Return the SHA-256 of an archive's file; of a large archive, that of its title, options and paths."""
    if stream.seek(0, os.SEEK_END) >= LARGE:
        with suppress(ArchiveError):
            return _identity_of_members(stream)
    stream.seek(0)
    digest = hashlib.sha256()
    drain(stream, digest.update)
    return digest.digest()


def _identity_of_members(stream: BinaryIO) -> bytes:
    """Return the SHA-256 of an archive's title, type, options, and paths of members.

    Digits are removed from the paths, as they are ids, except from those of contents. Raises ArchiveError for an archive that
    cannot be read.
    """
    stream.seek(0)
    with open_archive(stream, contents=False) as archive:
        manifest = read_manifest(archive)
        settings = [
            (one.name, one.value)
            for one in manifest.settings
            if one.level == "root" and one.name != "filename"
        ]
        facts = manifest.original_course_fullname, manifest.archive_type, settings
        paths = sorted(path if is_content(path) else without_digits(path) for path in archive.members)
    return hashlib.sha256(repr((facts, paths)).encode()).digest()


def without_digits(text: str) -> str:
    """Return a text without its digits."""
    return "".join(each for each in text if not each.isdigit())


def check(item: pytest.Item) -> None:
    """Back up and verify every course that the test has restored and left there. Fails the test if one does not go out."""
    arrivals = list(_arrivals)
    _arrivals.clear()
    if item.get_closest_marker(MARKER) is not None:
        return
    for arrival in arrivals:
        course = Course.objects.filter(pk=arrival.course).first()
        if course is not None and _is_first(arrival.key):
            for way, options in WAYS.items():
                if problems := _problems(course, options):
                    pytest.fail(
                        f"“{arrival.name}” came in and does not go out {way}: {problems}", pytrace=False
                    )


def forget() -> None:
    """Forget the restores so far."""
    _arrivals.clear()


def _is_first(key: str) -> bool:
    """Whether no process of the run has looked at this archive yet; it counts as looked at from now on."""
    folder = Path(os.environ["COURSEKEEP_TEST_HOME"]) / "went-out"
    folder.mkdir(exist_ok=True)
    try:
        (folder / key).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _problems(course: Course, options: dict[str, str]) -> list[str]:
    """Return why a course cannot be backed up with these options, or what is wrong with the archive, as sentences."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "out.mbz"
        job = request_backup(course, by=None, options=options, path=str(path), notify=False)
        try:
            runner.run(job.pk, raising=True)
        except CoursekeepError as error:
            return [error.sentence()]
        finally:
            Job.objects.filter(pk=job.pk).delete()
        with open_archive(path) as archive:
            return [finding.sentence() for finding in verify(archive) if finding.level != "info"]
