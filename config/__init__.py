"""The configuration of the site: settings, URLs, middleware, the Celery application and the deployment check."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
