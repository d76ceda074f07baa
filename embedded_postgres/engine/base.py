"""A PostgreSQL engine that starts the embedded server when a connection finds none.

Starting at the connection serves every entry point alike (commands, web, worker, beat, tests), costs nothing
while the server runs, and brings it back when it was killed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg2
from django.db.backends.postgresql.base import DatabaseWrapper as PostgresWrapper

from embedded_postgres.server import Embedded


class DatabaseWrapper(PostgresWrapper):
    """One connection to the embedded server."""

    def get_connection_params(self) -> dict[str, Any]:
        """The parameters without `home`, which is for the server and not for libpq."""
        params: dict[str, Any] = super().get_connection_params()
        params.pop("home", None)
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Connect; when that fails, make sure that the server runs and try once more."""
        try:
            return super().get_new_connection(conn_params)
        except psycopg2.OperationalError:
            Embedded(Path(self.settings_dict["OPTIONS"]["home"])).ensure_running()
            return super().get_new_connection(conn_params)
