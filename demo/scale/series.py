"""Inserts many rows by one statement: the columns are SQL expressions of the number of the row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import connection, models
from django.db.models import NOT_PROVIDED

from courses.bulk import reserve


def insert(model: type[models.Model], count: int, **columns: str) -> int:
    """Insert `count` rows and return the id of the first; the ids are consecutive.

    `columns` are SQL expressions by column, in which `n` is the number of the row from 1, and `first` its first id. Columns
    without one get the default of their field.
    """
    first = reserve(model, count) if count else 0
    quote = connection.ops.quote_name
    names, expressions, parameters = [], [], []
    for field in model._meta.concrete_fields:
        column = str(field.column)
        if column == "id":
            expressions.append("n + first - 1")
        elif column in columns:
            expressions.append(columns[column].replace("%", "%%"))
        elif field.db_default is not NOT_PROVIDED:
            continue
        else:
            expressions.append("%s")
            parameters.append(_stored(field))
        names.append(quote(column))
    sql = (
        f"INSERT INTO {quote(model._meta.db_table)} ({', '.join(names)}) SELECT {', '.join(expressions)}"
        f" FROM (SELECT n, {first}::bigint AS first FROM generate_series(1, {int(count)}) AS n) AS numbers"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
    return first


@contextmanager
def without_checks() -> Iterator[None]:
    """Context manager: foreign keys are not checked inside, which is faster; they are if the user is no superuser."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        superuser = cursor.fetchone()[0]
        if superuser:
            cursor.execute("SET session_replication_role = replica")
        yield
        if superuser:
            cursor.execute("SET session_replication_role = DEFAULT")


def _stored(field: Any) -> Any:
    """Return the default of a field as the database stores it."""
    value = field.get_default()
    return field.get_db_prep_save(value, connection) if not isinstance(value, datetime) else value


def text(template: str) -> str:
    """Return the SQL expression of a text in which `{n}` is the number of the row and `{n/10}` an expression of it."""
    parts = []
    for part in template.split("{"):
        expression, closed, rest = part.partition("}")
        if closed:
            parts.append(f"({expression})::text")
            part = rest
        if part:
            quoted = part.replace("'", "''")
            parts.append(f"'{quoted}'")
    return f"concat({', '.join(parts)})" if parts else "''"
