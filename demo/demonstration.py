"""The demonstration: a course is made, backed up by a worker, restored as a new one, and both are compared.

What it made is remembered in `demo.json` in the site's home, so that a second run makes nothing twice.
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

from archive.comparison.compare import Comparison
from archive.comparison.compare import compare as compare_archives
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
"""Called while waiting; raises when waiting has become pointless."""


class DemoFailed(CoursekeepError):
    """A part of the demonstration did not do what it was to show."""

    code = "demo-failed"


@dataclass
class Memory:
    """What earlier runs made: the sign-in's password; per size the sample, its copy, their archives."""

    password: str = ""
    account: int = 0
    samples: dict[str, int] = field(default_factory=dict)
    copies: dict[str, int] = field(default_factory=dict)
    archives: dict[str, list[int]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Memory:
        """What is kept in the file, or a beginning."""
        return (
            cls(**json.loads(path.read_text())) if path.exists() else cls(password=secrets.token_urlsafe(9))
        )

    def write(self, path: Path) -> None:
        """Keep it where only the owner can read it."""
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")


@dataclass(frozen=True)
class Report:
    """What one run did. Times in seconds, sizes in bytes."""

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
        """Whether the copy says the same as the course."""
        return self.comparison.equal


def find_or_make_account(memory: Memory) -> User:
    """The administrator with whom to sign in, with the password that is printed.

    Only an account that the demonstration made itself: a restored archive may have brought anybody.
    """
    account = User.objects.filter(pk=memory.account).first()
    if account is None:
        taken = set(User.objects.filter(username__startswith=SIGN_IN).values_list("username", flat=True))
        names = (f"{SIGN_IN}{number}" for number in count(2))
        username = next(name for name in chain((SIGN_IN,), names) if name not in taken)
        columns = {"firstname": "Demo", "lastname": "Administrator"}
        account = User.objects.create_superuser(username, "demo@example.com", memory.password, **columns)
        memory.account = account.pk
    _keep_password(account, memory)
    return account


def find_teacher(course: Course, memory: Memory) -> User | None:
    """The teacher of the sample course, given the same password; None when it has none."""
    roles = Role.objects.filter(archetype="editingteacher").values("pk")
    teaching = RoleAssignment.objects.filter(contextid=course.contextid, roleid__in=roles).order_by("pk")
    teacher = User.objects.filter(pk__in=teaching.values("userid")[:1]).first()
    if teacher is not None:
        _keep_password(teacher, memory)
    return teacher


def _keep_password(account: User, memory: Memory) -> None:
    if not account.check_password(memory.password):
        account.set_password(memory.password)
        account.save(update_fields=["password"])


def find_or_make_sample(size: str, memory: Memory) -> tuple[Course, bool]:
    """The sample course of this size, and whether it was made now."""
    known = Course.objects.filter(pk=memory.samples.get(size, 0)).first()
    if known is not None:
        return known, False
    with bar("Making a course", total=SIZES[size].records) as making:
        made = make_sample(size, seed=SEED, tell=making.update)
    memory.samples[size] = made.course_id
    return Course.objects.get(pk=made.course_id), True


def show(course: Course, *, by: User, size: str, memory: Memory, check: Check) -> Report:
    """Back the course up, restore the archive as a new course, compare; replaces what the last run made."""
    _forget_last(size, memory)
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
        comparison=compare(archive, _archive(again)),
    )


def _forget_last(size: str, memory: Memory) -> None:
    copy = Course.objects.filter(pk=memory.copies.pop(size, 0)).first()
    if copy is not None:
        courses.delete_course(copy)
    for archive in StoredArchive.objects.filter(pk__in=memory.archives.pop(size, [])):
        storage.remove(archive)


def compare(first: StoredArchive, second: StoredArchive) -> Comparison:
    """What two stored archives say differently."""
    with restores.opened(first) as one, restores.opened(second) as two:
        return compare_archives(one, two)


def _wait(job: Job, doing: str, check: Check) -> Job:
    """Follow a job to its end with a bar; raises what it failed with."""
    with bar(doing, total=100) as shown:
        for seen in queue.follow(job.pk, every=POLL):
            job = seen
            check()
            shown.set_postfix_str(f"{job.records:,} records", refresh=False)
            shown.update(round((job.fraction or 0) * 100) - shown.n)
    if job.state != Job.State.SUCCEEDED:
        raise DemoFailed(f"{doing} failed: {job.error}", hint=job.error_hint)
    return job


@contextmanager
def bar(doing: str, *, total: int) -> Iterator[tqdm[NoReturn]]:
    """A progress bar; where nobody watches, one line at the end."""
    seen = sys.stderr.isatty()
    with tqdm(total=total, desc=f"  {doing}", bar_format=BAR, ncols=90, disable=not seen) as shown:
        yield shown
    if not seen:
        print(f"  {doing:<20} done", file=sys.stderr, flush=True)


def _archive(job: Job) -> StoredArchive:
    if job.archive is None:
        raise DemoFailed(f"Job {job.pk} made a backup and names no archive.")
    return job.archive


def _seconds(job: Job) -> float:
    if job.started is None or job.finished is None:
        raise DemoFailed(f"Job {job.pk} has ended without its times.")
    return (job.finished - job.started).total_seconds()
