"""The doctor: each thing that can be wrong is found and named, with what to do; the rest is told all the same."""

from __future__ import annotations

import errno
import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.core import checks
from django.core.files.storage import storages
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.utils import timezone

from archive.errors import UsageError
from config import doctor, health, metrics
from config.doctor import Diagnosis, examine
from courses.models import Course
from jobs import clock, queue
from jobs.models import Job
from tests.config.test_health import has_files
from tests.config.test_metrics import archived, course, scheduled
from vault.models import Schedule, ScheduleRun, StoredArchive

pytestmark = pytest.mark.django_db(transaction=True)


class Usage(NamedTuple):
    """As `shutil.disk_usage` returns it."""

    total: int
    used: int
    free: int


PLENTY = Usage(0, 0, 10**12)


@pytest.fixture(autouse=True)
def a_site_that_is_well(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """A worker answers, the disk has room, and nothing is due."""
    settings.COURSEKEEP_NOTIFY_WORKERS = "tests.jobs.sample_operations.notify_nobody"
    monkeypatch.setattr(metrics, "answering_workers", lambda seconds: ["celery@one"])
    monkeypatch.setattr(shutil, "disk_usage", lambda path: PLENTY)


def found(part: str, **options: Any) -> Diagnosis:
    """The worst that is told of a part."""
    of_part = [one for one in examine(backup_hours=options.get("hours", 48)) if one.part == part]
    return max(of_part, key=lambda one: ("ok", "warning", "error").index(one.state))


def test_a_site_that_is_well_has_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("doctor", "--json")
    data = json.loads(capsys.readouterr().out)
    assert data["ok"] is True
    parts = {one["part"] for one in data["parts"]}
    assert parts >= {"database", "migrations", "storage pool", "storage archives", "broker", "workers", "queue",
                     "schedules", "clock", "space", "settings"}  # fmt: skip
    assert all(one["mend"] for one in data["parts"] if one["state"] != "ok")


def test_a_site_that_is_not_has_exit_code_1_and_the_mend_in_its_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(metrics, "answering_workers", lambda seconds: [])
    with pytest.raises(SystemExit) as end:
        call_command("doctor")
    assert end.value.code == 1
    said = capsys.readouterr().out
    assert "ERROR    workers: No worker answers.\n         Start `celery -A config worker`" in said
    assert "ok       database: PostgreSQL" in said


def test_without_a_database_the_parts_that_need_none_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise DatabaseError("no\nserver")

    monkeypatch.setattr(health, "look_at_database", fail)
    told = {one.part: one for one in examine(backup_hours=48)}
    assert (told["database"].state, told["database"].fact) == ("error", "It cannot be looked at: no server.")
    assert "DATABASE_URL" in told["database"].mend
    assert {"storage pool", "workers", "space"} <= told.keys()
    assert not doctor.NEED_DATABASE & told.keys()


def test_an_old_database_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    version = connection.cursor().connection.server_version // 10_000
    monkeypatch.setattr("config.database.LEAST_VERSION", 99)
    connection.close()
    told = list(examine(backup_hours=48))
    (one,) = (one for one in told if one.part == "database")
    assert (one.state, one.mend) == ("error", "Upgrade to PostgreSQL 99 or later.")
    assert one.fact.startswith(f"The server is PostgreSQL {version}")
    assert not doctor.NEED_DATABASE & {one.part for one in told}


def test_missing_migrations_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise health.NotReady("2 migrations are not applied")

    monkeypatch.setattr(health, "look_at_migrations", missing)
    assert (found("migrations").state, "manage.py migrate" in found("migrations").mend) == ("error", True)


def test_a_storage_that_refuses_is_found_and_the_others_are_well(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.STORAGES = {
        **settings.STORAGES,
        "pool": {"BACKEND": "tests.config.test_health.StorageElsewhere"},
    }
    assert found("storage pool").state == "error"
    assert found("storage archives").state == "ok"


@pytest.mark.parametrize("alias", ["archives", "pool"])
@pytest.mark.parametrize("there", [True, False])
def test_a_storage_that_is_not_mounted_is_found_and_nothing_is_written(
    alias: str, there: bool, own_storages: Path
) -> None:
    has_files()
    folder = own_storages / alias
    if there:
        folder.mkdir()
    assert found(f"storage {alias}").state == "error"
    assert "is not the storage that the site has used" in found(f"storage {alias}").fact
    assert folder.exists() is there
    assert not there or list(folder.iterdir()) == []


def test_the_doctor_leaves_no_file_behind() -> None:
    before = storages["archives"].listdir("")[1] if storages["archives"].exists("") else []
    assert found("storage archives").state == "ok"
    assert storages["archives"].listdir("")[1] == before


def test_a_broker_that_does_not_answer_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ConnectionError

    monkeypatch.setattr(health, "look_at_broker", fail)
    assert found("broker").fact == "It cannot be looked at: ConnectionError."
    assert "REDIS_URL" in found("broker").mend


def test_files_as_a_queue_beside_a_database_server_are_pointed_out(settings: Any) -> None:
    settings.DATABASE_URL, settings.REDIS_URL = "postgresql://db/x", ""
    assert (found("broker").state, "REDIS_URL" in found("broker").mend) == ("warning", True)


def test_a_queue_that_nobody_works_off_is_found() -> None:
    job = queue.request("backup", by=None)
    assert found("queue").state == "ok"
    Job.objects.filter(pk=job.pk).update(created=timezone.now() - timedelta(hours=1))
    assert found("queue").state == "error"
    assert "1 jobs wait, 0 run" in found("queue").fact
    running = queue.request("backup", by=None)
    Job.objects.filter(pk=running.pk).update(state="running", heartbeat=timezone.now())
    assert found("queue").state == "ok"


def test_a_schedule_that_did_not_start_is_found() -> None:
    schedule = scheduled()
    assert found("schedules").state == "ok"
    Schedule.objects.filter(pk=schedule.pk).update(next_run=timezone.now() - timedelta(hours=1))
    assert found("schedules").state == "error"


@pytest.mark.parametrize(
    ("apart", "state"), [(0, "ok"), (1, "ok"), (-5, "warning"), (5, "warning"), (-60, "error")]
)
def test_clocks_that_differ_are_found(monkeypatch: pytest.MonkeyPatch, apart: int, state: str) -> None:
    real = clock.database_now
    monkeypatch.setattr(clock, "database_now", lambda: real() + timedelta(seconds=apart))
    assert found("clock").state == state


@pytest.mark.parametrize(("free", "state"), [(100 * 2**30, "ok"), (5 * 2**30, "warning"), (2**30, "error")])
def test_a_full_disk_is_found(monkeypatch: pytest.MonkeyPatch, free: int, state: str) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(0, 0, free))
    assert found("space").state == state


def test_the_folder_of_temporary_files_of_jobs_is_looked_at(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    settings.COURSEKEEP_SPOOL = str(spool)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(0, 0, 0) if path == spool else PLENTY)
    assert (found("space").state, str(spool) in found("space").fact) == ("error", True)


def test_a_folder_that_cannot_be_looked_at_says_nothing_of_the_others(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.COURSEKEEP_SPOOL = str(tmp_path / "spool")

    def look(path: Path) -> Usage:
        if str(path) == settings.COURSEKEEP_SPOOL:
            raise OSError(errno.EIO, "Input/output error")
        return PLENTY

    monkeypatch.setattr(shutil, "disk_usage", look)
    told = [one for one in examine(backup_hours=48) if one.part == "space"]
    assert sorted(one.state for one in told) == ["error", "ok", "ok", "ok"]
    (wrong,) = (one for one in told if one.state == "error")
    assert settings.COURSEKEEP_SPOOL in wrong.fact
    assert "Input/output error" in wrong.fact


def test_a_storage_whose_folder_cannot_be_found_says_nothing_of_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = metrics.folder_of

    def find(alias: str) -> Path | None:
        if alias == "archives":
            raise OSError(errno.ESTALE, "Stale file handle")
        return real(alias)

    monkeypatch.setattr(metrics, "folder_of", find)
    told = list(examine(backup_hours=48))
    states = {one.part: one.state for one in told if one.part.startswith("storage ")}
    assert states == {"storage default": "ok", "storage archives": "error", "storage pool": "ok"}
    assert sorted(one.state for one in told if one.part == "space") == ["error", "ok", "ok", "ok"]


def test_a_broker_without_a_clock_says_nothing_of_that_of_the_database(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> float:
        raise ConnectionError("refused")

    settings.REDIS_URL = "redis://nowhere:1/0"
    monkeypatch.setattr(doctor, "_redis_time", fail)
    monkeypatch.setattr(health, "look_at_broker", lambda: None)
    told = [one for one in examine(backup_hours=48) if one.part == "clock"]
    assert [one.state for one in told] == ["ok", "error"]
    assert "Redis" in told[1].fact


def test_what_the_checks_of_a_deployment_find_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    message = checks.Warning("The gate is open.", hint="Close it.", id="gate.W001")
    monkeypatch.setattr(checks, "run_checks", lambda **_: [message])
    assert found("settings") == Diagnosis("settings", "warning", "The gate is open. (gate.W001)", "Close it.")
    monkeypatch.setattr(checks, "run_checks", lambda **_: [checks.Error("It fell.", id="gate.E001")])
    assert found("settings").state == "error"


def test_backups_that_are_too_old_are_found() -> None:
    first, second = course("first"), course("second")
    # Both are new: none is missed yet.
    Course.objects.update(timecreated=int(timezone.now().timestamp()))
    scheduled(first, second, scope="list")
    assert found("backups").state == "error"
    archive = archived(first, hours=3)
    assert (found("backups").state, "without one: 1." in found("backups").fact) == ("warning", True)
    archived(second, hours=30)
    assert found("backups").state == "ok"
    assert found("backups", hours=24).state == "warning"
    assert found("backups", hours=2).state == "error"
    StoredArchive.objects.filter(pk=archive.pk).update(verify_errors=1)
    assert found("backups").state == "warning"


def test_courses_that_were_there_and_have_no_backup_since_are_an_error_beside_one_that_has() -> None:
    courses = [course(f"c{number}") for number in range(5)]
    scheduled(*courses, scope="list")
    for one in courses[:4]:
        archived(one, hours=3)
    assert found("backups").state == "error"
    assert "without one in time: 1" in found("backups").fact
    archived(courses[4], hours=100)
    assert found("backups").state == "error"
    Job.objects.create(
        operation="backup",
        state="succeeded",
        finished=timezone.now(),
        course=courses[4],
        result={"unchanged": True},
    )
    assert found("backups").state == "warning"
    archived(courses[4], hours=3)
    assert found("backups").state == "ok"


def test_a_weekly_backup_is_in_time_until_its_schedule_was_due_so_many_hours_ago() -> None:
    weekly, nightly = course("weekly"), course("nightly")
    now = timezone.now()
    made = scheduled(weekly, scope="list", timezone="UTC")
    started = (now - timedelta(days=4)).replace(hour=2, minute=0)
    first = started - timedelta(days=28)
    Schedule.objects.filter(pk=made.pk).update(
        weekdays=[started.weekday()], hour=2, minute=0, due_since=first
    )
    ScheduleRun.objects.create(schedule=made, due=first, started=first, finished=first)
    scheduled(nightly, scope="list")
    archived(nightly, hours=3)
    backup = archived(weekly, days=3)
    assert found("backups").state == "warning"
    StoredArchive.objects.filter(pk=backup.pk).update(created=now - timedelta(days=8))
    assert found("backups").state == "error"


def test_courses_on_no_schedule_without_a_backup_are_a_warning() -> None:
    course("alone")
    assert (found("backups").state, found("backups").mend) == ("warning", "Put these courses on a schedule.")


def test_an_age_of_no_hours_is_refused() -> None:
    with pytest.raises(UsageError, match="1 or more"):
        call_command("doctor", "--backup-hours", "0")
