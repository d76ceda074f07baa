"""Jobs that are stopped from outside, in this process: by the end of the worker, by time limits of the database."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Callable, Generator, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from archive.checkpoints import checkpoint
from jobs import heartbeat, operations, queue, runner, shutdown, sweep
from jobs.backend import Backend
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


def test_a_part_of_a_job_ends_with_the_worker_and_the_whole_is_queued_again(
    operation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts: list[Job] = []

    def part(job: Job) -> Steps:
        shutdown.request()
        yield Progress("a part")
        return None

    monkeypatch.setitem(operations.operations, "test-part", part)

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


def elsewhere(sql: str, *values: Any) -> Any:
    """Run a statement in a session of its own, and return the first value of its first row, if it has rows."""
    session = connection.get_new_connection(connection.get_connection_params())
    try:
        session.autocommit = True
        with session.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchone()[0] if cursor.description else None
    finally:
        session.close()


def written(job: Job) -> datetime:
    """Wait until the next heartbeat of a job is written, and return its time."""
    now = elsewhere("SELECT clock_timestamp()")
    found: datetime = now
    while found <= now:
        time.sleep(0.05)
        found = elsewhere("SELECT heartbeat FROM jobs_job WHERE id = %s", job.pk)
    return found


def moves(job: Job, doing: Callable[[], object]) -> bool:
    """Make the last progress of a job old once it is written, do something, and return whether that was progress."""
    written(job)
    written(job)
    elsewhere("UPDATE jobs_job SET progressed = now() - interval '1 hour' WHERE id = %s", job.pk)
    doing()
    written(job)
    age = elsewhere("SELECT heartbeat - progressed FROM jobs_job WHERE id = %s", job.pk)
    return bool(age < timedelta(minutes=1))


@pytest.fixture
def quick_heartbeat(settings: Any) -> None:
    settings.COURSEKEEP_JOB_HEARTBEAT_SECONDS = 0.1


def slow_statement() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(3)")


@pytest.mark.parametrize(
    ("doing", "progress"), [(checkpoint, True), (slow_statement, True), (lambda: None, False)]
)
def test_checkpoints_and_statements_that_run_are_progress(
    operation: Any, quick_heartbeat: None, doing: Callable[[], object], progress: bool
) -> None:
    seen: list[bool] = []

    def work(job: Job) -> Steps:
        yield Progress("working")
        # The heartbeat of a statement that runs is written while it runs.
        beside = threading.Thread(target=lambda: seen.append(moves(job, started.set)))
        started = threading.Event()
        if doing is slow_statement:
            beside.start()
            started.wait()
            doing()
            beside.join()
        else:
            seen.append(moves(job, doing))
        return None

    runner.run(operation(work).pk, raising=True)
    assert seen == [progress]


def test_events_are_progress(operation: Any, quick_heartbeat: None) -> None:
    def work(job: Job) -> Steps:
        yield Progress("working")
        written(job)
        elsewhere("UPDATE jobs_job SET progressed = now() - interval '1 hour' WHERE id = %s", job.pk)
        yield Progress("working", done=1)
        written(job)
        age = elsewhere("SELECT heartbeat - progressed FROM jobs_job WHERE id = %s", job.pk)
        assert age < timedelta(minutes=1)
        return None

    runner.run(operation(work).pk, raising=True)


def test_a_session_that_waits_for_its_program_is_not_at_work() -> None:
    """As it is while the program hangs: in a transaction, or with a COPY that it has begun."""
    seen: list[bool] = []
    go, done = threading.Event(), threading.Event()
    backends: list[Backend] = []

    class Hangs(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            go.set()
            done.wait()
            return b""

    def hang() -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                backends.append(Backend())
                cursor.execute("CREATE TEMPORARY TABLE hangs (id integer)")
                cursor.copy_expert("COPY hangs FROM STDIN", Hangs())
        finally:
            connection.close()

    thread = threading.Thread(target=hang)
    thread.start()
    go.wait()
    while (
        elsewhere(
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY hangs%%' AND wait_event = 'ClientRead'"
        )
        == 0
    ):
        time.sleep(0.05)
    seen.append(backends[0].at_work())
    done.set()
    thread.join()
    assert seen == [False]


@pytest.fixture
def whole(operation: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], Job]:
    """Return a function that makes a job of which another one, with the generator function that it is given, is a part."""

    def made(part: Any) -> Job:
        monkeypatch.setitem(operations.operations, "test-part", part)

        def run(job: Job) -> Generator[Event, None, dict[str, Any]]:
            inner = queue.request("test-part", by=None, attempts=1, notify=False)
            yield from runner.run_within(inner.pk, worker=job.worker)
            return {}

        job: Job = operation(run)
        return job

    return made


def test_a_part_that_waits_for_the_database_is_cancelled_with_the_whole(whole: Any) -> None:
    def part(job: Job) -> Steps:
        yield Progress("a part")
        elsewhere("UPDATE jobs_job SET cancel_requested = true WHERE id <> %s", job.pk)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(60)")
        return None

    job = whole(part)
    runner.run(job.pk)
    job.refresh_from_db()
    inner = Job.objects.exclude(pk=job.pk).get()
    assert [(one.state, one.error_code) for one in (job, inner)] == [("cancelled", "cancelled")] * 2


def test_a_part_that_reads_bytes_stops_with_the_whole_and_its_cleaning_up_is_let_pass(
    whole: Any, quick_heartbeat: None
) -> None:
    cleaned: list[bool] = []

    def part(job: Job) -> Steps:
        yield Progress("a part")
        elsewhere("UPDATE jobs_job SET cancel_requested = true WHERE id <> %s", job.pk)
        try:
            while True:
                checkpoint()
                time.sleep(0.01)
        finally:
            checkpoint()
            cleaned.append(True)

    job = whole(part)
    runner.run(job.pk)
    job.refresh_from_db()
    assert (job.state, cleaned) == ("cancelled", [True])


def test_the_cleaning_up_of_a_job_that_is_stopped_at_an_event_is_let_pass(operation: Any) -> None:
    cleaned: list[bool] = []

    def work(job: Job) -> Steps:
        try:
            shutdown.request()
            yield Progress("working")
        finally:
            checkpoint()
            cleaned.append(True)
        return None

    runner.run(operation(work).pk)
    assert cleaned == [True]


class Exited(Exception):
    """Stands for the end of the process."""


def test_a_part_that_hangs_is_given_back_together_with_the_whole(
    whole: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only one thread ends the process, when the rows of both are written."""
    # Longer than a tick: what another thread holds for a moment is tried again.
    monkeypatch.setattr(heartbeat, "SHUTDOWN_GRACE", 1.0)
    monkeypatch.setattr(shutdown, "is_worker", lambda: True)
    states: list[list[tuple[str, int]]] = []
    ended = threading.Event()

    def exit_process(code: int) -> None:
        states.append(list(Job.objects.order_by("pk").values_list("state", "attempts")))
        ended.set()
        # The process would be gone: nothing else is done by this thread.
        raise Exited

    monkeypatch.setattr(os, "_exit", exit_process)
    monkeypatch.setattr(threading, "excepthook", lambda _: None)

    def part(job: Job) -> Steps:
        yield Progress("a part")
        shutdown.request()
        ended.wait(30)
        return None

    runner.run(whole(part).pk)
    assert states == [[("queued", 0), ("cancelled", 1)]]


