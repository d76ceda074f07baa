"""The Celery application: `celery -A config worker` and `celery -A config beat`."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("coursekeep")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# Fixed entries only: people's schedules are rows, not entries here. All tasks are idempotent.
app.conf.beat_schedule = {
    "queue-what-is-due": {"task": "vault.tasks.queue_due", "schedule": 60.0},
    "sweep-jobs": {"task": "jobs.tasks.sweep", "schedule": 15.0},
    "sweep-recycle-bin": {"task": "transfer.tasks.sweep", "schedule": 3600.0},
    "sweep-storages": {"task": "vault.tasks.sweep", "schedule": 15.0},
}
