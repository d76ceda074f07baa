"""The end of real worker processes, and of jobs that do not end by themselves: deploys, cancellations, hung jobs."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.db import connection

from config.celery import app
from jobs import queue
from jobs.models import Housekeeping, Job
from tests.jobs.conftest import Workers, both_brokers
from tests.jobs.sample_operations import traces

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.worker]

DEPLOY = 10
"""Seconds within which a worker has to end, which is a promise to who supervises it."""

FOREVER = 3600


def begun(workers: Workers, operation: str = "test-wait", **asked: Any) -> Job:
    """Request a job and wait until a worker is in the middle of it."""
    job = queue.request(operation, by=None, title="A course", asked=asked)

    def waits() -> bool:
        job.refresh_from_db()
        return job.state == "running" and job.step == "waiting"

    workers.until(waits, what="the job to wait")
    return job


def ended(worker: subprocess.Popen[bytes]) -> bool:
    """Ask a worker to end as systemd and Docker do, and return whether it did in time."""
    os.kill(worker.pid, signal.SIGTERM)
    try:
        worker.wait(DEPLOY)
    except subprocess.TimeoutExpired:
        return False
    return True


@contextmanager
def locked(table: str) -> Iterator[None]:
    """Hold a lock on a table in a session of its own."""
    session = connection.get_new_connection(connection.get_connection_params())
    try:
        with session.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {table} IN ACCESS SHARE MODE")
        yield
    finally:
        session.close()


def over(workers: Workers, job: Job) -> None:
    def is_over() -> bool:
        job.refresh_from_db()
        return job.over

    workers.until(is_over, what="the job")


@both_brokers
def test_a_worker_that_is_asked_to_end_gives_its_job_back_and_the_next_one_does_it(
    workers: Workers, tmp_path: Path
) -> None:
    first = workers.start()
    job = begun(workers, "test-work", wait_for=str(tmp_path / "go"))

    assert ended(first)
    job.refresh_from_db()
    assert (job.state, job.attempts, job.worker, traces()) == ("queued", 0, "", 0)

    (tmp_path / "go").touch()
    workers.forget(first)
    workers.start()
    over(workers, job)
    assert (job.state, job.attempts, traces()) == ("succeeded", 1, 1)


@pytest.mark.parametrize("asked", [{"sql": FOREVER}, {"pack": 10**9}, {"sleep": FOREVER}])
def test_a_worker_ends_in_time_whatever_its_job_waits_for(workers: Workers, asked: dict[str, Any]) -> None:
    worker = workers.start()
    job = begun(workers, **asked)

    assert ended(worker)
    job.refresh_from_db()
    assert (job.state, job.attempts, traces(), job.findings.count()) == ("queued", 0, 0, 0)


def test_a_worker_without_jobs_ends_at_once(workers: Workers) -> None:
    worker = workers.start()
    workers.until(lambda: Housekeeping.objects.exclude(finished=None).exists(), what="the housekeeping")
    assert ended(worker)


def test_a_child_that_is_asked_to_end_alone_gives_its_job_back_and_is_replaced(
    workers: Workers, tmp_path: Path
) -> None:
    """So it is with systemd, which sends the signal to all processes of a service."""
    worker = workers.start()
    job = begun(workers, "test-work", wait_for=str(tmp_path / "go"))
    [child] = psutil.Process(worker.pid).children()

    child.terminate()
    workers.until(lambda: not child.is_running() or child.status() == "zombie", what="the child to end")
    (tmp_path / "go").touch()
    over(workers, job)
    assert (job.state, job.attempts, traces()) == ("succeeded", 1, 1)
    assert worker.poll() is None


@pytest.mark.parametrize("asked", [{"sql": FOREVER}, {"pack": 10**9}, {"lock": "courses_course"}])
def test_a_cancellation_reaches_a_job_wherever_it_waits(workers: Workers, asked: dict[str, Any]) -> None:
    workers.start()
    with locked("courses_course"):
        job = begun(workers, **asked)
        queue.cancel(job, by=None)
        over(workers, job)
    assert (job.state, job.error_code, traces()) == ("cancelled", "cancelled", 0)


def test_a_job_that_makes_no_progress_is_given_up_and_its_process_ends(workers: Workers) -> None:
    """The worker's settings call a job hung after 4 seconds; housekeeping of the worker finds it."""
    worker = workers.start(COURSEKEEP_TEST_STUCK="4")
    job = begun(workers, sleep=FOREVER)
    Job.objects.filter(pk=job.pk).update(attempts_allowed=1)
    [child] = psutil.Process(worker.pid).children()
    over(workers, job)
    assert (job.state, job.error_code, traces()) == ("failed", "no-progress", 0)
    workers.until(lambda: not child.is_running() or child.status() == "zombie", what="the process to end")
    second = queue.request("test-work", by=None, asked={"steps": 1})
    over(workers, second)
    assert (second.state, traces()) == ("succeeded", 1)


def test_a_job_that_waits_for_another_one_is_not_hung(workers: Workers) -> None:
    workers.start(COURSEKEEP_TEST_STUCK="4")
    with locked("courses_course"):
        job = begun(workers, lock="courses_course")
        sweeps = Housekeeping.objects.get(name="jobs.tasks.sweep").began + timedelta(seconds=20)
        workers.until(
            lambda: Housekeeping.objects.filter(name="jobs.tasks.sweep", finished__gt=sweeps).exists(),
            what="two sweeps",
        )
        job.refresh_from_db()
        assert (job.state, job.attempts) == ("running", 1)
    over(workers, job)
    assert (job.state, job.attempts, traces()) == ("succeeded", 1, 1)


def test_a_job_that_needs_more_memory_than_it_may_fails_with_a_sentence(workers: Workers) -> None:
    workers.start()
    job = queue.request("test-wait", by=None, asked={"memory": 3 * 1024**3})
    over(workers, job)
    assert (job.state, job.error_code) == ("failed", "out-of-memory")


def test_housekeeping_does_not_wait_behind_jobs(workers: Workers, tmp_path: Path) -> None:
    """The worker's one process is busy, and a job of a dead worker is brought back all the same."""
    workers.start()
    begun(workers, "test-work", wait_for=str(tmp_path / "never"))
    dead = queue.request("test-work", by=None, attempts=1, notify=False)
    queue.claim(dead.pk, worker="gone")
    Job.objects.filter(pk=dead.pk).update(heartbeat="2026-01-01T00:00:00Z")
    over(workers, dead)
    assert dead.error_code == "worker-died"
    names = {entry["task"] for entry in app.conf.beat_schedule.values()}
    workers.until(
        lambda: set(Housekeeping.objects.exclude(finished=None).values_list("name", flat=True)) == names,
        what="all periodic tasks",
    )
    assert not Housekeeping.objects.exclude(error="").exists()
