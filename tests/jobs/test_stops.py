"""Jobs that are stopped from outside, in this process: by the end of the worker, by time limits of the database."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from django.db import connection, transaction

from jobs import operations, queue, runner, shutdown, sweep
from jobs.events import Event, Progress, Steps
from jobs.models import Job
from tests.jobs.sample_operations import traces

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_workers(settings: Any) -> Iterator[None]:
    settings.COURSEKEEP_NOTIFY_WORKERS = "tests.jobs.sample_operations.notify_nobody"
    yield
    shutdown.withdraw()


@pytest.fixture
def operation(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Register a generator function as the operation “test-stopped”, and return a job of it."""

    def register(run: Any, attempts: int = 3) -> Job:
        monkeypatch.setitem(operations.operations, "test-stopped", run)
        return queue.request("test-stopped", by=None, attempts=attempts, notify=False)

    return register


def test_a_job_of_a_worker_that_ends_is_queued_again_as_if_it_had_not_been_begun(operation: Any) -> None:
    def work(job: Job) -> Steps:
        with transaction.atomic():
            shutdown.request()
            yield Progress("working")
            queue.finish(job)
        return None

    job = operation(work)
    runner.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempts, job.worker, job.committed) == ("queued", 0, "", None)
    assert runner.run_best() is None
    shutdown.withdraw()


def test_a_job_that_was_cancelled_is_not_queued_again_by_the_end_of_its_worker(operation: Any) -> None:
    def work(job: Job) -> Steps:
        Job.objects.filter(pk=job.pk).update(cancel_requested=True)
        shutdown.request()
        yield Progress("working")
        return None

    job = operation(work)
    runner.run(job.pk)
    job.refresh_from_db()
    assert job.state == "cancelled"


def test_a_job_whose_work_is_committed_has_succeeded_although_its_worker_ends(operation: Any) -> None:
    def work(job: Job) -> Steps:
        with transaction.atomic():
            queue.finish(job, {"rows": 1})
        shutdown.request()
        yield Progress("cleaning up")
        return None

    job = operation(work)
    runner.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.result) == ("succeeded", {"rows": 1})


def test_a_part_of_a_job_ends_with_the_worker_and_the_whole_is_queued_again(operation: Any) -> None:
    parts: list[Job] = []

    def part(job: Job) -> Steps:
        shutdown.request()
        yield Progress("a part")
        return None

    operations.operations["test-part"] = part

    def whole(job: Job) -> Generator[Event, None, dict[str, Any]]:
        inner = queue.request("test-part", by=None, attempts=1, notify=False)
        parts.append(inner)
        yield from runner.run_within(inner.pk, worker="w")
        return {}

    job = operation(whole)
    runner.run(job.pk)
    job.refresh_from_db()
    parts[0].refresh_from_db()
    assert (job.state, job.attempts) == ("queued", 0)
    assert (parts[0].state, parts[0].error_code) == ("cancelled", "cancelled")


def test_a_statement_that_takes_longer_than_it_may_fails_the_job_with_a_sentence(operation: Any) -> None:
    def work(job: Job) -> Steps:
        yield Progress("working")
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 200")
            cursor.execute("SELECT pg_sleep(60)")
        return None

    job = operation(work)
    runner.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempts, job.error_code) == ("failed", 1, "time-limit")
    assert "COURSEKEEP_JOB_STATEMENT_SECONDS" in job.error_hint


def test_a_wait_for_a_lock_that_is_too_long_is_tried_again_and_then_says_so(operation: Any) -> None:
    def work(job: Job) -> Steps:
        yield Progress("working")
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = 200")
            cursor.execute("LOCK TABLE courses_course")
        return None

    session = connection.get_new_connection(connection.get_connection_params())
    with session.cursor() as cursor:
        cursor.execute("LOCK TABLE courses_course IN ACCESS SHARE MODE")
    job = operation(work, attempts=2)
    runner.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.not_before is not None) == ("queued", True)
    runner.run(job.pk)
    session.close()
    job.refresh_from_db()
    assert (job.state, job.error_code) == ("failed", "busy")


def test_a_hung_job_is_given_up_by_the_sweep_although_its_heart_beats(settings: Any) -> None:
    settings.COURSEKEEP_JOB_STUCK_SECONDS = 100
    job = queue.request("test-work", by=None, notify=False)
    claimed = queue.claim(job.pk, worker="w")
    assert claimed is not None
    with connection.cursor() as cursor:
        cursor.execute("UPDATE jobs_job SET progressed = now() - interval '99 seconds'")
    assert sweep.sweep() == sweep.Swept()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE jobs_job SET progressed = now() - interval '101 seconds'")
    assert sweep.sweep().requeued == [job.pk]
    assert traces() == 0


def test_a_job_that_yields_and_one_that_reads_bytes_make_progress(operation: Any) -> None:
    from archive.checkpoints import checkpoint

    seen: list[Any] = []
    written = threading.Event()

    def old() -> None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE jobs_job SET progressed = now() - interval '1 hour'")

    def moves(job: Job) -> bool:
        job.refresh_from_db(fields=["progressed", "heartbeat"])
        assert job.progressed is not None
        assert job.heartbeat is not None
        return (job.heartbeat - job.progressed).total_seconds() < 60

    def wait_until_it_moves(job: Job, *, calling: Any) -> None:
        old()
        for _ in range(300):
            calling()
            if moves(job):
                seen.append(True)
                return
            written.wait(0.1)
        seen.append(False)

    def work(job: Job) -> Steps:
        yield Progress("working")
        wait_until_it_moves(job, calling=checkpoint)
        return None

    job = operation(work)
    runner.run(job.pk, raising=True)
    assert seen == [True]
