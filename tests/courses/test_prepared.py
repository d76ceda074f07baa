"""Queries that are read ahead are planned once in a session, and never read another relation than they would unprepared."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection

from backup import anonymise
from courses import cursors, prepared
from courses.models import Course

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


def prepared_queries() -> int:
    """The number of prepared queries of the session, but the one that says that it was used before."""
    [(number,)] = answers("SELECT count(*) FROM pg_prepared_statements WHERE name <> 'backed_up'")
    return int(number)


def plan_of_the_only_query(values: str = "") -> str:
    """The plan that the session has of its one prepared query. If it were made anew here, it would read whole tables."""
    [(name,)] = answers("SELECT name FROM pg_prepared_statements WHERE name <> 'backed_up'")
    answers("SET plan_cache_mode = force_generic_plan")
    plan = answers(f"EXPLAIN EXECUTE {name}{values}")
    answers("RESET plan_cache_mode")
    return "\n".join(line for (line,) in plan)


@pytest.fixture(autouse=True)
def used_before(transactional_db: None) -> Iterator[None]:
    """A session that has been used for a backup and has prepared nothing; after the test it is as a new one."""
    answers("DEALLOCATE ALL")
    with only_read():
        pass
    yield
    answers("DEALLOCATE ALL")


def test_the_first_backup_of_a_session_prepares_nothing_and_later_ones_do() -> None:
    answers("DEALLOCATE ALL")
    for expected in (0, 1, 1):
        with only_read():
            assert read(READS, PARAMETERS) == [(0,)]
        assert prepared_queries() == expected


def test_a_query_has_one_plan_for_all_parameters() -> None:
    for some in ([1], [1, 2, 3], [7]):
        with only_read():
            read(READS, {"some": some})
    counted = answers(
        "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE name <> 'backed_up'"
    )
    assert counted == [(3, 0)]


def test_a_plan_goes_by_indexes_whatever_the_size_of_the_table_was() -> None:
    assert Course.objects.count() < 10
    sql = "SELECT id FROM courses_course WHERE id = ANY(%(some)s)"
    with only_read():
        read(sql, PARAMETERS)
    plan = plan_of_the_only_query("('{1}')")
    assert "Index" in plan
    assert "Seq Scan" not in plan


def test_a_query_with_many_ids_is_planned_for_them() -> None:
    with only_read():
        assert read(READS, {"some": list(range(prepared.PREPARED_IDS + 1))}) == [(0,)]
    assert prepared_queries() == 0


def test_parameters_go_to_their_places_also_if_they_come_again_and_percent_signs_stay() -> None:
    sql = "SELECT 'a%%b', %(first)s::int, %(second)s::bigint[], %(first)s::int"
    for _ in range(2):
        with only_read():
            assert read(sql, {"second": [2, 3], "unused": 9, "first": 1}) == [(b"a%b", 1, [2, 3], 1)]


def test_queries_without_parameters_are_prepared_too() -> None:
    for _ in range(2):
        with only_read():
            assert read("SELECT 7", {}) == [(7,)]
    assert prepared_queries() == 1


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
    assert prepared_queries() == 0


def test_plans_outlive_the_views_of_a_backup() -> None:
    connection.close()
    for _ in range(2):
        with only_read():
            read("SELECT count(*) FROM courses_role", {})
    with only_read(before="CREATE TEMPORARY VIEW gone AS SELECT 1"):
        pass
    assert "Seq Scan" not in plan_of_the_only_query()


def test_plans_outlive_the_pseudonyms_of_a_backup() -> None:
    anonymise.make_table()
    with only_read():
        read(f"SELECT count(*) FROM {anonymise.TABLE}", {})
    anonymise.make_table()
    assert "Seq Scan" not in plan_of_the_only_query()


def test_a_session_with_enough_sql_of_prepared_queries_prepares_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(prepared, "ENOUGH", 100)
    for number in range(4):
        with only_read():
            assert read(f"SELECT {number:0100}", {}) == [(number,)]
    assert prepared_queries() == 1
