"""Rows of queries come in batches, in constant memory, and cursors on the server are closed."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection

from courses import cursors


def test_long_rows_come_a_few_at_a_time(transactional_db: None) -> None:
    sql = "SELECT n, repeat('x', 1000000) FROM generate_series(1, 220) AS n"
    with cursors.snapshot():
        sizes = [len(batch) for batch in cursors.stream(sql, {}, weight=1)]
    assert sum(sizes) == 220
    assert max(sizes[1:]) <= cursors.FITTING // 1_000_000


@pytest.mark.parametrize("row", [1, cursors.MANY + 1])
def test_an_error_of_the_server_is_one_of_the_database_whenever_it_comes(
    transactional_db: None, row: int
) -> None:
    sql = f"SELECT n, 1 / (n - {row}) FROM generate_series(1, 3 * {cursors.MANY}) AS n"
    with pytest.raises(DatabaseError), cursors.snapshot():
        list(cursors.stream(sql, {}))


def test_what_was_read_of_a_large_query_does_not_stay_open(transactional_db: None) -> None:
    with cursors.snapshot():
        for rows in (1, 3 * cursors.MANY, 2):
            assert (
                sum(len(batch) for batch in cursors.stream(f"SELECT generate_series(1, {rows})", {})) == rows
            )
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_cursors WHERE statement NOT LIKE '%%pg_cursors%%'")
            assert cursor.fetchone()[0] <= 1
