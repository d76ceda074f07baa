"""The demonstration: make a course, back it up through a worker, restore it as a new one, and compare the two.

Ids of what it made are stored in `demo.json` in the site's home folder, so that a second run makes nothing twice.
"""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import chain, count
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm

from archive.comparison.compare import Comparison, compare
from archive.errors import CoursekeepError
from backup import services as backups
from courses import services as courses
from courses.models import Course, Role, RoleAssignment, User
from demo.samples import SIZES, make_sample
from jobs import queue
from jobs.models import Job
from restore import services as restores
from vault import storage
from vault.models import StoredArchive

SIGN_IN = "demo"
SEED = 1
BAR = "{desc:<22} {percentage:3.0f}% |{bar}| {elapsed}{postfix}"
POLL = 0.2
"""Seconds between two looks at a job."""

Check = Callable[[], None]
"""Called while waiting for a job; raises an error to end the waiting, such as ProcessEnded."""


class DemoFailed(CoursekeepError):
    """A job of the demonstration failed or has no result."""

    code = "demo-failed"


@dataclass
class Memory:
    """The results of earlier runs: password and account id, and by size the ids of the sample, its copy and their archives."""

    password: str = ""
    account: int = 0
    samples: dict[str, int] = field(default_factory=dict)
    copies: dict[str, int] = field(default_factory=dict)
    archives: dict[str, list[int]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Memory:
        """Return the contents of the file, or an empty memory with a new password if there is none."""
        return (
            cls(**json.loads(path.read_text())) if path.exists() else cls(password=secrets.token_urlsafe(9))
        )

    def write(self, path: Path) -> None:
        """Write the file, with mode 600 if it is new."""
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")


@dataclass(frozen=True)
class Report:
    """The result of one run: ids of course and copy, counts, times in seconds, sizes in bytes, and the comparison."""

    course: int
    copy: int
    title: str
    records: int
    files: int
    archive_bytes: int
    file_bytes: int
    backup_seconds: float
    restore_seconds: float
    comparison: Comparison

    @property
    def equal(self) -> bool:
        """True if the archive of the copy equals that of the course."""
        return self.comparison.equal


def find_or_make_account(memory: Memory) -> User:
    """Return the administrator to sign in as, with the password in `memory`; make the account if there is none.

    Only an account that the demonstration made itself is used, because others may come from a restored archive.
    """
    account = User.objects.filter(pk=memory.account).first()
    if account is None:
        taken = set(User.objects.filter(username__startswith=SIGN_IN).values_list("username", flat=True))
        names = (f"{SIGN_IN}{number}" for number in count(2))
        username = next(name for name in chain((SIGN_IN,), names) if name not in taken)
        columns = {"firstname": "Demo", "lastname": "Administrator"}
        account = User.objects.create_superuser(username, "demo@example.com", memory.password, **columns)
        memory.account = account.pk
    _set_password(account, memory)
    return account


def find_teacher(course: Course, memory: Memory) -> User | None:
    """Return the first teacher of the course and set their password to the one in `memory`; None if it has none."""
    roles = Role.objects.filter(archetype="editingteacher").values("pk")
    teaching = RoleAssignment.objects.filter(contextid=course.contextid, roleid__in=roles).order_by("pk")
    teacher = User.objects.filter(pk__in=teaching.values("userid")[:1]).first()
    if teacher is not None:
        _set_password(teacher, memory)
    return teacher


def _set_password(account: User, memory: Memory) -> None:
    if not account.check_password(memory.password):
        account.set_password(memory.password)
        account.save(update_fields=["password"])


def find_or_make_sample(size: str, memory: Memory) -> tuple[Course, bool]:
    """Return the sample course of this size, and True if it was made now."""
    known = Course.objects.filter(pk=memory.samples.get(size, 0)).first()
    if known is not None:
        return known, False
    with bar("Making a course", total=SIZES[size].records) as making:
        made = make_sample(size, seed=SEED, progress=making.update)
    memory.samples[size] = made.course_id
    return Course.objects.get(pk=made.course_id), True


def show(course: Course, *, by: User, size: str, memory: Memory, check: Check) -> Report:
    """Back the course up, restore it as a new course, back that up, compare both archives, and return the report.

    The copy and the archives of the last run are deleted first. Raises DemoFailed if a job fails.
    """
    _delete_last_results(size, memory)
    backup = _wait(backups.request_backup(course, by=by), "Backing up", check)
    archive = _archive(backup)
    restore = _wait(restores.request_restore(archive, by=by), "Restoring", check)
    if restore.course is None:
        raise DemoFailed(f"Job {restore.pk} restored the archive and names no course.")
    memory.copies[size] = restore.course.pk
    memory.archives[size] = [archive.pk]
    again = _wait(backups.request_backup(restore.course, by=by), "Backing up the copy", check)
    memory.archives[size].append(_archive(again).pk)
    outline = courses.outline(course)
    return Report(
        course=course.pk,
        copy=restore.course.pk,
        title=course.fullname,
        records=backup.records,
        files=outline.files,
        archive_bytes=archive.size,
        file_bytes=outline.bytes,
        backup_seconds=_seconds(backup),
        restore_seconds=_seconds(restore),
        comparison=compare_stored(archive, _archive(again)),
    )


def _delete_last_results(size: str, memory: Memory) -> None:
    copy = Course.objects.filter(pk=memory.copies.pop(size, 0)).first()
    if copy is not None:
        courses.delete_course(copy)
    for archive in StoredArchive.objects.filter(pk__in=memory.archives.pop(size, [])):
        storage.remove(archive)


def compare_stored(first: StoredArchive, second: StoredArchive) -> Comparison:
    """Return the comparison of two stored archives."""
    with restores.opened(first) as one, restores.opened(second) as two:
        return compare(one, two)


def _wait(job: Job, doing: str, check: Check) -> Job:
    """Wait for a job with a progress bar and return it when it has succeeded. Raises DemoFailed if it failed."""
    with bar(doing, total=100) as progress:
        for seen in queue.follow(job.pk, every=POLL):
            job = seen
            check()
            progress.set_postfix_str(f"{job.records:,} records", refresh=False)
            progress.update(round((job.fraction or 0) * 100) - progress.n)
    if job.state != Job.State.SUCCEEDED:
        raise DemoFailed(f"{doing} failed: {job.error}", hint=job.error_hint)
    return job


@contextmanager
def bar(doing: str, *, total: int) -> Iterator[tqdm[NoReturn]]:
    """Open a progress bar on standard error; where that is no terminal, print one line at the end."""
    is_terminal = sys.stderr.isatty()
    with tqdm(total=total, desc=f"  {doing}", bar_format=BAR, ncols=90, disable=not is_terminal) as shown:
        yield shown
    if not is_terminal:
        print(f"  {doing:<20} done", file=sys.stderr, flush=True)


def _archive(job: Job) -> StoredArchive:
    if job.archive is None:
        raise DemoFailed(f"Job {job.pk} made a backup and names no archive.")
    return job.archive


def _seconds(job: Job) -> float:
    if job.started is None or job.finished is None:
        raise DemoFailed(f"Job {job.pk} has ended without its times.")
    return (job.finished - job.started).total_seconds()
