"""Substitutes: temporary views in place of tables, so that a backup reads some rows otherwise than the database has them.

The session finds a temporary view before a table of the same name. All queries of a backup, whoever wrote them, so see the
layout of the Moodle that is written for, nothing is copied, and nobody has to wait: the tables stay as they are. The views are
gone with the transaction, which is rolled back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import connection
from django.db.models import Model

from backup.expressions import literal

Changed = Callable[[str], str]
"""A function from one SQL expression to another. Nothing is replaced inside an expression: it may hold quoted names."""


@dataclass
class _Substitute:
    """The differences of a view from its table: expressions of columns, conditions of rows, and rows that the table lacks."""

    columns: dict[str, str] = field(default_factory=dict)
    conditions: list[str] = field(default_factory=list)
    rows: list[Model] = field(default_factory=list)


class Substitutes:
    """The views to make, by model. Column names in expressions are those of the table."""

    def __init__(self) -> None:
        self._found: defaultdict[type[Model], _Substitute] = defaultdict(_Substitute)
        self._given: dict[type[Model], int] = {}

    def __bool__(self) -> bool:
        return bool(self._found)

    def new_id(self, model: type[Model]) -> int:
        """Return the lowest id from 2 on that no row of a model has and that was not given before.

        It is the same in every backup, as sequences begin far above it.
        """
        number = self._given.get(model, 1) + 1
        while model._default_manager.filter(pk=number).exists():
            number += 1
        self._given[model] = number
        return number

    def change(self, model: type[Model], column: str, changed: Changed) -> None:
        """Give a column the value of the SQL expression that `changed` makes of the expression that it has so far."""
        columns = self._found[model].columns
        columns[column] = changed(columns.get(column, _name(column)))

    def leave_out(self, model: type[Model], condition: str) -> None:
        """Leave out the rows for which an SQL condition holds."""
        self._found[model].conditions.append(f"({condition}) IS NOT TRUE")

    def add(self, row: Model) -> None:
        """Add a row, which has an id and is not saved."""
        self._found[type(row)].rows.append(row)

    def make(self) -> None:
        """Make the views, for the rest of the transaction."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_schema()")
            (schema,) = cursor.fetchone()
            for model, found in self._found.items():
                cursor.execute(self._view(model, found, schema), [])

    @staticmethod
    def _view(model: type[Model], found: _Substitute, schema: str) -> str:
        fields = model._meta.concrete_fields
        names = [str(one.column) for one in fields]
        columns = [f'{found.columns.get(name, _name(name))} AS "{name}"' for name in names]
        table = model._meta.db_table
        where = f" WHERE {' AND '.join(found.conditions)}" if found.conditions else ""
        parts = [f'SELECT {", ".join(columns)} FROM "{schema}"."{table}"{where}']
        for row in found.rows:
            values = [one.get_db_prep_save(getattr(row, one.attname), connection) for one in fields]
            texts = [
                f"{'NULL' if value is None else literal(str(value))}::{one.db_type(connection)}"
                for one, value in zip(fields, values, strict=True)
            ]
            parts.append(f"SELECT {', '.join(texts)}")
        return f'CREATE TEMPORARY VIEW "{table}" AS {" UNION ALL ".join(parts)}'


def _name(column: str) -> str:
    return f'"{column}"'
