"""The queue of a site under chaos: that of `config`, whose periodic tasks run every few seconds."""

from __future__ import annotations

from config.celery import app

SECONDS = 3.0
"""Seconds between two runs of a periodic task, instead of up to an hour."""

app.conf.beat_schedule = {
    name: {**entry, "schedule": min(float(entry["schedule"]), SECONDS)}
    for name, entry in app.conf.beat_schedule.items()
}
