"""Celery tasks of notices: send what is in the outbox; look for overdue backups and make the daily summaries."""

from __future__ import annotations

import logging

from celery import shared_task

from courses.locks import locked_if_free
from jobs import trail
from notices import delivery, failures, summary

log = logging.getLogger(__name__)


@shared_task(ignore_result=True, expires=60)
def deliver() -> None:
    """Send the notices whose time has come, those that failed before included."""
    delivery.deliver()


@shared_task(ignore_result=True, expires=600)
def watch() -> None:
    """Look for overdue backups, make the summaries of today, and record and tell ends of jobs of which nobody did.

    One process at a time does it; others leave it to that one. A step that fails is logged, and the others are taken.
    """
    with locked_if_free("notices") as mine:
        if mine:
            for step in (trail.catch_up, failures.catch_up, summary.tell_overdue, summary.send_summaries):
                try:
                    step()
                except Exception:
                    log.exception("A step of the notices failed: %s.", step)
