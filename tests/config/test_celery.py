"""The queue's fixed entries."""

from __future__ import annotations

from config.celery import app


def test_beat_has_fixed_entries_that_name_tasks_which_exist() -> None:
    app.loader.import_default_modules()
    entries = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert entries == {
        "notices.tasks.deliver",
        "notices.tasks.watch",
        "vault.tasks.expire",
        "vault.tasks.queue_due",
        "vault.tasks.sweep",
        "jobs.tasks.sweep",
        "transfer.tasks.sweep",
    }
    assert entries <= set(app.tasks)
