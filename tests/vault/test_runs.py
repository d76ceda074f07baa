"""Runs of schedules with many courses: in chunks, in few statements, in the order of need, within the window of the night."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from courses.models import Category, Course, User
from jobs import claims, queue, runner, sweep
from jobs.choices import Priority
from jobs.clock import database_now
from jobs.models import Job
from vault import retries, runs, schedules
from vault.models import Schedule, ScheduleRun, StoredArchive

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
EVERY_DAY = [0, 1, 2, 3, 4, 5, 6]


@pytest.fixture(autouse=True)
def no_notifications(settings: Any) -> None:
    settings.COURSEKEEP_NOTIFY_WORKERS = "tests.jobs.sample_operations.notify_nobody"


@pytest.fixture
def owner() -> User:
    return User.objects.create_superuser("keeper", "keeper@example.org")


def made(number: int) -> list[Course]:
    """Make so many courses."""
    category = Category.objects.create(name="Sciences", contextid=9101)
    return Course.objects.bulk_create(
        Course(category=category, contextid=9200 + n, shortname=f"C{n}", fullname=f"Course {n}")
        for n in range(number)
    )


def nightly(owner: User | None, *, due: datetime = NOW, **facts: Any) -> Schedule:
    schedule = Schedule(**{"name": "Nightly", "weekdays": EVERY_DAY, "hour": 2, "owner": owner, **facts})
    schedule.save()
    Schedule.objects.filter(pk=schedule.pk).update(next_run=due)
    schedule.refresh_from_db()
    return schedule


def work_off() -> None:
    for job_id in Job.objects.filter(state="queued").order_by("pk").values_list("pk", flat=True):
        runner.run(job_id)


def test_a_run_of_many_courses_takes_less_than_one_statement_for_each(owner: User) -> None:
    made(300)
    nightly(owner)
    with CaptureQueriesContext(connection) as seen:
        [run] = schedules.queue_due(now=NOW)
    assert run.report["queued"] == Job.objects.count() == 300
    assert len(seen) < 100


def test_a_run_of_a_person_without_rights_takes_less_than_one_statement_for_each_course() -> None:
    made(300)
    nightly(User.objects.create_user("nobody", "nobody@example.org"))
    with CaptureQueriesContext(connection) as seen:
        [run] = schedules.queue_due(now=NOW)
    assert run.report["failed"] == 300
    assert run.finished is not None
    assert len(seen) < 100
    assert "may not back up" in run.entries.all()[0].reason


def test_the_report_of_many_jobs_that_ended_unheard_takes_few_statements(owner: User) -> None:
    made(40)
    run = schedules.start_run(nightly(owner))
    half = list(Job.objects.order_by("pk").values_list("pk", flat=True)[:20])
    Job.objects.filter(pk__in=half).update(state="failed", finished=Now(), error="The disk is full.")
    Job.objects.exclude(pk__in=half).update(state="succeeded", finished=Now(), result={"unchanged": True})
    with CaptureQueriesContext(connection) as statements:
        schedules.close_runs()
    assert len(statements) < 20, [one["sql"][:80] for one in statements]
    run.refresh_from_db()
    assert run.finished is not None
    assert (run.report["failed"], run.report["skipped"]) == (20, 20)
    assert set(run.entries.filter(state="failed").values_list("reason", flat=True)) == {"The disk is full."}


def test_jobs_of_a_run_are_visible_chunk_by_chunk(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    made(5)
    monkeypatch.setattr(runs, "CHUNK", 2)
    there: list[int] = []
    queue_all = queue.request_all

    def look(jobs: Any) -> list[Job]:
        other = connection.get_new_connection(connection.get_connection_params())
        with other.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM jobs_job")
            there.append(cursor.fetchone()[0])
        other.close()
        return queue_all(jobs)

    monkeypatch.setattr(queue, "request_all", look)
    nightly(owner)
    schedules.queue_due(now=NOW)
    assert there == [0, 2, 4]


def test_a_run_that_was_interrupted_goes_on(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    made(5)
    monkeypatch.setattr(runs, "CHUNK", 2)
    queue_all = queue.request_all

    def die(jobs: Any) -> list[Job]:
        if Job.objects.exists():
            raise KeyboardInterrupt
        return queue_all(jobs)

    nightly(owner)
    monkeypatch.setattr(queue, "request_all", die)
    with pytest.raises(KeyboardInterrupt):
        schedules.queue_due(now=NOW)
    monkeypatch.setattr(queue, "request_all", queue_all)
    run = ScheduleRun.objects.get()
    assert (Job.objects.count(), run.to_fill, run.finished) == (2, True, None)

    assert schedules.queue_due(now=NOW + timedelta(minutes=1)) == []
    run.refresh_from_db()
    assert Job.objects.count() == 5
    assert not run.to_fill
    assert sorted(Job.objects.values_list("course__shortname", flat=True)) == [f"C{n}" for n in range(5)]


@pytest.mark.parametrize("number", [1, 300])
def test_a_page_that_starts_a_run_queues_no_backup_itself(owner: User, client: Client, number: int) -> None:
    made(number)
    schedule = nightly(owner)
    client.force_login(owner)
    client.post(reverse("schedule-run", args=[schedule.pk]))
    run = ScheduleRun.objects.get()
    assert (Job.objects.count(), run.entries.count(), run.finished) == (0, 0, None)
    assert client.get(reverse("run", args=[run.pk])).status_code == 200

    schedules.queue_due()
    run.refresh_from_db()
    assert (Job.objects.count(), run.report["queued"]) == (number, number)


def test_an_error_of_the_database_fails_no_backup_and_the_next_look_queues_them(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(3)
    nightly(owner)

    def lock_timeout(jobs: Any) -> list[Job]:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 1")
            cursor.execute("SELECT pg_sleep(60)")
        return []

    with monkeypatch.context() as patched:
        patched.setattr(queue, "request_all", lock_timeout)
        schedules.queue_due(now=NOW)
    run = ScheduleRun.objects.get()
    assert (run.entries.filter(state="failed").count(), run.to_fill, run.finished) == (0, True, None)

    schedules.queue_due(now=NOW + timedelta(minutes=1))
    assert Job.objects.count() == 3


def test_a_fault_in_the_backup_of_one_course_fails_that_one_only(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    courses = made(3)
    queue_all = queue.request_all

    def stumble(jobs: Any) -> list[Job]:
        rows = list(jobs)
        if any(row.course_id == courses[1].pk for row in rows):
            raise ZeroDivisionError("a secret detail")
        return queue_all(rows)

    monkeypatch.setattr(queue, "request_all", stumble)
    nightly(owner)
    [run] = schedules.queue_due(now=NOW)
    assert (run.report["queued"], run.report["failed"], Job.objects.count()) == (2, 1, 2)
    assert "secret" not in run.entries.get(course=courses[1]).reason


def test_a_schedule_that_cannot_begin_stops_no_other_one(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(1)
    first, second = nightly(owner, name="First"), nightly(owner, name="Second")
    begin = schedules.begin_run

    def stumble(schedule: Schedule, **facts: Any) -> ScheduleRun:
        if schedule.pk == first.pk:
            raise ZeroDivisionError
        return begin(schedule, **facts)

    monkeypatch.setattr(schedules, "begin_run", stumble)
    assert [run.schedule_id for run in schedules.queue_due(now=NOW)] == [second.pk]
    assert Job.objects.count() == 1


@pytest.mark.parametrize("fails", ["_fill", "tally"])
def test_a_run_that_cannot_be_filled_or_closed_stops_no_other_one(
    owner: User, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    courses = made(2)
    for course in courses:
        schedule = nightly(owner, name=course.fullname, scope="list")
        schedule.courses.set([course])
    if fails == "tally":
        schedules.queue_due(now=NOW)
        Job.objects.update(state="cancelled", finished=Now())
    first = Schedule.objects.order_by("pk")[0]
    there = getattr(schedules, fails)

    def stumble(run: ScheduleRun, *args: Any, **facts: Any) -> None:
        if run.schedule_id == first.pk:
            raise ZeroDivisionError
        there(run, *args, **facts)

    monkeypatch.setattr(schedules, fails, stumble)
    schedules.queue_due(now=NOW)
    second = ScheduleRun.objects.get(schedule__name=courses[1].fullname)
    assert not second.to_fill
    assert (second.finished is not None) == (fails == "tally")


def test_jobs_of_a_schedule_have_their_class_and_their_options(owner: User) -> None:
    made(1)
    nightly(owner, options={"users": "0"})
    schedules.queue_due(now=NOW)
    job = Job.objects.get()
    assert (job.priority, job.mode, job.asked, job.start_by) == (
        Priority.SCHEDULE,
        "automated",
        {"users": "0"},
        None,
    )
    runner.run(job.pk, raising=True)
    job.refresh_from_db()
    assert job.options["users"] == "0"
    assert "badges" in job.options


def test_the_course_whose_good_backup_is_oldest_comes_first(owner: User) -> None:
    courses = made(4)
    nightly(owner)
    schedules.queue_due(now=NOW)
    work_off()
    # The second has the oldest backup; that of the third is damaged; the last one was backed up by hand since.
    ages = {courses[0]: 2, courses[1]: 3, courses[2]: 1, courses[3]: 4}
    for course, days in ages.items():
        Job.objects.filter(course=course).update(created=Now() - timedelta(days=days))
    StoredArchive.objects.filter(course=courses[2]).update(verify_errors=1)
    runner.run(_by_hand(courses[3], owner).pk, raising=True)

    [run] = schedules.queue_due(now=NOW + timedelta(days=1))
    order = list(run.entries.order_by("pk").values_list("course_id", flat=True))
    assert order == [courses[2].pk, courses[1].pk, courses[0].pk, courses[3].pk]
    assert (
        list(Job.objects.filter(state="queued").order_by("pk").values_list("course_id", flat=True)) == order
    )


def _by_hand(course: Course, owner: User) -> Job:
    from backup.services import request_backup

    return request_backup(course, by=owner, notify=False)


def test_what_was_not_begun_in_the_window_comes_first_in_the_next_night(owner: User) -> None:
    courses = made(3)
    start = database_now().replace(microsecond=0)
    nightly(owner, due=start, hour=start.hour, minute=start.minute, window_hours=2, skip_unchanged=False)
    [run] = schedules.queue_due(now=start)
    job = claims.claim_best(worker="w")
    assert job is not None
    assert job.course_id == courses[0].pk
    queue.end(queue.mine(job), Job.State.FAILED)

    assert sweep.sweep(now=start + timedelta(minutes=119)).cancelled == []
    assert len(sweep.sweep(now=start + timedelta(hours=2)).cancelled) == 2
    schedules.queue_due(now=start + timedelta(hours=2))
    run.refresh_from_db()
    assert run.finished is not None
    assert (run.report["skipped"], run.report["failed"]) == (2, 1)
    assert "was over" in run.entries.filter(state="skipped")[0].reason


def test_no_job_of_a_schedule_begins_after_its_window(owner: User) -> None:
    made(1)
    nightly(owner, due=database_now(), window_hours=1)
    schedules.queue_due()
    Job.objects.update(start_by=Now())
    assert claims.claim_best(worker="w") is None


@pytest.mark.parametrize("ends", ["lost", "given back", "failed by a fault"])
def test_a_backup_that_was_begun_in_the_window_is_not_skipped_after_it(owner: User, ends: str) -> None:
    """Its worker is lost, or ends, or it meets a fault of the program; then the window is over."""
    made(1)
    nightly(owner, due=database_now(), window_hours=1)
    schedules.queue_due()
    job = claims.claim_best(worker="w")
    assert job is not None
    if ends == "lost":
        Job.objects.update(heartbeat=Now() - timedelta(hours=1))
        assert sweep.sweep().requeued == [job.pk]
    elif ends == "given back":
        queue.give_back(job)
    else:
        runner._retry(job, ZeroDivisionError())
    Job.objects.update(start_by=Now(), not_before=None)

    assert sweep.sweep().cancelled == []
    again = claims.claim_best(worker="w")
    assert again is not None
    assert again.pk == job.pk


def test_a_backup_that_was_skipped_after_the_window_begins_if_somebody_retries_it(owner: User) -> None:
    made(1)
    nightly(owner, due=database_now(), window_hours=1)
    schedules.queue_due()
    Job.objects.update(start_by=Now())
    [job_id] = sweep.sweep().cancelled
    retries.retry(Job.objects.get(pk=job_id), by=None)
    assert sweep.sweep().cancelled == []
    claimed = claims.claim_best(worker="w")
    assert claimed is not None
    assert claimed.pk == job_id


def test_a_run_that_is_late_has_the_window_of_the_last_night(owner: User) -> None:
    made(2)
    nightly(owner, window_hours=4)
    [run] = schedules.queue_due(now=NOW + timedelta(days=5, hours=3))
    assert run.report["queued"] == 2
    assert {job.start_by for job in Job.objects.all()} == {NOW + timedelta(days=5, hours=4)}


def test_a_run_after_its_window_queues_nothing_and_says_so(owner: User) -> None:
    made(2)
    nightly(owner, window_hours=4)
    [run] = schedules.queue_due(now=NOW + timedelta(hours=5))
    assert (run.report["skipped"], Job.objects.count()) == (2, 0)
    assert run.finished is not None


def test_a_schedule_is_due_by_the_clock_of_the_database(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose clock is a year ahead starts no run of tomorrow."""
    made(1)
    nightly(owner, due=database_now() + timedelta(days=1))
    monkeypatch.setattr("django.utils.timezone.now", lambda: datetime.now(UTC) + timedelta(days=365))
    assert schedules.queue_due() == []
    assert sweep.sweep() == sweep.Swept()


def test_the_end_of_a_job_is_entered_into_the_report_without_counting_the_run(owner: User) -> None:
    made(12)
    nightly(owner)
    [run] = schedules.queue_due(now=NOW)
    jobs = list(Job.objects.order_by("pk"))
    with CaptureQueriesContext(connection) as seen:
        for job in jobs[:5]:
            queue.cancel(job, by=None)
    run.refresh_from_db()
    assert (run.report["queued"], run.report["cancelled"], run.finished) == (7, 5, None)
    counts = [one["sql"] for one in seen if "COUNT" in one["sql"] and "vault_scheduleentry" in one["sql"]]
    assert counts == []


def test_the_end_of_the_last_job_counts_the_run_and_finishes_it(owner: User) -> None:
    made(3)
    nightly(owner)
    [run] = schedules.queue_due(now=NOW)
    ScheduleRun.objects.filter(pk=run.pk).update(report={**run.report, "skipped": 40})
    for job in Job.objects.order_by("pk"):
        queue.cancel(job, by=None)
    run.refresh_from_db()
    assert run.finished is not None
    assert {state: number for state, number in run.report.items() if number} == {"cancelled": 3}
