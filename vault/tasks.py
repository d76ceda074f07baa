"""The Celery tasks of the vault: due schedules are queued, and storages are swept."""

from __future__ import annotations

import time

from celery import shared_task

from courses import pool
from vault import schedules, storage


@shared_task(ignore_result=True, expires=120)
def queue_due() -> None:
    """Queue the backups of the schedules that are due."""
    schedules.queue_due()


@shared_task(ignore_result=True, expires=120)
def sweep() -> None:
    """Clear what dead workers left in the storage of archives and, shard by shard, in the pool."""
    storage.sweep()
    pool.sweep(int(time.time() // 60))
