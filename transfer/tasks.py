"""The Celery task of the recycle bin."""

from __future__ import annotations

from celery import shared_task

from transfer import removals


@shared_task(ignore_result=True, expires=3600)
def sweep() -> None:
    """Remove for good what has been in the recycle bin for longer than the site's limit."""
    removals.sweep()
