"""A year, a short run: nights pass as promised, and the watch finds what is not."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import cast

import pytest
from django.db import connection

from courses.models import Course, User
from demo.samples import make_sample
from demo.year.clock import Clock
from demo.year.dues import dues
from demo.year.logged import LoggedErrors
from demo.year.night import Worker
from demo.year.site import LIMITS, YearSite
from demo.year.watch import Watch
from jobs import runner
from jobs.clock import database_now
from jobs.models import Housekeeping, Job
from notices.models import Notice
from tests.clean_environment import said_by
from vault import schedules, storage
from vault.models import Schedule, ScheduleEntry, StoredArchive
from vault.timetable import next_moment

DAY = timedelta(days=1)


@pytest.mark.worker
@pytest.mark.slow
def test_forty_nights_of_ten_courses_are_as_promised() -> None:
    said, done = said_by("demo.year", "--courses", "10", "--nights", "40", "--changes", "10")
    assert (said["faults"], done.returncode) == ([], 0), done.stderr
    assert said["until"] == "2027-10-11"
    assert said["jobs"]["backup unchanged"] > said["jobs"]["backup rendered"] > 40
    assert {"skipped", "succeeded", "failed"} <= set(said["entries"])
    # A storage was away, and what could not be swept was logged.
    assert any("swept" in error for error in said["errors"]), said["errors"]


# The clock.


def test_the_database_tells_the_time_of_the_clock(db: None) -> None:
    moment = datetime(2028, 2, 29, 3, 0, tzinfo=UTC)
    clock = Clock(moment)
    clock.install()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL search_path = public, pg_catalog")
        assert database_now() == moment
        cursor.execute("SELECT now(), clock_timestamp(), transaction_timestamp()")
        assert cursor.fetchone() == (moment, moment, moment)
    with pytest.raises(RuntimeError, match="between transactions"):
        clock.advance(DAY)
    with pytest.raises(ValueError, match="not back"):
        clock.advance(-DAY)


@pytest.mark.parametrize(
    "zone", ["Europe/Madrid", "Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe", "UTC"]
)
@pytest.mark.parametrize(("hour", "minute"), [(2, 30), (1, 15), (23, 45)])
def test_the_timetable_and_the_wall_agree_for_a_year(zone: str, hour: int, minute: int) -> None:
    start = datetime(2027, 9, 1, tzinfo=UTC)
    days = [0, 2, 5, 6]
    expected = list(dues(start, start + 366 * DAY, weekdays=days, hour=hour, minute=minute, zone=zone))
    found, moment = [], start
    while (
        moment := next_moment(moment, weekdays=days, hour=hour, minute=minute, zone=zone) or start
    ) <= start + 366 * DAY:
        found.append(moment)
    assert found == expected
    assert len(found) > 200


# Unchanged courses.


@pytest.fixture
def schedule(transactional_db: None, own_storages: Path) -> Schedule:
    """A schedule of two courses that have an archive of it."""
    owner = User.objects.create_superuser("year", "year@example.org")
    made = Schedule.objects.create(name="Nightly", scope="list", weekdays=[0], keep_count=1, owner=owner)
    made.courses.set([make_sample("XS", seed=seed).course_id for seed in (1, 2)])
    schedules.start_run(made)
    while runner.run_best():
        pass
    assert set(ScheduleEntry.objects.values_list("state", flat=True)) == {"succeeded"}
    # It was started by hand, and the watch knows only of times at which a schedule was due.
    Schedule.objects.update(due_since=database_now())
    made.refresh_from_db()
    return made


def test_a_job_that_is_ended_by_a_statement_is_as_one_that_was_rendered(schedule: Schedule) -> None:
    worker = Worker(Clock(database_now()), Random(1))
    for archive in StoredArchive.objects.all():
        worker.fresh[schedule.pk, archive.course_id or 0] = archive.pk
    schedules.start_run(schedule)
    worker.end_unchanged()
    assert dict(worker.counts) == {"backup unchanged": 1}
    while runner.run_best():
        pass
    schedules.close_runs()
    ended = Job.objects.filter(schedule_entry__run=schedule.runs.order_by("-pk").first())
    rows = {
        (job.worker == "year"): (
            job.state,
            job.attempts,
            job.result["unchanged"],
            job.result["archive_id"] == job.archive_id,
            job.archive is not None and job.archive.course_id == job.course_id,
            None in (job.started, job.committed, job.finished, job.heartbeat, job.progressed),
            job.error_code,
            job.schedule_entry.state if job.schedule_entry else "",
            (job.schedule_entry.reason if job.schedule_entry else "").partition(" since ")[0],
        )
        for job in ended
    }
    assert set(rows) == {True, False}
    assert rows[True] == rows[False]
    assert StoredArchive.objects.count() == 2


def noted(worker: Worker, *, unchanged: bool, archive: int = 99) -> list[str]:
    """Note a scheduled backup of course 7 that succeeded, and return the faults."""
    run = SimpleNamespace(schedule_id=1, schedule=SimpleNamespace(skip_unchanged=True))
    job = SimpleNamespace(
        pk=5,
        operation="backup",
        schedule_entry=SimpleNamespace(run=run),
        course_id=7,
        archive_id=archive,
        state=Job.State.SUCCEEDED,
        result={"unchanged": True} if unchanged else {},
    )
    worker.faults.clear()
    worker._note(cast(Job, job))
    return worker.faults


def test_a_changed_course_that_is_called_unchanged_is_a_fault_until_it_is_stored() -> None:
    worker = Worker(Clock(datetime(2028, 1, 1, tzinfo=UTC)), Random(1))
    assert noted(worker, unchanged=False) == []
    assert noted(worker, unchanged=True) == []
    worker.changed(7)
    for _ in range(2):
        assert noted(worker, unchanged=True) == ["Job 5 did not store course 7, which had changed."]
        assert worker.fresh == {}
    assert noted(worker, unchanged=False, archive=100) == []
    assert noted(worker, unchanged=True, archive=100) == []
    assert worker.fresh == {(1, 7): 100}
    assert noted(worker, unchanged=False) == ["Job 5 stored course 7 again, which had not changed."]


def test_a_course_that_is_only_rendered_again_may_be_unchanged() -> None:
    worker = Worker(Clock(datetime(2028, 1, 1, tzinfo=UTC)), Random(1))
    noted(worker, unchanged=False)
    worker.render(7)
    assert worker.fresh == {}
    assert noted(worker, unchanged=True) == []


def test_errors_that_are_logged_are_counted_by_their_messages() -> None:
    errors, logger = LoggedErrors(logging.ERROR), logging.getLogger("some.module")
    logger.addHandler(errors)
    for number in (1, 2):
        logger.error("Run %s failed.", number)
    logger.warning("Nothing.")
    try:
        raise KeyError("x")
    except KeyError:
        logger.exception("Run %s failed.", 3)
    logger.removeHandler(errors)
    assert {name: number for name, number in errors.counts.items() if name.startswith("some.")} == {
        "some.module: Run %s failed.": 2,
        "some.module: Run %s failed. (KeyError)": 1,
    }


# The watch.


@pytest.fixture
def watch(schedule: Schedule, own_storages: Path) -> Watch:
    """A watch over a site on which nothing is wrong."""
    site = SimpleNamespace(
        clock=SimpleNamespace(moment=database_now()),
        worker=SimpleNamespace(up=True),
        random=Random(1),
        away=False,
        damaged=set(),
        let_go=set(),
        lost=set(),
    )
    found = Watch(cast(YearSite, site))
    found.calm_since = database_now() - 30 * DAY
    assert list(found.faults()) == []
    return found


def faults(watch: Watch) -> list[str]:
    """Return the faults a moment later."""
    watch.site.clock.moment = database_now()
    return list(watch.faults())


def test_an_archive_that_is_gone_is_a_fault(watch: Watch) -> None:
    storage.remove(StoredArchive.objects.all()[0])
    assert any("0 newer ones are good; 1 stay" in fault for fault in faults(watch))


def test_a_held_archive_that_is_gone_is_a_fault(watch: Watch) -> None:
    StoredArchive.objects.update(keep=True)
    assert faults(watch) == []
    storage.remove(StoredArchive.objects.all()[0])
    assert any("was held, and is gone" in fault for fault in faults(watch))


def test_an_archive_too_many_is_a_fault(watch: Watch, schedule: Schedule) -> None:
    Schedule.objects.update(keep_count=5)
    Course.objects.update(summary="<p>new</p>")
    schedules.start_run(schedule)
    while runner.run_best():
        pass
    Schedule.objects.update(keep_count=1)
    assert any("has 2 archives of schedule" in fault for fault in faults(watch))


def test_a_lost_file_and_a_strange_one_are_faults(watch: Watch) -> None:
    path = Path(storage.archives().path(StoredArchive.objects.all()[0].file))
    path.rename(path.with_name("strange.mbz"))
    found = " ".join(faults(watch))
    assert "1 archives have no file" in found
    assert "no row names them" in found


def test_a_good_archive_that_is_damaged_is_a_fault(watch: Watch) -> None:
    for archive in StoredArchive.objects.all():
        path = Path(storage.archives().path(archive.file))
        path.write_bytes(path.read_bytes()[:-9])
    assert any("is called good, and is not" in fault for fault in faults(watch))


def test_a_row_that_is_too_old_is_a_fault(watch: Watch) -> None:
    old = database_now() - timedelta(days=LIMITS["job_days"] + 3)
    Job.objects.update(finished=old)
    assert any("rows of Job are older than" in fault for fault in faults(watch))


def test_a_schedule_that_did_not_run_is_a_fault(watch: Watch, schedule: Schedule) -> None:
    Schedule.objects.update(weekdays=list(range(7)), due_since=database_now() - 5 * DAY)
    schedule.runs.all().delete()
    assert any("and did not run" in fault for fault in faults(watch))


def test_a_failure_of_which_nobody_was_told_is_a_fault(watch: Watch, schedule: Schedule) -> None:
    schedule.courses.set([make_sample("XS", seed=3).course_id])
    run = schedules.start_run(schedule)
    ScheduleEntry.objects.filter(run=run).update(state="failed", reason="No.")
    schedules.tally(run)
    Notice.objects.all().delete()
    assert any("failed, and nobody was told: No." in fault for fault in faults(watch))


def test_a_run_of_a_disturbed_night_that_never_ends_is_a_fault_when_calm_nights_have_passed(
    watch: Watch, schedule: Schedule
) -> None:
    now = database_now()
    schedule.runs.update(started=now - 30 * DAY, finished=None)
    watch.calm_since = now - timedelta(hours=23)
    assert not any("has not ended" in fault for fault in faults(watch))
    watch.calm_since = now - 2 * DAY
    assert any("has not ended" in fault for fault in faults(watch))


def test_a_periodic_task_that_failed_on_a_calm_day_is_a_fault(watch: Watch) -> None:
    now = database_now()
    Housekeeping.objects.create(name="vault.tasks.expire", began=now, error="KeyError")
    watch.calm_since = now - timedelta(hours=23)
    assert not any("ended with" in fault for fault in faults(watch))
    watch.calm_since = now - 2 * DAY
    assert any("vault.tasks.expire of" in fault and "ended with KeyError" in fault for fault in faults(watch))
