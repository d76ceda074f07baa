"""Celery tasks of notices: send what is in the outbox; look for overdue backups and make the daily summaries."""

from __future__ import annotations

from celery import shared_task

from courses.locks import locked_if_free
from jobs import trail
from notices import delivery, summary


@shared_task(ignore_result=True, expires=60)
def deliver() -> None:
    """Send the notices whose time has come, those that failed before included."""
    delivery.deliver()


@shared_task(ignore_result=True, expires=600)
def watch() -> None:
    """Look for overdue backups, make the summaries of today, and record ends of jobs that nobody recorded.

    One process at a time does it; others leave it to that one.
    """
    with locked_if_free("notices") as mine:
        if mine:
            trail.catch_up()
            summary.tell_overdue()
            summary.send_summaries()
