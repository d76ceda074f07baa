"""The events of a simulated year: people work in their courses and on the schedules by day, and the site fails by night."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase

from backup.services import request_backup
from courses import pool, services
from courses.account_changes import set_suspended
from courses.models import Course
from courses.models.files import EMPTY, File
from courses.role_changes import roles_of, take_role
from demo.mounts import bring_back, take_away
from demo.year.night import JOB_SECONDS
from demo.year.site import YearSite
from restore.services import request_restore
from transfer.removals import request_removal
from vault import checks, storage
from vault.models import GOOD, StoredArchive

Event = Callable[[YearSite], Iterator[int]]
"""An event of a night: disturbs the site, yields the number of nights that it lasts, and then puts right what does not heal."""

BIG = 4096
"""Bytes beyond which a full disk lets nobody write: the sentinel of a storage fits, an archive does not."""


SLOW = 1200
"""Seconds that a job takes by the clock while a storage does not answer: fifteen begin in a window of five hours."""

# By day. Each happens on one day; the deck deals one to each third day.


def create(site: YearSite) -> None:
    """A course is made."""
    site.add_course()


def remove(site: YearSite) -> None:
    """A course goes to the recycle bin."""
    if (course := site.course()) is not None:
        request_removal(course, by=site.admin)


def delete(site: YearSite) -> None:
    """A course is deleted at once."""
    if (course := site.course()) is not None:
        services.delete_course(course)


def rename_schedule(site: YearSite) -> None:
    """A schedule gets another name, which changes nothing of its times."""
    site.every_night.refresh_from_db()
    site.every_night.name = f"Every night {site.random.randint(1, 99)}"
    site.every_night.save()


def move_schedule(site: YearSite) -> None:
    """A schedule is due at another time."""
    site.every_night.refresh_from_db()
    site.every_night.hour, site.every_night.minute = site.random.choice([(1, 15), (2, 30), (3, 0), (22, 0)])
    site.every_night.save()


def keep_others(site: YearSite) -> None:
    """A schedule retains another number of archives."""
    site.every_night.refresh_from_db()
    site.every_night.keep_count = site.random.choice([2, 3, 5])
    site.every_night.save()


def other_options(site: YearSite) -> None:
    """A schedule's backups get other options, so that unchanged courses are stored again."""
    site.by_hand.refresh_from_db()
    site.by_hand.options = {} if site.by_hand.options else {"users": "0"}
    site.by_hand.save()


def hold(site: YearSite) -> None:
    """Somebody holds some archives."""
    ids = list(StoredArchive.objects.filter(GOOD).exclude(source="bin").values_list("pk", flat=True))
    held = site.random.sample(ids, min(3, len(ids)))
    StoredArchive.objects.filter(pk__in=held).update(keep=True, held_by=site.admin)


def let_go(site: YearSite) -> None:
    """An archive is not held any more."""
    held = list(StoredArchive.objects.filter(keep=True).order_by("pk").values_list("pk", flat=True)[:2])
    site.let_go.update(held)
    StoredArchive.objects.filter(pk__in=held).update(keep=False, held_by=None)


def lose_owner(site: YearSite) -> None:
    """The owner of the schedules leaves the site; an administrator finds that by the notice and names another one."""
    site.refresh()
    owner = site.every_night.owner
    if owner is not None and not site.orphaned:
        leave = site.random.choice(["suspended", "role", "deleted"])
        if leave == "suspended":
            set_suspended(owner, True, by=site.admin)
        elif leave == "role":
            for given in roles_of(owner):
                take_role(given, owner, by=site.admin)
        else:
            owner.delete()
        site.orphaned = 3


def back_up(site: YearSite) -> None:
    """Somebody backs a course up and restores it as a new one."""
    course = site.course()
    if course is not None:
        request_backup(course, by=site.admin)
    archive = (
        StoredArchive.objects.filter(GOOD, archive_type="course").exclude(source="bin").order_by("?").first()
    )
    if archive is not None:
        request_restore(archive, by=site.admin)


DAYS: dict[str, Callable[[YearSite], None]] = {
    "course made": create,
    "course to the bin": remove,
    "course deleted": delete,
    "schedule renamed": rename_schedule,
    "schedule moved": move_schedule,
    "schedule retains another number": keep_others,
    "schedule with other options": other_options,
    "archives held": hold,
    "archives let go": let_go,
    "owner left": lose_owner,
    "backup and restore by hand": back_up,
}


