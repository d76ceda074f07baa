"""Settings, addresses, the queue and the embedded database: what wires the domains together."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
