"""Jobs in real Celery workers, over both brokers: killed, frozen, cancelled, and with their messages lost."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from backup.services import request_backup
from courses.models import Course, User
from courses.services import create_course
from jobs import queue, runner, sweep
from jobs.models import Job
from restore.services import request_restore
from tests.jobs.conftest import Workers, both_brokers
from tests.jobs.sample_operations import traces

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.worker]


def asked_for(*, notify: bool = True, **asked: Any) -> Job:
    return queue.request("test-work", by=None, title="A course", asked=asked, notify=notify)


def running(job: Job) -> bool:
    job.refresh_from_db()
    return job.state == "running" and job.step == "waiting"


def over(job: Job) -> bool:
    job.refresh_from_db()
    return job.over


def over_after_sweeps(job: Job) -> bool:
    sweep.sweep()
    return over(job)


@both_brokers
def test_a_job_is_done_by_a_worker(workers: Workers) -> None:
    workers.start()
    job = asked_for(steps=2)

    workers.until(lambda: over_after_sweeps(job), what="the job")

    assert (job.state, job.attempts, traces()) == ("succeeded", 1, 1)
    assert not job.worker.endswith(f":{os.getpid()}")


@both_brokers
def test_a_worker_killed_in_the_middle_leaves_no_trace_and_the_next_one_does_the_job(
    workers: Workers, tmp_path: Path
) -> None:
    first = workers.start()
    job = asked_for(wait_for=str(tmp_path / "go"))
    workers.until(lambda: running(job), what="the job to run")

    workers.kill(first)
    workers.until(lambda: bool(sweep.sweep().requeued), what="the sweep to notice")
    assert traces() == 0
    (tmp_path / "go").touch()
    workers.start()
    workers.until(lambda: over_after_sweeps(job), what="the job")

    assert (job.state, job.attempts, traces()) == ("succeeded", 2, 1)


def test_a_child_process_that_is_killed_is_made_up_for_by_the_same_worker(workers: Workers) -> None:
    workers.start()
    job = asked_for(die_at=1, die_until=1)

    workers.until(lambda: over_after_sweeps(job), what="the job")

    assert (job.state, job.attempts, traces()) == ("succeeded", 2, 1)


def test_a_job_that_kills_its_worker_each_time_fails_after_three_attempts(workers: Workers) -> None:
    workers.start()
    job = asked_for(die_at=1)

    workers.until(lambda: over_after_sweeps(job), what="the job")

    assert (job.state, job.attempts, job.error_code, traces()) == ("failed", 3, "worker-died", 0)


def test_a_worker_killed_between_the_commit_and_its_record_has_done_the_job_once(workers: Workers) -> None:
    workers.start()
    job = asked_for(die_after=True)

    workers.until(lambda: over_after_sweeps(job), what="the job")

    assert (job.state, job.attempts, job.result, traces()) == ("succeeded", 1, {"traces": 1}, 1)


@both_brokers
def test_a_lost_message_is_made_up_for(workers: Workers) -> None:
    workers.start()
    first = asked_for(steps=0)
    # No sweep may send a second message of the first job: the worker would do the other one for it.
    workers.until(lambda: over(first), what="the worker to work")
    job = asked_for(notify=False)

    workers.until(lambda: over_after_sweeps(job), what="the job")

    assert (job.state, traces()) == ("succeeded", 2)
    assert job.notifications >= 2


def test_a_running_job_is_cancelled_from_elsewhere(workers: Workers, tmp_path: Path) -> None:
    workers.start()
    job = asked_for(wait_for=str(tmp_path / "never"))
    workers.until(lambda: running(job), what="the job to run")

    queue.cancel(job, by=None)
    workers.until(lambda: over_after_sweeps(job), what="the job")

    assert (job.state, traces()) == ("cancelled", 0)


def test_a_frozen_worker_that_wakes_up_late_neither_works_on_nor_writes(
    workers: Workers, tmp_path: Path
) -> None:
    worker = workers.start()
    job = asked_for(wait_for=str(tmp_path / "go"))
    workers.until(lambda: running(job), what="the job to run")
    os.killpg(worker.pid, signal.SIGSTOP)

    workers.until(lambda: bool(sweep.sweep().requeued), what="the sweep to notice")
    (tmp_path / "go").touch()
    after = runner.run(job.pk, worker="another")
    os.killpg(worker.pid, signal.SIGCONT)
    second = asked_for(steps=1)
    workers.until(lambda: over_after_sweeps(second), what="the worker to be free again")

    assert after is not None
    job.refresh_from_db()
    assert (job.state, job.attempts, job.worker) == ("succeeded", 2, "another")
    assert traces() == 2


def test_a_broker_that_is_down_for_a_while_delays_a_job_and_loses_none(
    workers: Workers, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers.start()
    settings.COURSEKEEP_NOTIFY_WORKERS = "tests.jobs.sample_operations.notify_a_dead_broker"
    monkeypatch.setattr(queue, "BROKER_PAUSE", 0)
    job = asked_for()
    assert job.state == "queued"

    settings.COURSEKEEP_NOTIFY_WORKERS = "tests.jobs.sample_operations.notify_nobody"
    workers.until(lambda: over_after_sweeps(job), what="the job")
    assert (job.state, traces()) == ("succeeded", 1)


def test_the_sweep_and_the_schedules_are_tasks_of_the_worker(workers: Workers) -> None:
    job = queue.request("test-work", by=None, attempts=1, notify=False)
    queue.claim(job.pk, worker="gone")
    Job.objects.filter(pk=job.pk).update(heartbeat="2026-01-01T00:00:00Z")
    workers.start()
    workers.app.send_task("jobs.tasks.queue_due")
    workers.app.send_task("jobs.tasks.sweep")

    def swept() -> bool:
        job.refresh_from_db()
        return job.over

    workers.until(swept, what="the sweep")
    assert job.error_code == "worker-died"


def waits_for_a_lock() -> bool:
    """Whether some process of this site stands in its transaction and waits for a table."""
    with connection.cursor() as cursor:
        # A transaction sees the processes as they were when it first looked.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return bool(cursor.fetchone()[0])


@pytest.mark.parametrize("table", ["courses_course", "courses_section"])
def test_a_restore_killed_in_its_transaction_leaves_no_half_course_and_is_done_by_the_next_worker(
    workers: Workers, table: str
) -> None:
    keeper = User.objects.create_superuser("keeper", "keeper@example.org")
    made = request_backup(create_course("BIO", "Biology"), by=keeper, notify=False)
    backed_up = runner.run(made.pk, raising=True)
    assert backed_up is not None
    assert backed_up.archive is not None

    job = request_restore(backed_up.archive, by=keeper)
    with transaction.atomic(), connection.cursor() as cursor:
        # Whoever writes this table waits here, so that the worker is killed between two of its statements.
        cursor.execute(f"LOCK TABLE {table} IN SHARE MODE")
        first = workers.start()
        workers.until(waits_for_a_lock, what="the restore to reach the table")
        workers.kill(first)

    workers.until(lambda: bool(sweep.sweep().requeued), what="the sweep to notice")
    assert Course.objects.count() == 1
    workers.start()
    workers.until(lambda: over_after_sweeps(job), what="the job")
    assert (job.state, job.attempts, job.error) == ("succeeded", 2, "")
    assert Course.objects.count() == 2
    assert Course.objects.get(pk=job.result["course_id"]).sections.count() == 1


def session_of_a_job(workers: Workers) -> int:
    """The process of the database's session in which the worker does a job, at its first attempt."""
    job = queue.request("test-session", by=None, title="A course", asked={})
    workers.until(lambda: over_after_sweeps(job), what="the job")
    assert (job.state, job.attempts) == ("succeeded", 1)
    return int(job.result["session"])


def test_a_worker_does_its_jobs_in_one_session_and_in_another_once_that_is_ended(workers: Workers) -> None:
    workers.start()
    first = session_of_a_job(workers)
    assert session_of_a_job(workers) == first
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [first])
    assert session_of_a_job(workers) != first
