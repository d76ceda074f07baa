"""Search for a part of a text in tables of a million rows, by an index of the texts' trigrams (three letters in a row).

PostgreSQL's own extension for this, pg_trgm, is not on every server; an index of arrays is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TypeVar

from django.db import connection
from django.db.models import Model, Q, QuerySet

M = TypeVar("M", bound=Model)

SHORTEST = 3
"""Characters of the shortest text for which the index helps."""

MOST_CANDIDATES = 2_000
"""Rows that are looked for in the index. If more match, rows are read in the order of the list until a page is full."""

# The time is linear, as a title may come from a stranger: `substr` would count the letters before each place again.
# Where the database's capital letters are those of ICU, a text may be longer in capitals: "ß" is "SS".
FUNCTION = """
    CREATE OR REPLACE FUNCTION coursekeep_trigrams(said text) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 1000 AS $$
        SELECT coalesce(array_agg(DISTINCT a || b || c), '{}'::text[])
        FROM (SELECT string_to_array(upper(said), NULL) AS letters) AS capitals,
            unnest(letters, letters[2:], letters[3:]) AS trigram(a, b, c)
        WHERE c IS NOT NULL
    $$
"""


@dataclass(frozen=True, slots=True)
class TextIndex:
    """An index of the trigrams in some columns of a model; `only` is an SQL condition for the rows that it has."""

    name: str
    model: type[Model]
    columns: tuple[str, ...]
    only: str = "true"

    @property
    def table(self) -> str:
        """The quoted name of the table."""
        return connection.ops.quote_name(self.model._meta.db_table)

    @property
    def expression(self) -> str:
        """The indexed SQL expression."""
        joined = " || ' ' || ".join(connection.ops.quote_name(column) for column in self.columns)
        return f"coursekeep_trigrams({joined})"

    def install(self) -> None:
        """Create the function, the index and statistics of the columns, if the table is there. Safe to call again."""
        with connection.cursor() as cursor:
            if self.model._meta.db_table not in connection.introspection.table_names(cursor):
                return
            cursor.execute(FUNCTION)
            cursor.execute(
                f"CREATE INDEX IF NOT EXISTS {self.name} ON {self.table} USING gin ({self.expression}) WHERE {self.only}"
            )
        create_statistics(self.name, self.model, self.columns)

    def candidates(self, text: str) -> list[int] | None:
        """Return the ids of the rows that have all trigrams of a text; None if the text is short or the rows are many."""
        if len(text) < SHORTEST:
            return None
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT id FROM {self.table} WHERE {self.expression} @> coursekeep_trigrams(%s) AND {self.only}"
                f" LIMIT {MOST_CANDIDATES + 1}",
                [text],
            )
            found = [pk for (pk,) in cursor.fetchall()]
        return found if len(found) <= MOST_CANDIDATES else None


def create_statistics(name: str, model: type[Model], columns: Sequence[str]) -> None:
    """Create the planner's statistics of columns in capitals, if their table is there. Safe to call again.

    By these it knows how many rows have a text, and so whether the newest ones soon fill a page. They are named by `name` and
    the column, and computed at once: by itself the database does so only when a tenth of the rows has changed.
    """
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        if model._meta.db_table not in connection.introspection.table_names(cursor):
            return
        cursor.execute("SELECT stxname FROM pg_statistic_ext WHERE stxrelid = %s::regclass", [table])
        there = {found for (found,) in cursor.fetchall()}
        missing = [column for column in columns if f"{name}_{column}" not in there]
        for column in missing:
            quoted = connection.ops.quote_name(column)
            cursor.execute(f"CREATE STATISTICS {name}_{column} ON upper({quoted}) FROM {table}")
        if missing:
            cursor.execute(f"ANALYZE {table}")


def having(found: QuerySet[M], text: str, index: TextIndex) -> QuerySet[M]:
    """Return the rows that have a text in one of the columns of an index, in any case."""
    columns = reduce(or_, (Q(**{f"{column}__icontains": text}) for column in index.columns))
    candidates = index.candidates(text)
    return found.filter(columns) if candidates is None else found.filter(columns, pk__in=candidates)
