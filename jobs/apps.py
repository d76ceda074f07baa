"""The Django app `jobs`."""

from __future__ import annotations

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """The configuration of the app with the queue of jobs."""

    name = "jobs"
    default_auto_field = "django.db.models.BigAutoField"
