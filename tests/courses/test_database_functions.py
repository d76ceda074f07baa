"""Functions in PostgreSQL: they work whatever plan the server makes."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from courses.database_functions import IS_JSON_ARRAY

pytestmark = pytest.mark.django_db


def test_texts_that_are_no_json_are_told_apart_also_where_the_server_plans_for_several_processes() -> None:
    parallel = "debug_parallel_query" if connection.pg_version >= 160_000 else "force_parallel_mode"  # type: ignore[attr-defined]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE probe AS SELECT said FROM (VALUES ('[1]'), ('{}'), ('no json'), (NULL)) AS given(said)"
        )
        cursor.execute(f"SET LOCAL {parallel} = on")
        cursor.execute("SET LOCAL parallel_setup_cost = 0")
        cursor.execute("SET LOCAL parallel_tuple_cost = 0")
        cursor.execute(f"SELECT said FROM probe WHERE {IS_JSON_ARRAY}(said)")
        assert cursor.fetchall() == [("[1]",)]
        cursor.execute(f"SELECT count(*) FROM probe WHERE NOT {IS_JSON_ARRAY}(said)")
        assert cursor.fetchone() == (2,)


def test_a_function_that_catches_errors_is_not_run_by_several_processes() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT proname FROM pg_proc WHERE prosrc ILIKE '%%exception when%%' AND proparallel <> 'u'"
            " AND pronamespace = 'public'::regnamespace"
        )
        assert cursor.fetchall() == []