def test_a_statement_after_the_commit_is_not_cancelled(
    operation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "STATEMENT_GRACE", 0.0)
    finished: list[bool] = []

    def work(job: Job) -> Steps:
        yield Progress("working")
        with transaction.atomic():
            queue.finish(job)
        shutdown.request()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(2)")
        finished.append(True)
        return None

    job = operation(work)
    runner.run(job.pk)
    job.refresh_from_db()
    assert (job.state, finished) == ("succeeded", [True])


def test_a_lock_that_a_faulty_job_does_not_give_back_ends_with_its_session(operation: Any) -> None:
    def work(job: Job) -> Steps:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(4711)")
        yield Progress("working")
        raise ZeroDivisionError

    runner.run(operation(work).pk)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711")
        assert cursor.fetchone()[0] == 0


def test_a_job_keeps_its_session_when_a_part_of_it_ends_although_the_session_is_old(operation: Any) -> None:
    sessions = []

    def part(job: Job) -> Steps:
        yield Progress("working")
        connection.close_at = time.monotonic() - 1
        return None

    def whole(job: Job) -> Steps:
        sessions.append(connection.connection.info.backend_pid)
        inner = operation(part)
        yield from runner.run_within(inner.pk, worker=job.worker)
        sessions.append(connection.connection.info.backend_pid)
        return None

    runner.run(operation(whole).pk, raising=True)
    sessions.append(connection.connection.info.backend_pid)
    assert sessions[0] == sessions[1] != sessions[2]
