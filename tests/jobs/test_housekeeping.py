"""Periodic tasks: each is done once when it is due, by one process of the site, and its errors are told."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.db.models.functions import Now

from jobs import housekeeping
from jobs.housekeeping import Keeper, Periodic, run_if_due
from jobs.models import Housekeeping

pytestmark = pytest.mark.django_db(transaction=True)


def counting(done: list[str], *, every: float = 60) -> Periodic:
    return Periodic("a-task", every, lambda: done.append("done"))


def test_a_task_runs_at_first_and_then_when_its_time_has_passed() -> None:
    done: list[str] = []
    assert [run_if_due(counting(done)) for _ in range(3)] == [True, False, False]
    Housekeeping.objects.update(began=Now() - timedelta(seconds=61))
    assert run_if_due(counting(done))
    assert len(done) == 2
    assert Housekeeping.objects.exclude(finished=None).count() == 1


def test_of_many_workers_that_look_at_once_one_does_the_task() -> None:
    done: list[str] = []
    barrier = threading.Barrier(6)

    def look() -> None:
        try:
            barrier.wait()
            run_if_due(counting(done))
        finally:
            connection.close()

    threads = [threading.Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 1


def test_a_task_that_takes_longer_than_its_period_is_not_run_twice_at_once() -> None:
    inside, leave = threading.Event(), threading.Event()

    def work() -> None:
        inside.set()
        leave.wait()

    def keep() -> None:
        try:
            run_if_due(Periodic("a-task", 0, work))
        finally:
            connection.close()

    first = threading.Thread(target=keep)
    first.start()
    inside.wait()
    done: list[str] = []
    assert not run_if_due(counting(done, every=0))
    leave.set()
    first.join()
    assert run_if_due(counting(done, every=0))
    assert len(done) == 1


def test_an_error_of_a_task_is_recorded_and_does_not_end_the_housekeeping(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail() -> None:
        raise OSError("the storage is away")

    assert run_if_due(Periodic("a-task", 0, fail))
    row = Housekeeping.objects.get()
    assert (row.error, row.finished is not None) == ("OSError", True)
    assert "the storage is away" in caplog.text
    done: list[str] = []
    assert run_if_due(counting(done, every=0))
    row.refresh_from_db()
    assert (done, row.error) == (["done"], "")


def test_a_thread_goes_on_when_the_database_was_away(monkeypatch: pytest.MonkeyPatch) -> None:
    again = threading.Event()
    looks: list[None] = []

    def look(_: Periodic) -> bool:
        looks.append(None)
        if len(looks) == 1:
            raise OperationalError("the server is away")
        again.set()
        return True

    monkeypatch.setattr(housekeeping, "run_if_due", look)
    keeper = Keeper(counting([], every=0.01))
    keeper.start()
    assert again.wait(30)
    keeper.stop()
    keeper.join()


def test_a_thread_keeps_a_task_until_it_is_stopped() -> None:
    again, begun = threading.Event(), threading.Event()
    times: list[None] = []

    def work() -> None:
        times.append(None)
        if len(times) == 3:
            again.set()

    keeper = Keeper(Periodic("a-task", 0.01, work), begin=begun.set)
    keeper.start()
    assert again.wait(30)
    assert begun.is_set()
    keeper.stop()
    keeper.join()
