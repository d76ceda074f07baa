"""The app of a course's pages."""

from __future__ import annotations

from django.apps import AppConfig


class ViewerConfig(AppConfig):
    """The app of the pages that show a course and its content."""

    name = "viewer"
    default_auto_field = "django.db.models.BigAutoField"
