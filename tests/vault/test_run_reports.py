"""Reports of runs: the end of each job is entered as a count of the whole run would enter it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from courses.models import User
from jobs.clock import database_now
from jobs.models import Job
from jobs.queue import WINDOW_OVER
from tests.vault.test_runs import made, nightly
from vault import schedules
from vault.models import ScheduleEntry, ScheduleRun, StoredArchive

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_notifications(settings: Any) -> None:
    settings.COURSEKEEP_NOTIFY_WORKERS = "tests.jobs.sample_operations.notify_nobody"


@pytest.fixture
def run() -> ScheduleRun:
    """A run of twelve courses whose jobs wait."""
    made(12)
    owner = User.objects.create_superuser("keeper", "keeper@example.org")
    return schedules.start_run(nightly(owner))


def statements_to_close(numbers: int) -> tuple[int, set[str]]:
    """End so many jobs unheard, each with an archive of another minute; return the statements, and the reasons."""
    jobs = list(Job.objects.filter(state="queued").order_by("pk")[:numbers])
    for number, job in enumerate(jobs):
        archive = StoredArchive.objects.create(
            file=f"{job.pk}.mbz", title="Course", archive_type="course", size=1, course=job.course
        )
        StoredArchive.objects.filter(pk=archive.pk).update(created=database_now() - timedelta(minutes=number))
        Job.objects.filter(pk=job.pk).update(
            state="succeeded", finished=Now(), archive=archive, result={"unchanged": True}
        )
    with CaptureQueriesContext(connection) as seen:
        schedules.close_runs()
    entries = ScheduleEntry.objects.filter(job__in=[job.pk for job in jobs])
    assert set(entries.values_list("state", flat=True)) == {"skipped"}
    return len(seen), set(entries.values_list("reason", flat=True))


def test_jobs_that_ended_unheard_take_no_more_statements_if_each_has_another_reason(run: ScheduleRun) -> None:
    few, _ = statements_to_close(1)
    many, reasons = statements_to_close(10)
    assert len(reasons) == 10
    assert many == few


OUTCOMES: tuple[dict[str, Any], ...] = (
    {"state": "succeeded", "result": {"userdata_withheld": True}},
    {"state": "succeeded", "result": {"missing_contents": 2}},
    {"state": "succeeded", "result": {"missing_contents": 1, "userdata_withheld": True}},
    {"state": "succeeded", "result": {"missing_contents": 0, "userdata_withheld": False}},
    {"state": "succeeded", "result": {"unchanged": True, "userdata_withheld": True, "missing_contents": 3}},
    {"state": "failed", "result": {"userdata_withheld": True}, "error": "The disk is full."},
    {"state": "cancelled"},
    {"state": "cancelled", **WINDOW_OVER},
)


def test_the_end_of_each_job_is_entered_as_a_count_of_the_run_would_enter_it(run: ScheduleRun) -> None:
    for job, outcome in zip(Job.objects.order_by("pk"), OUTCOMES, strict=False):
        Job.objects.filter(pk=job.pk).update(finished=Now(), **outcome)
        job.refresh_from_db()
        assert schedules._count_end(run, job)
        run.refresh_from_db()
        entered = run.report
        schedules.tally(run)
        assert {name: number for name, number in entered.items() if number} == {
            name: number for name, number in run.report.items() if number
        }, outcome
    assert {name: number for name, number in run.report.items() if number} == {
        "queued": 4,
        "succeeded": 4,
        "withheld": 2,
        "incomplete": 2,
        "skipped": 2,
        "failed": 1,
        "cancelled": 1,
    }
