"""The life of jobs, in this process: one row, many hands, each change once."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone

from archive.errors import Cancelled, DamagedArchive, NotFound, PrecheckFailed
from archive.findings import Finding
from courses.models import User
from jobs import operations, queue, runner, sweep, tasks
from jobs.events import Event, Progress, Steps
from jobs.models import Job
from tests.jobs import sample_operations
from tests.jobs.sample_operations import traces

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_workers(settings: Any) -> None:
    """No worker runs here; the tests run the jobs."""
    settings.COURSEKEEP_NOTIFY_WORKERS = "tests.jobs.sample_operations.notify_nobody"
    queue._quiet_until = 0.0


def asked_for(operation: str = "test-work", **asked: Any) -> Job:
    return queue.request(operation, by=None, title="A course", asked=asked)


def later(seconds: float) -> Any:
    return timezone.now() + timedelta(seconds=seconds)


def test_a_job_is_queued_run_and_succeeds_with_the_result_of_its_operation() -> None:
    job = asked_for(steps=2)
    assert job.state == "queued"

    after = runner.run(job.pk)

    assert after is not None
    assert (after.state, after.attempts, after.result) == ("succeeded", 1, {"traces": 1, "steps": 2})
    assert after.finished is not None
    assert after.fraction == 1.0
    assert traces() == 1


def test_steps_records_lines_and_findings_are_kept() -> None:
    after = runner.run(asked_for("test-talk").pk)

    assert after is not None
    assert [(step["step"], step["records"]) for step in after.steps] == [("reading", 9), ("writing", 3)]
    assert all(step["finished"] >= step["started"] for step in after.steps)
    assert (after.step, after.done, after.total, after.records) == ("writing", 4, 4, 12)
    assert [(line.step, line.message) for line in after.lines.all()] == [("reading", "half of it is read")]


def test_a_finding_is_kept_once_and_a_zero_byte_in_it_does_no_harm() -> None:
    after = runner.run(asked_for("test-talk").pk)

    assert after is not None
    assert [finding.message for finding in after.findings.all()] == ["Nobody is called a\ufffdb."]


def test_a_watcher_in_the_same_process_sees_every_event() -> None:
    seen: list[Event] = []

    runner.run(asked_for("test-talk").pk, watch=seen.append)

    assert len(seen) == 6


def test_a_job_that_is_taken_is_not_taken_again() -> None:
    job = asked_for()
    first = queue.claim(job.pk, worker="one")

    assert first is not None
    assert first.attempts == 1
    assert queue.claim(job.pk, worker="two") is None
    assert runner.run(job.pk) is None


def test_of_many_workers_that_claim_at_once_one_gets_the_job() -> None:
    job = asked_for()
    barrier = threading.Barrier(8)
    got: list[str] = []

    def take(name: str) -> None:
        try:
            barrier.wait()
            if queue.claim(job.pk, worker=name):
                got.append(name)
        finally:
            connection.close()

    threads = [threading.Thread(target=take, args=(f"worker {number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    job.refresh_from_db()
    assert got == [job.worker]
    assert job.attempts == 1


def test_workers_are_notified_when_the_request_is_committed_and_not_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    notified: list[int] = []
    monkeypatch.setattr(sample_operations, "notify_nobody", notified.append)

    with transaction.atomic():
        job = asked_for()
        assert notified == []
    assert notified == [job.pk]


def test_a_request_that_is_rolled_back_notifies_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    notified: list[int] = []
    monkeypatch.setattr(sample_operations, "notify_nobody", notified.append)

    with transaction.atomic():
        asked_for()
        transaction.set_rollback(True)

    assert notified == []
    assert not Job.objects.exists()


def test_a_broker_that_is_down_does_not_fail_the_request_and_the_sweep_notifies_again(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.COURSEKEEP_NOTIFY_WORKERS = "tests.jobs.sample_operations.notify_a_dead_broker"
    job = asked_for()
    assert job.state == "queued"

    settings.COURSEKEEP_NOTIFY_WORKERS = "tests.jobs.sample_operations.notify_nobody"
    monkeypatch.setattr(queue, "_quiet_until", 0.0)
    assert sweep.sweep(now=later(31)).notified == [job.pk]


def test_a_broker_that_did_not_answer_is_left_alone_for_a_while(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    notified: list[int] = []

    def notify_workers(job_id: int) -> None:
        notified.append(job_id)
        raise OSError("nobody there")

    monkeypatch.setattr(sample_operations, "notify_nobody", notify_workers)
    first = asked_for()
    asked_for()

    assert notified == [first.pk]


def test_the_workers_are_notified_of_a_waiting_job_less_and_less_often() -> None:
    job = asked_for()

    assert sweep.sweep(now=later(10)).notified == []
    assert sweep.sweep(now=later(31)).notified == [job.pk]
    assert sweep.sweep(now=later(62)).notified == []
    assert sweep.sweep(now=later(31 + 61)).notified == [job.pk]


def test_an_error_that_a_person_can_act_on_fails_the_job_at_once_and_leaves_no_trace() -> None:
    after = runner.run(asked_for("test-refuse").pk)

    assert after is not None
    assert (after.state, after.attempts, after.error_code) == ("failed", 1, "damaged-archive")
    assert (after.error, after.error_hint) == ("course.mbz: The archive ends early.", "Fetch it again.")
    assert traces() == 0


def test_a_command_gets_the_error_itself() -> None:
    job = asked_for("test-refuse")

    with pytest.raises(DamagedArchive):
        runner.run(job.pk, raising=True)

    job.refresh_from_db()
    assert job.state == "failed"


def test_the_findings_of_failed_prechecks_are_the_jobs_findings() -> None:
    finding = Finding("error", "role-missing", "There is no role for “tutor”.")

    def check(job: Job) -> Steps:
        yield Progress("checking")
        raise PrecheckFailed([finding])

    operations.operations["test-check"] = check
    after = runner.run(asked_for("test-check").pk)

    assert after is not None
    assert (after.state, after.error_code) == ("failed", "precheck-failed")
    assert [row.code for row in after.findings.all()] == ["role-missing"]


def test_a_fault_of_ours_is_tried_again_and_may_pass() -> None:
    job = asked_for("test-stumble", until=2)

    first = runner.run(job.pk)
    assert first is not None
    assert (first.state, first.finished) == ("queued", None)
    assert traces() == 0

    assert sweep.sweep(now=later(31)).notified == [job.pk]
    second = runner.run(job.pk)
    assert second is not None
    assert (second.state, second.attempts) == ("succeeded", 2)
    assert traces() == 1


def test_a_fault_of_ours_fails_the_job_after_three_attempts_with_a_plain_sentence(
    caplog: pytest.LogCaptureFixture,
) -> None:
    job = asked_for("test-stumble")
    for _ in range(3):
        runner.run(job.pk)

    job.refresh_from_db()
    assert (job.state, job.attempts, job.error_code) == ("failed", 3, "internal")
    assert f"job {job.pk}" in job.error
    assert "secret" not in job.error + job.error_hint
    assert "a secret detail" in caplog.text
    assert runner.run(job.pk) is None
    assert traces() == 0


def test_a_job_whose_person_is_deleted_while_it_waits_is_not_done_with_the_rights_of_the_site() -> None:
    person = User.objects.create(username="gone", contextid=9200)
    job = queue.request("test-work", by=person)
    person.delete()

    after = runner.run(job.pk)

    assert after is not None
    assert (after.state, after.error_code, traces()) == ("failed", "not-allowed", 0)


def test_an_operation_that_no_app_has_fails_with_a_sentence() -> None:
    after = runner.run(asked_for("test-unheard-of").pk)

    assert after is not None
    assert after.error == "No installed app does “test-unheard-of” jobs."


def test_a_job_is_not_run_inside_a_transaction() -> None:
    job = asked_for()

    with transaction.atomic(), pytest.raises(RuntimeError, match="outside of any transaction"):
        runner.run(job.pk)


def test_a_waiting_job_is_cancelled_at_once() -> None:
    job = queue.cancel(asked_for(), by=None)

    assert job.state == "cancelled"
    assert runner.run(job.pk) is None


def test_a_running_job_is_cancelled_at_its_next_step_and_leaves_no_trace(tmp_path: Path) -> None:
    job = asked_for(wait_for=str(tmp_path / "never"))

    with pytest.raises(Cancelled):
        _run_elsewhere_cancelling(job)
    job.refresh_from_db()
    assert (job.state, job.error_code) == ("cancelled", "cancelled")
    assert traces() == 0


def _run_elsewhere_cancelling(job: Job) -> None:
    """Run the job here while another thread, as a web process would, waits for it to run and cancels it."""

    def cancel() -> None:
        try:
            for state in queue.follow(job.pk, every=0.05):
                if state.step == "waiting":
                    queue.cancel(state, by=None)
                    return
        finally:
            connection.close()

    other = threading.Thread(target=cancel)
    other.start()
    try:
        runner.run(job.pk, raising=True)
    finally:
        other.join()


def test_progress_is_visible_outside_while_the_transaction_is_open(tmp_path: Path) -> None:
    job = asked_for(wait_for=str(tmp_path / "go"), steps=1)
    seen: list[tuple[str, int]] = []

    def look() -> None:
        try:
            for state in queue.follow(job.pk, every=0.05):
                if state.step == "waiting":
                    seen.append((state.state, traces()))
                    (tmp_path / "go").touch()
                    return
        finally:
            connection.close()

    other = threading.Thread(target=look)
    other.start()
    runner.run(job.pk)
    other.join()

    assert seen == [("running", 0)]
    assert traces() == 1


def test_a_cancellation_after_the_work_was_committed_changes_nothing() -> None:
    job = asked_for()
    claimed = queue.claim(job.pk, worker="one")
    assert claimed is not None
    with transaction.atomic():
        queue.finish(claimed, {"rows": 1})
    queue.cancel(job, by=None)

    swept = sweep.sweep(now=later(61))

    job.refresh_from_db()
    assert swept.committed == [job.pk]
    assert (job.state, job.result) == ("succeeded", {"rows": 1})


def test_a_job_without_heartbeat_is_queued_again_twice_and_then_fails() -> None:
    job = asked_for()
    for attempt in (1, 2):
        assert queue.claim(job.pk, worker=f"worker {attempt}") is not None
        assert sweep.sweep(now=later(59)).requeued == []
        assert sweep.sweep(now=later(61)).requeued == [job.pk]
    assert queue.claim(job.pk, worker="worker 3") is not None

    assert sweep.sweep(now=later(61)).failed == [job.pk]
    job.refresh_from_db()
    assert (job.state, job.attempts, job.error_code) == ("failed", 3, "worker-died")
    assert job.error.startswith(f"The process that did job {job.pk} was stopped 3 times")


def test_a_job_that_is_its_commands_alone_is_not_given_to_a_worker() -> None:
    job = queue.request("test-work", by=None, attempts=1, notify=False)
    queue.claim(job.pk, worker="a command")

    assert sweep.sweep(now=later(61)).failed == [job.pk]


def test_a_job_whose_worker_died_after_a_cancellation_is_cancelled() -> None:
    job = asked_for()
    queue.claim(job.pk, worker="one")
    queue.cancel(job, by=None)

    assert sweep.sweep(now=later(61)).cancelled == [job.pk]


def test_a_job_whose_row_is_locked_by_its_own_commit_is_left_alone() -> None:
    job = asked_for()
    claimed = queue.claim(job.pk, worker="one")
    assert claimed is not None
    swept: list[sweep.Swept] = []

    def look() -> None:
        try:
            swept.append(sweep.sweep(now=later(61)))
        finally:
            connection.close()

    with transaction.atomic():
        queue.finish(claimed)
        other = threading.Thread(target=look)
        other.start()
        other.join()

    assert swept == [sweep.Swept()]
    assert sweep.sweep(now=later(61)).committed == [job.pk]


def test_a_worker_that_was_given_up_cannot_finish_and_its_work_is_rolled_back() -> None:
    job = asked_for()
    old = queue.claim(job.pk, worker="old")
    assert old is not None
    sweep.sweep(now=later(61))
    new = queue.claim(job.pk, worker="new")
    assert new is not None

    with transaction.atomic():
        sample_operations.trace(old)
        with pytest.raises(queue.Superseded):
            queue.finish(old)
        transaction.set_rollback(True)
    assert traces() == 0
    with transaction.atomic():
        sample_operations.trace(new)
        queue.finish(new)
    assert traces() == 1


def test_a_worker_that_was_given_up_stops_at_its_next_step_and_writes_nothing(tmp_path: Path) -> None:
    job = asked_for(wait_for=str(tmp_path / "never"))

    def give_up() -> None:
        try:
            for state in queue.follow(job.pk, every=0.05):
                if state.step == "waiting":
                    sweep.sweep(now=later(61))
                    return
        finally:
            connection.close()

    other = threading.Thread(target=give_up)
    other.start()
    after = runner.run(job.pk)
    other.join()

    assert after is not None
    assert (after.state, after.attempts, after.worker) == ("queued", 1, "")
    assert traces() == 0


def test_an_interrupted_command_leaves_a_cancelled_job_and_no_trace() -> None:
    def interrupt(event: Event) -> None:
        raise KeyboardInterrupt

    job = asked_for()
    with pytest.raises(KeyboardInterrupt):
        runner.run(job.pk, watch=interrupt)

    job.refresh_from_db()
    assert job.state == "cancelled"
    assert traces() == 0


def test_what_fails_after_the_work_was_committed_does_not_undo_the_success() -> None:
    def work(job: Job) -> Steps:
        with transaction.atomic():
            sample_operations.trace(job)
            yield Progress("working")
            queue.finish(job, {"rows": 1})
        raise OSError("the temporary folder is gone")

    operations.operations["test-afterwards"] = work
    after = runner.run(asked_for("test-afterwards").pk)

    assert after is not None
    assert (after.state, after.result) == ("succeeded", {"rows": 1})


def test_finishing_a_job_in_a_transaction_that_is_rolled_back_does_not_count() -> None:
    def work(job: Job) -> Steps:
        with transaction.atomic():
            sample_operations.trace(job)
            yield Progress("working")
            queue.finish(job)
            raise DamagedArchive("A reference leads nowhere.")

    operations.operations["test-undone"] = work
    after = runner.run(asked_for("test-undone").pk)

    assert after is not None
    assert (after.state, after.committed) == ("failed", None)
    assert traces() == 0


def test_finishing_a_job_outside_of_a_transaction_is_an_error() -> None:
    claimed = queue.claim(asked_for().pk, worker="one")
    assert claimed is not None
    with pytest.raises(RuntimeError, match="inside the transaction"):
        queue.finish(claimed)


def test_watchers_are_called_when_a_job_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[tuple[int, str]] = []
    monkeypatch.setattr(operations, "watchers", [lambda job: ended.append((job.pk, job.state))])
    done, refused, cancelled = asked_for(), asked_for("test-refuse"), asked_for()

    runner.run(done.pk)
    runner.run(refused.pk)
    queue.cancel(cancelled, by=None)

    assert ended == [(done.pk, "succeeded"), (refused.pk, "failed"), (cancelled.pk, "cancelled")]


def test_a_job_can_be_followed_to_its_end() -> None:
    job = asked_for()
    runner.run(job.pk)

    assert [state.state for state in queue.follow(job.pk)] == ["succeeded"]
    with pytest.raises(NotFound):
        next(queue.follow(job.pk + 1))


def test_the_database_refuses_states_that_cannot_be() -> None:
    job = asked_for()
    for wrong in ({"state": "paused"}, {"state": "failed", "finished": None}, {"finished": timezone.now()}):
        with pytest.raises(IntegrityError):
            Job.objects.filter(pk=job.pk).update(**wrong)


def test_one_sweep_notifies_of_few_jobs_however_many_wait() -> None:
    for _ in range(3 * sweep.NOTIFIED_AGAIN):
        queue.request("test-work", by=None, notify=False)
    first = sweep.sweep(now=later(31)).notified
    assert len(first) == sweep.NOTIFIED_AGAIN
    assert not set(first) & set(sweep.sweep(now=later(31)).notified)


def test_a_notification_that_nobody_took_is_ignored_after_some_time(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(tasks.run_job, "apply_async", lambda *_, **facts: sent.append(facts))
    tasks.notify(1)
    # The sweep notifies of a job that waits every 15 minutes at least.
    assert sent[0]["expires"] >= 900


def test_an_attempt_that_was_given_back_is_told_from_the_next_of_its_number() -> None:
    job = queue.request("test-work", by=None, notify=False)
    first = queue.claim(job.pk, worker="one")
    assert first is not None
    queue.give_back(first)
    second = queue.claim(job.pk, worker="two")
    assert second is not None
    assert (first.attempts, second.attempts) == (1, 1)
    with pytest.raises(queue.Superseded), transaction.atomic():
        queue.finish(first)
    assert queue.mine(second).exists()


def test_a_process_that_ends_waits_neither_for_the_broker_nor_for_the_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    notified: list[int] = []
    monkeypatch.setattr(queue, "notify_workers", notified.append)
    job = queue.request("test-work", by=None, notify=False)
    part = queue.request("test-work", by=None, notify=False, attempts=1)
    claimed = [queue.claim(one.pk, worker="w") for one in (job, part)]
    session = connection.get_new_connection(connection.get_connection_params())
    with session.cursor() as cursor:
        cursor.execute("SELECT FROM jobs_job WHERE id = %s FOR UPDATE", [job.pk])
    assert claimed[0] is not None
    assert claimed[1] is not None
    with pytest.raises(OperationalError):
        queue.give_back(claimed[0], ending=True)
    session.rollback()  # closing alone does not wait until the server has let go of the row
    session.close()
    for one in claimed:
        assert one is not None
        queue.give_back(one, ending=True)
    job.refresh_from_db()
    part.refresh_from_db()
    assert (job.state, job.attempts, part.state, notified) == ("queued", 0, "cancelled", [])
