"""The Django app of the embedded PostgreSQL server."""

from __future__ import annotations

from django.apps import AppConfig


class EmbeddedPostgresConfig(AppConfig):
    """The app `embedded_postgres`: the command `embedded`; it has no models."""

    name = "embedded_postgres"
    default_auto_field = "django.db.models.BigAutoField"