def sign_in(site: YearSite) -> None:
    """Somebody signs in."""
    session: SessionBase = import_module(settings.SESSION_ENGINE).SessionStore()
    session.set_expiry(site.random.choice([None, 3600]))
    session.create()


def check_some(site: YearSite) -> None:
    """The archives that were not verified for longest are verified, as `manage.py archives verify --queue` asks for it."""
    for archive in StoredArchive.objects.order_by("verified", "pk")[:2]:
        checks.request_check(archive, by=None)


# By night. The deck deals one to each fourth night.


def storage_away(site: YearSite) -> Iterator[int]:
    """The storage of the archives is away for two nights; an empty folder is in its place."""
    _fail(site)
    take_away(site.home, "archives", leave_empty=True)
    yield 2
    _back(site, "archives")


def storage_unreachable(site: YearSite) -> Iterator[int]:
    """The storage of the archives is away for a night, and so is its folder."""
    _fail(site)
    take_away(site.home, "archives", leave_empty=False)
    yield 1
    _back(site, "archives")


def pool_away(site: YearSite) -> Iterator[int]:
    """The pool is away for a night."""
    _fail(site)
    take_away(site.home, "files", leave_empty=True)
    yield 1
    _back(site, "files")


def _back(site: YearSite, folder: str) -> None:
    written = bring_back(site.home, folder)
    if written:
        site.worker.faults.append(
            f"{len(written)} files were written where {folder}/ was not mounted: {written[0]}"
        )
    _heal(site)


def _fail(site: YearSite) -> None:
    """Let storages be away: they answer late, so that the window of the schedule ends before the last of its jobs."""
    site.away = True
    _slow_down(site)


def _heal(site: YearSite) -> None:
    site.away = False
    _speed_up(site)


def _slow_down(site: YearSite) -> None:
    """Let all jobs be rendered, each so slowly that few of them begin in a window."""
    site.worker.quick = False
    site.worker.seconds = (SLOW, SLOW)


def _speed_up(site: YearSite) -> None:
    site.worker.quick, site.worker.seconds = True, JOB_SECONDS


def disk_full(site: YearSite) -> Iterator[int]:
    """No process of the site can write large files for a night."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (BIG, resource.RLIM_INFINITY))
    _fail(site)
    yield 1
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    _heal(site)


def worker_stopped(site: YearSite) -> Iterator[int]:
    """The worker dies in a job, and nobody starts another one before noon."""
    site.worker.stops_after = site.random.randint(0, 6)
    yield 1
    _worker_back(site)


def worker_gone(site: YearSite) -> Iterator[int]:
    """No worker runs for three nights."""
    site.worker.up = False
    yield 3
    _worker_back(site)


def _worker_back(site: YearSite) -> None:
    site.worker.up, site.worker.stops_after = True, None


def slow_night(site: YearSite) -> Iterator[int]:
    """Jobs take so long that the window of the schedule ends before the last of them."""
    _slow_down(site)
    yield 1
    _speed_up(site)


def archive_damaged(site: YearSite) -> Iterator[int]:
    """An archive is damaged where it is stored; its check finds that."""
    archive = StoredArchive.objects.filter(GOOD, keep=False).exclude(source="bin").order_by("-pk").first()
    if archive is not None:
        path = Path(storage.archives().path(archive.file))
        path.write_bytes(path.read_bytes()[:-20])
        site.damaged.add(archive.pk)
        if archive.course_id is not None:
            site.worker.render(archive.course_id)
        checks.request_check(archive, by=None)
    yield 1


def content_lost(site: YearSite) -> Iterator[int]:
    """A content is gone from the pool for a night, and a course that needs it has changed."""
    file = File.objects.exclude(contenthash__in=["", EMPTY]).order_by("-pk").first()
    path = Path(pool.storage().path(pool.name_of(file.contenthash))) if file is not None else None
    if file is not None and path is not None and path.exists():
        path.rename(site.home / "lost")
        site.lost.add(pool.name_of(file.contenthash))
        needing = File.objects.filter(contenthash=file.contenthash).order_by().values("course").distinct()
        for course in Course.objects.filter(pk__in=needing):
            site.change_course(course)
    yield 1
    if path is not None and (site.home / "lost").exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        (site.home / "lost").rename(path)
    site.lost.clear()


NIGHTS: dict[str, Event] = {
    "archives away for two nights": storage_away,
    "archives away with their folder": storage_unreachable,
    "pool away": pool_away,
    "disk full": disk_full,
    "worker killed in the night": worker_stopped,
    "no worker for three nights": worker_gone,
    "slow night": slow_night,
    "archive damaged": archive_damaged,
    "content lost": content_lost,
}
