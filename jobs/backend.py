"""The server process of a thread's database connection, as another thread sees it: is it at work, cancel its statement."""

from __future__ import annotations

from django.db import DEFAULT_DB_ALIAS, connection, connections


class Backend:
    """The server process behind the database connection of the thread that makes this object.

    The methods are called in other threads, whose own connections they use. Without a connection there is no process.
    """

    def __init__(self) -> None:
        self._watched = connections[DEFAULT_DB_ALIAS]

    def at_work(self) -> bool:
        """Whether a statement is running, or waits for a lock; not one that waits for this program to send or take rows.

        Such a statement ends by its own time limit at the latest.
        """
        return self._asked(
            "SELECT true FROM pg_stat_activity"
            " WHERE pid = %s AND state = 'active' AND wait_event_type IS DISTINCT FROM 'Client'"
        )

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
