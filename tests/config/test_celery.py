"""The queue's fixed entries."""

from __future__ import annotations

import resource
from collections.abc import Iterator

import pytest

from config import celery, timeouts
from config.celery import app
from jobs import shutdown


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What the start of a process of a worker does to the process; the limits are not set."""
    done: list[str] = []
    monkeypatch.setattr(resource, "setrlimit", lambda *_: done.append("memory"))
    monkeypatch.setattr(shutdown, "serve_jobs", lambda: done.append("ended for a job"))
    monkeypatch.setattr(timeouts, "apply_in_process", lambda limits: done.append(limits.name))
    yield done
    shutdown._Process.main = 0


def test_a_process_of_a_workers_pool_has_limits_and_may_be_ended(begun: list[str]) -> None:
    celery.begin_process()
    assert sorted(begun) == ["JOB", "ended for a job", "memory"]


def test_a_worker_without_children_is_not_ended_for_a_job(begun: list[str]) -> None:
    """With the pool `solo` jobs run in the process that keeps house."""
    celery.begin_worker()
    celery.begin_process()
    assert begun == ["JOB"]


def test_beat_has_fixed_entries_that_name_tasks_which_exist() -> None:
    app.loader.import_default_modules()
    entries = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert entries == {
        "notices.tasks.deliver",
        "notices.tasks.watch",
        "vault.tasks.count_site",
        "vault.tasks.expire",
        "vault.tasks.queue_due",
        "vault.tasks.sweep",
        "jobs.tasks.sweep",
        "transfer.tasks.sweep",
    }
    assert entries <= set(app.tasks)
