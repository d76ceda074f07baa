"""The app of options."""

from __future__ import annotations

from django.apps import AppConfig


class SelectionConfig(AppConfig):
    """The app of the options of backups and restores."""

    name = "selection"
    default_auto_field = "django.db.models.BigAutoField"
