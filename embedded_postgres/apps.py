"""The app of the embedded PostgreSQL."""

from __future__ import annotations

from django.apps import AppConfig


class EmbeddedPostgresConfig(AppConfig):
    """The command `embedded`."""

    name = "embedded_postgres"
    default_auto_field = "django.db.models.BigAutoField"
