"""The rows that a restore adds and removes, by table, as PostgreSQL counts them for the transaction: no table is read.

All ways in which rows come are counted: by the loaders, by merging, by hand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from django.db import connection

from courses import structure
from restore.loaders import Loaders

COUNTS = """
SELECT name, pg_stat_get_xact_tuples_inserted(relation), pg_stat_get_xact_tuples_deleted(relation)
FROM unnest(%s::text[]) AS t (name), to_regclass(quote_ident(name)) AS relation
"""
"""SQL: the numbers of rows that this transaction has added to tables and removed from them."""


class Changes(NamedTuple):
    """How many rows a transaction has added to one table and removed from it."""

    added: int
    removed: int


class RowCounts:
    """The rows of archived models that were added and removed since `begin`.

    Rows that a step adds and removes again do not count. `removed` are those that were there before the restore, by table;
    they have to be removed inside of `removing`.
    """

    def __init__(self) -> None:
        self.removed: Counter[str] = Counter()
        self._before: dict[str, int] = {}

    def begin(self, loaders: Loaders) -> None:
        """Count from now on. What the loaders have written so far counts too: the new people and roles."""
        loaders.flush()
        written = loaders.written
        self._before = {table: one.added - one.removed - written[table] for table, one in _changes().items()}

    @contextmanager
    def removing(self) -> Iterator[None]:
        """Context manager: all rows that are removed inside were there before the restore."""
        before = _changes()
        yield
        for table, one in _changes().items():
            self.removed[table] += one.removed - before[table].removed
        self.removed = +self.removed

    def added(self, loaders: Loaders) -> Counter[str] | None:
        """Return the numbers of new rows by table; None if the server does not count (`track_counts` is off).

        All rows must have been sent.
        """
        found: Counter[str] = Counter()
        counts = _changes()
        for table, one in counts.items():
            found[table] = one.added - one.removed - self._before.get(table, 0) + self.removed[table]
        if loaders.written.total() and not any(one.added for one in counts.values()):
            return None
        return +found


def _changes() -> dict[str, Changes]:
    """Return what this transaction has changed so far, by the tables of archived models."""
    tables = sorted({model._meta.db_table for model in structure.archived_models()})
    with connection.cursor() as cursor:
        cursor.execute(COUNTS, [tables])
        return {table: Changes(added, removed) for table, added, removed in cursor.fetchall()}
