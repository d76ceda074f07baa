"""Rows of queries come in batches, in constant memory, and cursors on the server are closed."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import wait
from contextlib import closing, suppress

import pytest
from django.db import DatabaseError, DataError, InternalError, connection

from courses import cursors


def test_long_rows_come_a_few_at_a_time(transactional_db: None) -> None:
    sql = "SELECT n, repeat('x', 1000000) FROM generate_series(1, 220) AS n"
    with cursors.snapshot():
        sizes = [len(batch) for batch in cursors.stream(sql, {}, weight=1)]
    assert sum(sizes) == 220
    assert max(sizes[1:]) <= cursors.FITTING // 1_000_000


@pytest.mark.parametrize("row", [1, cursors.MANY + 1, 2 * cursors.MANY + 1])
def test_an_error_of_the_server_is_one_of_the_database_whenever_it_comes(
    transactional_db: None, row: int
) -> None:
    sql = f"SELECT n, 1 / (n - {row}) FROM generate_series(1, 3 * {cursors.MANY}) AS n"
    with pytest.raises(DatabaseError, match="division by zero"), cursors.snapshot():
        list(cursors.stream(sql, {}))


def test_what_was_read_of_a_large_query_does_not_stay_open(transactional_db: None) -> None:
    with cursors.snapshot():
        for rows in (1, cursors.MANY, 3 * cursors.MANY, 2):
            assert (
                sum(len(batch) for batch in cursors.stream(f"SELECT generate_series(1, {rows})", {})) == rows
            )
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_cursors WHERE statement NOT LIKE '%%pg_cursors%%'")
            assert cursor.fetchone()[0] <= 1


def test_a_stream_that_is_given_up_leaves_the_connection_as_it_was(transactional_db: None) -> None:
    with cursors.snapshot():
        batches = cursors.stream(f"SELECT generate_series(1, {9 * cursors.MANY})", {})
        assert len(next(batches)) == cursors.MANY
        assert list(cursors.stream("SELECT 7", {})) == [[(7,)]]
        assert next(batches)[0] == (cursors.MANY + 1,)
        batches.close()
        assert list(cursors.stream("SELECT 8", {})) == [[(8,)]]
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_cursors WHERE statement LIKE '%%generate_series%%'")
            assert cursor.fetchone()[0] == 0


def test_the_rows_of_a_query_that_is_read_ahead_are_bytes_and_are_there_once_they_are_asked_for(
    transactional_db: None,
) -> None:
    with cursors.snapshot():
        rows = cursors.read_ahead("SELECT %(number)s, 'ü'::text", {"number": 7})
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        assert rows() == [(7, "ü".encode())]


def test_an_error_of_what_is_read_ahead_is_one_of_the_database_and_is_raised_when_it_is_asked_for(
    transactional_db: None,
) -> None:
    with cursors.snapshot():
        rows = cursors.read_ahead("SELECT 1 / 0", {})
        with pytest.raises(DatabaseError, match="division by zero"):
            rows()


def read_after(failing: Callable[[], object]) -> None:
    """Read a query in a snapshot in which something fails before."""
    with cursors.snapshot():
        failing()
        list(cursors.stream("SELECT 1", {}))


def fail_ahead() -> None:
    """Let a query fail that is read ahead."""
    cursors.read_ahead("SELECT 1 / 0", {})
    wait(cursors._ahead.get().readings)


def fail_in_a_batch_ahead() -> None:
    """Let a batch fail that is fetched while the first one is used."""
    sql = f"SELECT n, 1 / (n - {2 * cursors.MANY + 1}) FROM generate_series(1, 3 * {cursors.MANY}) AS n"
    batches = cursors.stream(sql, {})
    next(batches)
    for _ in range(3000):
        if cursors._ahead.get().errors:
            break
        time.sleep(0.01)
    with closing(batches):
        next(cursors.stream("SELECT 1", {}))


@pytest.mark.parametrize("failing", [fail_ahead, fail_in_a_batch_ahead])
def test_a_statement_fails_by_the_error_of_what_was_read_ahead_and_not_by_what_follows_from_it(
    transactional_db: None, failing: Callable[[], object]
) -> None:
    with pytest.raises(DataError, match="division by zero"):
        read_after(failing)


def test_a_statement_that_fails_by_itself_has_its_own_error(transactional_db: None) -> None:
    def fail() -> None:
        cursors.read_ahead("SELECT 1", {})
        with suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")

    with pytest.raises(InternalError, match="aborted"):
        read_after(fail)


def test_lists_of_numbers_are_sent_as_one_text(transactional_db: None) -> None:
    with cursors.snapshot():
        sql = "SELECT n FROM generate_series(1, 9) AS n WHERE n = ANY(%(some)s) AND n <> ALL(%(none)s)"
        assert list(cursors.stream(sql, {"some": [3, 5], "none": []})) == [[(3,), (5,)]]
        assert cursors.read_ahead("SELECT %(some)s", {"some": [3, 5]})() == [(b"{3,5}",)]
