"""The server process of a thread's database connection, as another thread sees it: does it wait, cancel its statement."""

from __future__ import annotations

from django.db import DEFAULT_DB_ALIAS, connection, connections


class Backend:
    """The server process behind the database connection of the thread that makes this object.

    The methods are called in other threads, whose own connections they use. Without a connection there is no process.
    """

    def __init__(self) -> None:
        self._watched = connections[DEFAULT_DB_ALIAS]

    def waits_for_lock(self) -> bool:
        """Whether the statement waits for a lock that another session holds."""
        return self._asked("SELECT true FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'")

    def cancel_statement(self) -> bool:
        """Cancel the statement that is running, which then raises an error; False if there is none."""
        return self._asked(
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid = %s AND state = 'active'"
        )

    def _asked(self, sql: str) -> bool:
        watched = self._watched.connection
        if watched is None or watched.closed:
            return False
        with connection.cursor() as cursor:
            cursor.execute(sql, [watched.info.backend_pid])
            row = cursor.fetchone()
        return bool(row and row[0])
