"""Prepare queries in a session of the database: each is parsed and planned once in the session, not in each backup.

The queries of the first rows of a course are 350 KB of SQL, always the same. To parse and plan them took a third of the backup
of an ordinary course; the session keeps their plans in 40 MB.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from django.db import connection

MOST = 800_000
"""Characters of SQL of the prepared queries that a session keeps; each takes 120 bytes of the server's memory. With more, all
are forgotten: other options make other queries. Those of a whole course have 350,000."""

GENERIC = "SET LOCAL plan_cache_mode = force_generic_plan"
"""A plan fits all parameters. By itself PostgreSQL would plan the first five times for the parameters that are given."""

_QUERIES_AND_VIEWS = """SELECT name, length(statement), NULL FROM pg_prepared_statements UNION ALL
SELECT NULL, 0, relname FROM pg_class WHERE relnamespace = pg_my_temp_schema() AND relkind = 'v'"""


class _Prepared(NamedTuple):
    """A query that can be prepared: the name that it gets, the statement that prepares it, and the one that executes it."""

    name: str
    prepare: str
    execute: str


class PreparedQueries:
    """The queries that the session has prepared. Make it when the transaction makes no views any more.

    A prepared query reads the tables that it found when it was prepared, also if a temporary view now stands in place of one
    (PostgreSQL, PREPARE): a query that names such a view is neither prepared nor executed as one that was.
    """

    def __init__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_QUERIES_AND_VIEWS)
            rows = cursor.fetchall()
            names = {name for name, _, _ in rows if name is not None}
            if sum(characters for _, characters, _ in rows) > MOST:
                cursor.execute("DEALLOCATE ALL")
                names.clear()
        self._names = names
        self._views: AbstractSet[str] = {view for _, _, view in rows if view is not None}

    def statement(self, sql: str) -> str:
        """Return the statement that executes a query, with the same named parameters; before, the query is prepared if it is
        not yet. A query that names a temporary view comes back as it is."""
        if any(view in sql for view in self._views):
            return sql
        found = _prepared(sql)
        if found.name in self._names:
            return found.execute
        self._names.add(found.name)
        return f"{found.prepare}; {found.execute}"


def keep_temporary_schema() -> None:
    """Make an empty temporary table, outside of the transaction that follows.

    The first temporary view of a session makes its schema. If that is rolled back with the view, PostgreSQL forgets the plans
    of all prepared queries, in each backup again.
    """
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE IF NOT EXISTS kept_schema ()")


class _Places(dict[str, str]):
    """The names of parameters with the places that a prepared query has for them: `$1`, `$2` and so on."""

    def __missing__(self, name: str) -> str:
        self[name] = f"${len(self) + 1}"
        return self[name]


@lru_cache(maxsize=256)
def _prepared(sql: str) -> _Prepared:
    """Return a query with named parameters as one that can be prepared; its name is made of its SQL."""
    places = _Places()
    text = (sql % places).replace("%", "%%")
    name = f"query_{sha256(sql.encode()).hexdigest()[:40]}"
    values = ", ".join(f"%({one})s" for one in places)
    return _Prepared(
        name, f"PREPARE {name} AS {text}", f"EXECUTE {name}({values})" if values else f"EXECUTE {name}"
    )
