"""The app of jobs."""

from __future__ import annotations

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """The queue of jobs and the workers that do them."""

    name = "jobs"
    default_auto_field = "django.db.models.BigAutoField"
