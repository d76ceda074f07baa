"""Queries that are read ahead are planned once in a session, and never read another relation than they would unprepared."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection

from courses import cursors, prepared

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

READS = "SELECT count(*) FROM courses_assignallocatedmarker WHERE 1 = ANY(%(some)s)"
PARAMETERS = {"some": [1, 2]}


@contextmanager
def only_read(*, before: str = "") -> Iterator[None]:
    """A snapshot that only reads, after a statement."""
    with cursors.snapshot():
        if before:
            answers(before)
        cursors.only_read()
        yield


def answers(sql: str) -> list[tuple[Any, ...]]:
    """The rows of a statement, none if it has no result."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


def read(sql: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The rows of a query that is read ahead."""
    return cursors.read_ahead(sql, parameters)()


@pytest.fixture(autouse=True)
def none_prepared(transactional_db: None) -> Iterator[None]:
    """No queries are prepared before and after a test."""
    answers("DEALLOCATE ALL")
    yield
    answers("DEALLOCATE ALL")


def test_a_query_is_planned_once_in_a_session_whatever_its_parameters() -> None:
    for some in ([1], [1, 2, 3], [7]):
        with only_read():
            read(READS, {"some": some})
    counted = answers("SELECT generic_plans, custom_plans FROM pg_prepared_statements")
    assert counted == [(3, 0)]


def test_parameters_go_to_their_places_also_if_they_come_again_and_percent_signs_stay() -> None:
    sql = "SELECT 'a%%b', %(first)s::int, %(second)s::bigint[], %(first)s::int"
    for _ in range(2):
        with only_read():
            assert read(sql, {"second": [2, 3], "unused": 9, "first": 1}) == [(b"a%b", 1, [2, 3], 1)]


def test_queries_without_parameters_are_prepared_too() -> None:
    for _ in range(2):
        with only_read():
            assert read("SELECT 7", {}) == [(7,)]
    assert len(answers("SELECT name FROM pg_prepared_statements")) == 1


def test_a_query_reads_the_temporary_view_in_place_of_its_table_only_in_the_transaction_of_the_view() -> None:
    view = "CREATE TEMPORARY VIEW courses_assignallocatedmarker AS SELECT generate_series(1, 5)"
    for _ in range(2):
        with only_read():
            assert read(READS, PARAMETERS) == [(0,)]
        with only_read(before=view):
            assert read(READS, PARAMETERS) == [(5,)]


def test_before_the_transaction_only_reads_nothing_is_prepared() -> None:
    with cursors.snapshot():
        read(READS, PARAMETERS)
    assert answers("SELECT name FROM pg_prepared_statements") == []


def test_the_schema_of_temporary_views_outlives_them_so_that_plans_do_too() -> None:
    with only_read(before="CREATE TEMPORARY VIEW gone AS SELECT 1"):
        pass
    assert answers("SELECT pg_my_temp_schema() <> 0, to_regclass('gone')") == [(True, None)]


def test_a_session_with_too_much_sql_of_prepared_queries_forgets_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(prepared, "MOST", 100)
    for number in range(4):
        with only_read():
            assert read(f"SELECT {number:0100}", {}) == [(number,)]
    assert len(answers("SELECT name FROM pg_prepared_statements")) == 1
