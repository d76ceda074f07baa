"""The doctor: looks at everything that a site needs, and says of each part whether it is well, and if not what to do."""

from __future__ import annotations

import importlib
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Literal

import redis
from django.conf import settings
from django.core import checks
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import connection
from django.db.models import Min

from archive.limits import GIBIBYTE, in_units
from config import database, health, metrics
from courses import sentinel
from jobs import clock
from jobs.models import Job
from notices import overdue
from sign_in import provider
from vault.freshness import Freshness, freshness
from vault.models import Schedule
from vault.runs import courses_of

State = Literal["ok", "warning", "error"]

CLOCK_SECONDS = 2.0
"""Difference between two clocks that is told; ten times as much is wrong."""

LATE = timedelta(minutes=5)
"""Time after which a schedule that is due, or a job that no worker takes, is late."""

LEAST_SPACE = 2 * GIBIBYTE
"""Free bytes below which a folder is too full; below five times as much that is told."""

PING_SECONDS = 2.0

DATABASE_MEND = "See that the server runs, and that DATABASE_URL is right; `manage.py embedded status` shows the embedded one."


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The finding about one part: its name, its state, the fact in a sentence, and what to do about it."""

    part: str
    state: State
    fact: str
    mend: str = ""

    def as_dict(self) -> dict[str, str]:
        """Return it for JSON."""
        return asdict(self)


def examine(*, backup_hours: int) -> Iterator[Diagnosis]:
    """Look at each part, and yield what was found. An error of a driver is a finding and does not end it.

    `backup_hours` is the age that the newest good backup of a course on a schedule may have.
    """
    database_lives = True
    for part, look in PARTS.items():
        if part in NEED_DATABASE and not database_lives:
            continue
        try:
            for one in look(backup_hours):
                database_lives &= one.part != "database" or one.state != "error"
                yield one
        except Exception as problem:  # noqa: BLE001 - whatever a driver of a database, a storage or a broker raises
            database_lives &= part != "database"
            yield Diagnosis(part, "error", f"It cannot be looked at: {_said(problem)}", MENDS.get(part, ""))


def _said(problem: Exception) -> str:
    """Return an error in one line with a full stop."""
    text = " ".join(str(problem).split()) or type(problem).__name__
    return text if text.endswith(".") else f"{text}."


def _database(_: int) -> Iterator[Diagnosis]:
    try:
        health.look_at_database()
    except database.OldDatabase as problem:
        mend = f"Upgrade to PostgreSQL {database.LEAST_VERSION} or later."
        yield Diagnosis("database", "error", f"The server is PostgreSQL {problem.version}.", mend)
        return
    version = getattr(connection, "pg_version", 0) // 10_000
    yield Diagnosis("database", "ok", f"PostgreSQL {version} answers.")


def _migrations(_: int) -> Iterator[Diagnosis]:
    try:
        health.look_at_migrations()
    except health.NotReady as problem:
        yield Diagnosis("migrations", "error", f"{problem}.", MENDS["migrations"])
        return
    yield Diagnosis("migrations", "ok", "All migrations are applied.")


def _storages(_: int) -> Iterator[Diagnosis]:
    """Write a file into each storage, read it, and delete it."""
    for alias in ("default", *metrics.STORAGES):
        part, where = f"storage {alias}", ""
        try:
            folder = metrics.folder_of(alias)
            where = f" (folder {folder})" if folder else ""
            wrong = _wrong_with_storage(alias)
        except Exception as problem:  # noqa: BLE001 - whatever a storage's driver raises
            wrong = f"It cannot be used: {_said(problem)}"
        if wrong:
            mend = "See that the storage is mounted, writable and not full, and that COURSEKEEP_STORAGES names it rightly."
            yield Diagnosis(part, "error", f"{wrong}{where}", mend)
        else:
            yield Diagnosis(part, "ok", f"Files can be written, read and deleted{where}.")


def _marks(_: int) -> Iterator[Diagnosis]:
    """Look whether the database remembers the mark of each storage: else an empty folder in its place is not noticed."""
    unknown = [alias for alias in sentinel.shared() if not sentinel.is_remembered(alias)]
    for alias in unknown:
        fact = f"The storage {alias} is not marked: if its disk is not mounted, its first file goes astray."
        yield Diagnosis(
            "marks", "warning", fact, f"Mount its disk, then run manage.py storages init {alias}."
        )
    if not unknown:
        yield Diagnosis("marks", "ok", "All storages are marked.")


def _wrong_with_storage(alias: str) -> str:
    """Return what is wrong with a storage in a sentence; "" if nothing is. Raises the errors of its driver."""
    # The folder of a disk that is not mounted could be written as well.
    sentinel.require(alias)
    storage, content = storages[alias], uuid.uuid4().bytes
    name = storage.save(f"doctor-{uuid.uuid4().hex}", ContentFile(content))
    try:
        with storage.open(name) as file:
            if file.read() != content:
                return "What is read is not what was written."
    finally:
        storage.delete(name)
    return "A file that was deleted is still there." if storage.exists(name) else ""


def _broker(_: int) -> Iterator[Diagnosis]:
    health.look_at_broker()
    if settings.REDIS_URL:
        yield Diagnosis("broker", "ok", "Redis answers.")
        return
    shared = bool(settings.DATABASE_URL)
    fact = "The queue is in files of this machine, which serve this machine only."
    mend = "Set REDIS_URL if workers run on other machines." if shared else ""
    yield Diagnosis("broker", "warning" if shared else "ok", fact, mend)


def _workers(_: int) -> Iterator[Diagnosis]:
    names = metrics.answering_workers(PING_SECONDS)
    if not names:
        yield Diagnosis("workers", "error", "No worker answers.", MENDS["workers"])
    else:
        yield Diagnosis("workers", "ok", f"{len(names)} answer: {', '.join(names)}.")


def _queue(_: int) -> Iterator[Diagnosis]:
    waiting, now = metrics.open_jobs(Job.State.QUEUED), clock.database_now()
    oldest = min((found.oldest for found in waiting), default=None)
    number = sum(found.number for found in waiting)
    running = sum(found.number for found in metrics.open_jobs(Job.State.RUNNING))
    fact = f"{number} jobs wait, {running} run."
    if oldest and now - oldest > LATE and not running:
        mend = "Look at the workers' log; `manage.py jobs list --state queued` shows the jobs."
        yield Diagnosis(
            "queue",
            "error",
            f"{fact} The oldest waits since {oldest:%Y-%m-%d %H:%M} UTC, and none runs.",
            mend,
        )
    else:
        yield Diagnosis("queue", "ok", fact)
    late = Schedule.objects.filter(enabled=True, next_run__lt=now - LATE).aggregate(due=Min("next_run"))[
        "due"
    ]
    if late:
        fact = f"A schedule that was due at {late:%Y-%m-%d %H:%M} UTC has not started."
        yield Diagnosis(
            "schedules",
            "error",
            fact,
            "See that a worker runs: its threads start what is due.",
        )
    else:
        yield Diagnosis("schedules", "ok", "No schedule is late.")


def _clocks(_: int) -> Iterator[Diagnosis]:
    clocks: dict[str, Callable[[], float]] = {"database": lambda: clock.database_now().timestamp()}
    if settings.REDIS_URL.startswith(("redis://", "rediss://")):
        clocks["Redis"] = _redis_time
    for name, told_by in clocks.items():
        before = time.time()
        try:
            told = told_by()
        except Exception as problem:  # noqa: BLE001 - whatever a driver of a database or a broker raises
            yield Diagnosis(
                "clock",
                "error",
                f"The clock of the {name} server cannot be read: {_said(problem)}",
                MENDS["clock"],
            )
            continue
        # The clock was read at some moment between both.
        apart = max(before - told, told - time.time(), 0.0)
        fact = f"The clock of the {name} server and that of this machine are {apart:.1f} s apart."
        if apart > CLOCK_SECONDS:
            state: State = "error" if apart > 10 * CLOCK_SECONDS else "warning"
            yield Diagnosis(
                "clock", state, fact, "Let all machines keep the time by NTP (systemd-timesyncd or chrony)."
            )
        else:
            yield Diagnosis("clock", "ok", fact)


def _redis_time() -> float:
    client: Any = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=health.BROKER_SECONDS)
    with client:
        seconds, microseconds = client.time()
    return float(seconds) + float(microseconds) / 1_000_000


def _space(_: int) -> Iterator[Diagnosis]:
    """Look at the free space of each folder. One that cannot be looked at says nothing of the others."""
    folders: dict[str, Callable[[], Path | None]] = {
        "home": lambda: Path(settings.COURSEKEEP_HOME),
        "temporary files": lambda: Path(settings.COURSEKEEP_SPOOL),
        **{f"storage {alias}": partial(metrics.folder_of, alias) for alias in metrics.STORAGES},
    }
    for name, find in folders.items():
        folder = None
        try:
            folder = find()
            if folder is None:
                continue
            free = shutil.disk_usage(folder).free
        except Exception as problem:  # noqa: BLE001 - whatever a system or a storage's driver raises
            where = f" in {folder} ({name})" if folder else f" ({name})"
            fact = f"The free space{where} cannot be read: {_said(problem)}"
            mend = "See that the folder is there, and that its disk is mounted and answers."
            yield Diagnosis("space", "error", fact, mend)
            continue
        fact = f"{in_units(free)} are free in {folder} ({name})."
        if free >= 5 * LEAST_SPACE:
            yield Diagnosis("space", "ok", fact)
        else:
            mend = (
                "Make room: let schedules retain fewer archives, empty the recycle bin, or enlarge the disk."
            )
            yield Diagnosis("space", "error" if free < LEAST_SPACE else "warning", fact, mend)


def _settings(_: int) -> Iterator[Diagnosis]:
    """Run the checks of `manage.py check --deploy`."""
    found = [one for one in checks.run_checks(include_deployment_checks=True) if not one.is_silenced()]
    for one in found:
        state: State = "error" if one.is_serious() else "warning"
        yield Diagnosis(
            "settings", state, f"{one.msg} ({one.id})", one.hint or "Change the setting that it names."
        )
    if not found:
        yield Diagnosis("settings", "ok", "`check --deploy` finds nothing.")


def _backups(hours: int) -> Iterator[Diagnosis]:
    now = clock.database_now()
    limit = now - timedelta(hours=hours)
    for name, found in freshness(now).items():
        if not found.courses:
            continue
        never = found.by_age["never"]
        late = _late_courses(limit) if name == "scheduled" else 0
        state, mend = _state_of_backups(name, found, limit, late)
        newest = (
            f"the newest good backup is of {found.newest:%Y-%m-%d %H:%M} UTC"
            if found.newest
            else "no good backup"
        )
        fact = f"Courses {'on a schedule' if name == 'scheduled' else 'on no schedule'}: {found.courses}, {newest}"
        fact += f"; without one: {never}" if never else ""
        fact += f"; without one in time: {late}" if late else ""
        yield Diagnosis("backups", state, f"{fact}.", mend)


def _late_courses(limit: datetime) -> int:
    """Return the number of courses on a schedule that were there, and have no good backup since it was last due before `limit`.

    For a schedule that was not due before, since `limit` itself.
    """
    late: set[int] = set()
    for schedule in Schedule.objects.filter(enabled=True):
        since = overdue.due_before(schedule, limit) or limit
        late.update(overdue.without_backup(courses_of(schedule), since).values_list("pk", flat=True))
    return len(late)


def _state_of_backups(name: str, found: Freshness, limit: datetime, late: int) -> tuple[State, str]:
    """Return the state of the backups of a class of courses, and what to do.

    They are too old before `limit`; `late` is the number of courses without one in time.
    """
    never = found.by_age["never"]
    if name == "other":
        return ("warning", "Put these courses on a schedule.") if never else ("ok", "")
    if late or found.newest is None or found.newest < limit:
        mend = "`manage.py schedules list` shows the last runs, `manage.py jobs list --state failed` what failed."
        return "error", mend
    if never or (found.oldest and found.oldest < limit):
        mend = "`manage.py schedules list` shows the last runs. A course that has not changed keeps its last backup."
        return "warning", mend
    return "ok", ""


def _sign_in(_: int) -> Iterator[Diagnosis]:
    """Ask the provider of OpenID Connect and the directory, where the site has them."""
    if settings.OIDC is not None:
        try:
            provider.discover(settings.OIDC.issuer)
        except provider.ProviderSilent as silent:
            yield Diagnosis("OpenID Connect", "error", silent.sentence(), MENDS["OpenID Connect"])
        else:
            yield Diagnosis("OpenID Connect", "ok", f"{settings.OIDC.issuer} answers.")
    if settings.DIRECTORY is not None:
        # The package is installed only where there is a directory.
        importlib.import_module("sign_in.directory").search_anybody()
        yield Diagnosis("directory", "ok", f"{settings.DIRECTORY.url} answers.")


PARTS: dict[str, Callable[[int], Iterator[Diagnosis]]] = {
    "database": _database,
    "migrations": _migrations,
    "storages": _storages,
    "marks": _marks,
    "broker": _broker,
    "workers": _workers,
    "queue": _queue,
    "clock": _clocks,
    "space": _space,
    "settings": _settings,
    "backups": _backups,
    "directory": _sign_in,
}
"""The parts in the order in which they are looked at. Each gets the hours that a backup may be old."""

NEED_DATABASE = frozenset({"migrations", "marks", "queue", "clock", "backups"})
"""Parts of which nothing can be said without the database."""

MENDS = {
    "database": DATABASE_MEND,
    "migrations": "Stop the site, make a backup of the database, and run `manage.py migrate`.",
    "broker": "See that Redis runs, and that REDIS_URL is right.",
    "OpenID Connect": "See that COURSEKEEP_OIDC_ISSUER is right, and that this machine reaches it.",
    "directory": "See that COURSEKEEP_LDAP_URL, _BASE, _BIND_DN and _BIND_PASSWORD are right, and that "
    "COURSEKEEP_LDAP_CA_FILE has the authority of its certificate.",
    "clock": "See what is said of the database and of the broker.",
    "workers": "Start `celery -A config worker` on at least one machine, with the same settings.",
}
"""What to do where a part cannot be looked at."""
