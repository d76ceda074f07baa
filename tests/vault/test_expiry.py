"""Expiry: what is older than its limit goes, in chunks, and nothing else does."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from audit.models import AuditEntry
from courses.services import create_course
from jobs import limits
from jobs.models import Job, JobFinding, JobLine, SiteLimit
from vault import expiry
from vault.models import Schedule, ScheduleEntry, ScheduleRun, StoredArchive

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def job(age: int, state: str = "succeeded", **columns: object) -> Job:
    """Make a job that was asked for so many days ago, with a line and a finding."""
    moment = timezone.now() - age * DAY
    over = state in ("succeeded", "failed", "cancelled")
    made = Job.objects.create(
        operation="backup", state=state, created=moment, finished=moment if over else None, **columns
    )
    JobLine.objects.create(job=made, attempt=1, at=moment, message="Said.")
    JobFinding.objects.create(job=made, attempt=1, level="info", code="x", message="Found.")
    return made


def session(key: str, expires: datetime) -> None:
    Session.objects.create(session_key=key, session_data="", expire_date=expires)


def test_each_kind_has_a_limit_of_its_own_in_days() -> None:
    assert {kind.limit for kind in expiry.KINDS.values()} == {
        name for name in limits.BY_NAME if name.endswith("_days") and name != "bin_days"
    }


def test_jobs_that_ended_long_ago_go_with_their_lines_and_findings_and_their_archives_stay() -> None:
    archive = StoredArchive.objects.create(file="a", title="a.mbz", size=1, sha256="")
    old, young = job(400, archive=archive), job(300)
    waiting = job(500, "queued")
    assert expiry.sweep()["jobs"] == 1
    assert set(Job.objects.all()) == {young, waiting}
    assert not Job.objects.filter(pk=old.pk).exists()
    assert StoredArchive.objects.get() == archive


def test_lines_and_findings_go_before_their_jobs() -> None:
    SiteLimit.objects.create(name="finding_days", value=50)
    job(100)
    job(40)
    removed = expiry.sweep()
    assert removed == {"lines": 1, "findings": 1}
    assert (Job.objects.count(), JobLine.objects.count(), JobFinding.objects.count()) == (2, 1, 1)


def test_reports_of_runs_go_and_the_schedule_stays() -> None:
    schedule = Schedule.objects.create(name="Nightly", weekdays=[0])
    for age in (400, 10):
        moment = timezone.now() - age * DAY
        run = ScheduleRun.objects.create(
            schedule=schedule, due=moment, window_from=moment, started=moment, finished=moment
        )
        entry = ScheduleEntry.objects.create(run=run, title="A", state="succeeded")
        job(age - 5, course=create_course(f"C{age}", "C"), schedule_entry=entry)
    open_run = ScheduleRun.objects.create(
        schedule=schedule,
        due=timezone.now() - 500 * DAY,
        window_from=timezone.now() - 500 * DAY,
        started=timezone.now() - 500 * DAY,
    )
    assert expiry.sweep()["runs"] == 1
    assert ScheduleRun.objects.count() == 2
    assert open_run in ScheduleRun.objects.all()
    assert Schedule.objects.exists()


def test_sessions_end_when_they_are_over_or_began_too_long_ago() -> None:
    now = timezone.now()
    session("over", now - timedelta(minutes=1))
    session("long", now + 4 * DAY)  # it began ten days ago
    session("new", now + 13 * DAY)
    assert expiry.sweep() == {"sessions": 1}
    SiteLimit.objects.create(name="session_days", value=7)
    assert expiry.sweep() == {"sessions": 1}
    assert Session.objects.get().session_key == "new"


def test_old_entries_of_the_trail_go_and_that_is_recorded() -> None:
    for age in (800, 790, 10):
        AuditEntry.objects.create(action="download", at=timezone.now() - age * DAY)
    assert expiry.sweep(chunk=1) == {"audit": 2}
    entries = AuditEntry.objects.filter(action="audit-expired")
    assert [entry.details for entry in entries] == [{"number": 1}] * 2
    assert AuditEntry.objects.filter(action="download").count() == 1


def test_a_kind_that_cannot_be_removed_does_not_hold_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> int:
        raise OSError("no disk")

    monkeypatch.setitem(expiry.KINDS, "lines", expiry.Expiring("line_days", broken))
    session("over", timezone.now() - timedelta(minutes=1))
    assert expiry.sweep() == {"sessions": 1}


def test_a_sweep_ends_after_its_time_and_the_next_one_goes_on() -> None:
    for _ in range(3):
        job(400)
    assert expiry.sweep(chunk=1, seconds=0)["jobs"] == 1
    assert expiry.sweep(chunk=1)["jobs"] == 2


def test_a_sweep_with_nothing_to_do_removes_nothing_and_records_nothing() -> None:
    job(1)
    AuditEntry.objects.create(action="download")
    assert expiry.sweep() == {}
    assert AuditEntry.objects.count() == 1
