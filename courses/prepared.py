"""Prepare queries in a session of the database: it parses and plans them once, not in each backup.

The queries of the first rows of a course are 350,000 characters of SQL, always the same. To parse and plan them took a third of
the backup of an ordinary course. Each character takes 120 bytes of the server's memory as long as the session lasts.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple

from django.db import connection

ENOUGH = 600_000
"""Characters of SQL: a session with as much in prepared queries prepares no more. Other options make other queries."""

PREPARED_IDS = 200
"""Ids in the parameters of a prepared query, at most. Its plan compares each row with all of them; one for these ids looks them
up."""

PLANS = "SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_seqscan = off"
"""Settings for the plans of prepared queries, which act on all queries of the transaction from then on. One plan is for all
parameters, and it goes by indexes: it is kept while its tables grow, and what is quick with ten rows takes minutes with a
million."""

BACKED_UP = "backed_up"
"""The name of a query that says that the session has been used for a backup."""

_QUERIES_AND_VIEWS = """SELECT name, length(statement), NULL FROM pg_prepared_statements UNION ALL
SELECT NULL, 0, relname FROM pg_class WHERE relnamespace = pg_my_temp_schema() AND relkind = 'v'"""


class _Prepared(NamedTuple):
    """A query that can be prepared: the name that it gets, the statement that prepares it, and the one that executes it."""

    name: str
    prepare: str
    execute: str


class PreparedQueries:
    """The queries that the session has prepared. Make it when the transaction makes no views any more.

    The first backup of a session prepares nothing: most sessions are of commands and end with it, and to prepare a query takes
    longer than to execute it once. A query that names a temporary view is not prepared, nor executed as one that was: that
    would read the table in whose place the view stands (PostgreSQL, PREPARE).
    """

    def __init__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_QUERIES_AND_VIEWS)
            rows = cursor.fetchall()
            self._names = {name for name, _, _ in rows if name is not None}
            self._goes_on = BACKED_UP in self._names
            cursor.execute(PLANS if self._goes_on else f"PREPARE {BACKED_UP} AS SELECT")
        self._has_enough = sum(characters for _, characters, _ in rows) >= ENOUGH
        self._views = {view for _, _, view in rows if view is not None}

    def statement(self, sql: str, parameters: Mapping[str, Any]) -> str:
        """Return the statement that executes a query, with the same named parameters; it prepares the query if need be."""
        if not self._goes_on or number_of_ids(parameters) > PREPARED_IDS:
            return sql
        if any(view in sql for view in self._views):
            return sql
        found = _as_prepared(sql)
        if found.name in self._names:
            return found.execute
        if self._has_enough:
            return sql
        self._names.add(found.name)
        return f"{found.prepare}; {found.execute}"


def keep_temporary_schema() -> None:
    """Make the session's schema of temporary tables, if it has none and may. Call it outside of a transaction.

    The first temporary view of a session makes that schema. If it is rolled back with the view, PostgreSQL forgets the plans
    of all prepared queries, in each backup again.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_my_temp_schema() = 0 AND has_database_privilege(current_database(), 'TEMPORARY')"
        )
        if cursor.fetchone()[0]:
            cursor.execute("CREATE TEMPORARY TABLE makes_schema (); DROP TABLE makes_schema")


def number_of_ids(parameters: Mapping[str, Any]) -> int:
    """Return how many ids stand in the lists among parameters of a query."""
    return sum(len(value) for value in parameters.values() if isinstance(value, list))


class _Positions(dict[str, str]):
    """The names of parameters with their positions in a prepared query: `$1`, `$2` and so on."""

    def __missing__(self, name: str) -> str:
        self[name] = f"${len(self) + 1}"
        return self[name]


@lru_cache(maxsize=256)
def _as_prepared(sql: str) -> _Prepared:
    """Return a query with named parameters as one that can be prepared; its name is made of its SQL."""
    positions = _Positions()
    text = (sql % positions).replace("%", "%%")
    name = f"query_{sha256(sql.encode()).hexdigest()[:40]}"
    values = ", ".join(f"%({one})s" for one in positions)
    return _Prepared(
        name, f"PREPARE {name} AS {text}", f"EXECUTE {name}({values})" if values else f"EXECUTE {name}"
    )
