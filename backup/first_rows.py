"""Read the first rows of several queries together: one request in place of many, sent before the rows are needed.

Most kinds of records have few rows in a course, or none: a request for each would take longer than its rows. A row of the
answer has the number of its query, then as many ids as any of the queries has, then as many texts:

    query          its columns                                  a row
    0, forum       parent_id, record_id, xml, opaque            (0, 7, 7, NULL, b'<forum id="7">...', NULL)
    1, discussion  parent_id, record_id, xml, opaque, user      (1, 7, 11, 31, b'<discussion id="11">...', NULL)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any

from backup.render import ID, TEXT, Batch, Query
from courses import cursors
from courses.prepared import number_of_ids

FIRST = 50
"""Rows of each query that are read together. A query with as many may have more."""

MOST_IDS = 5_000
"""Ids in the parameters of queries that are read together: they stand in the request once for each condition."""

CACHED = 512
"""Bodies of members whose queries stay compiled in a process: a whole course has 60, with 350 KB of SQL."""


class FirstRows:
    """The first rows of queries with the same parameters. They are asked for when this is made, and waited for when used.

    With too many parameters for that nothing is read.
    """

    def __init__(self, asked: tuple[Query, ...], parameters: Mapping[str, Any]) -> None:
        self._asked = asked
        self._limit = FIRST
        sql, self._places = _together(asked, self._limit)
        self._asks = number_of_ids(parameters) <= MOST_IDS
        self._answer = cursors.read_ahead(sql, {**parameters, "skip": 0}) if self._asks else list

    def take(self, number: int) -> tuple[Batch, bool]:
        """Return the first rows of a query, given its position, and whether there are no more of it; each query once."""
        rows = self._rows.pop(number, [])
        columns = [*zip(*rows, strict=True)]
        batch = self._asked[number].named([columns[place] for place in self._places[number] if columns])
        return batch, self._asks and len(rows) < self._limit

    @cached_property
    def _rows(self) -> dict[int, list[tuple[Any, ...]]]:
        """The rows, by the positions of their queries."""
        found = defaultdict(list)
        for row in self._answer():
            found[row[0]].append(row)
        return found


@lru_cache(maxsize=CACHED)
def _together(asked: tuple[Query, ...], limit: int) -> tuple[str, list[list[int]]]:
    """Return the SQL of the first rows of queries, so many of each, and the places of their columns in a row of it."""
    width = {one: max(query.types.count(one) for query in asked) for one in (ID, TEXT)}
    empty = [f"NULL::{sql_type}" for sql_type in (ID, TEXT) for _ in range(width[sql_type])]
    places = [_places(query.types, {ID: 1, TEXT: 1 + width[ID]}) for query in asked]
    parts = (
        _part(number, query.sql, own, empty, limit)
        for number, (query, own) in enumerate(zip(asked, places, strict=True))
    )
    return " UNION ALL ".join(parts), places


def _places(types: Sequence[str], first: Mapping[str, int]) -> list[int]:
    """Return the place of each column in a row of the request, given the first place of each type."""
    following = dict(first)
    places = []
    for sql_type in types:
        places.append(following[sql_type])
        following[sql_type] += 1
    return places


def _part(number: int, sql: str, places: Sequence[int], empty: Sequence[str], limit: int) -> str:
    """Return the SQL of the first rows of one query: its columns at these places, and `empty` at the others."""
    row = [str(number), *empty]
    for column, place in enumerate(places):
        row[place] = f"c{column}"
    names = ", ".join(f"c{column}" for column in range(len(places)))
    return f"(SELECT {', '.join(row)} FROM ({sql}) q ({names}) LIMIT {limit})"  # noqa: S608  compiled by `render.queries`
