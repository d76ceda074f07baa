"""Celery tasks of the vault: queue due schedules, sweep storages, remove what is too old, count the site."""

from __future__ import annotations

import logging
import time
from functools import partial

from celery import shared_task

from archive.errors import StorageFailed
from courses import pool
from courses.locks import locked_if_free
from jobs import spool
from vault import expiry, figures, schedules, storage

log = logging.getLogger(__name__)


@shared_task(ignore_result=True, expires=120)
def queue_due() -> None:
    """Queue the backups of schedules that are due."""
    schedules.queue_due()


@shared_task(ignore_result=True, expires=120)
def sweep() -> None:
    """Remove what dead workers left in the spool and in the storages; of a storage that is away, nothing.

    Of the pool it takes one shard after the other.
    """
    steps = (spool.sweep, storage.sweep, partial(pool.sweep, int(time.time() // 60)), storage.sweep_parts)
    for step in steps:
        try:
            step()
        except StorageFailed as error:
            log.error("Nothing was swept. %s", error.sentence())


@shared_task(ignore_result=True, expires=600)
def count_site() -> None:
    """Count the whole site for the administrator's overview."""
    figures.store()


@shared_task(ignore_result=True, expires=600)
def expire() -> None:
    """Remove jobs, lines, findings, runs, sessions, audit entries and notices that are older than the site's limits.

    One process at a time does it; others leave it to that one.
    """
    with locked_if_free("expiry") as mine:
        if mine:
            expiry.sweep()
