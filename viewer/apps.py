"""The app of a course's pages."""

from __future__ import annotations

from django.apps import AppConfig


class ViewerConfig(AppConfig):
    """The pages of a course and what is in it."""

    name = "viewer"
    default_auto_field = "django.db.models.BigAutoField"
