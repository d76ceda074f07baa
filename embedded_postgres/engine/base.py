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
    """A connection to the embedded server, which is started if it does not run."""

    def get_connection_params(self) -> dict[str, Any]:
        """Return the parameters without `home`, which is for the server and not for libpq."""
        params: dict[str, Any] = super().get_connection_params()
        params.pop("home", None)
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Return a new connection. If connecting fails, start the server and try once more."""
        try:
            return super().get_new_connection(conn_params)
        except psycopg2.OperationalError:
            Embedded(Path(self.settings_dict["OPTIONS"]["home"])).ensure_running()
            return super().get_new_connection(conn_params)
