"""Sends rows of models by COPY. Columns without a value get the default of their field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import models

from courses.bulk import CopyTable, reserve
from courses.fields import copy_text

BLOCK = 1
LARGEST_BLOCK = 16_384


class RowBuffer:
    """Collects rows of any model and sends them by COPY, in constant memory. `flush` sends the remaining rows."""

    def __init__(self) -> None:
        self._tables: dict[type[models.Model], _Table] = {}
        self._numbers: dict[type[models.Model], Iterator[int]] = {}

    @property
    def count(self) -> int:
        """Return the number of rows that were added."""
        return sum(entry.table.rows for entry in self._tables.values())

    def number(self, model: type[models.Model]) -> int:
        """Return a new id of a model."""
        if model not in self._numbers:
            self._numbers[model] = _numbers(model)
        return next(self._numbers[model])

    def add(self, model: type[models.Model], **values: Any) -> int:
        """Add a row, given columns by name, and return its id."""
        entry = self._tables.get(model)
        if entry is None:
            entry = self._tables[model] = _Table(model)
        number: int = values.pop("id", 0) or self.number(model)
        row = entry.defaults.copy()
        row[entry.positions["id"]] = str(number)
        for column, value in values.items():
            row[entry.positions[column]] = _text(value)
        entry.table.add(row)
        return number

    def flush(self) -> None:
        """Send all rows that wait."""
        for entry in self._tables.values():
            entry.table.flush()


class _Table:
    """A table with the position and the default of each of its columns."""

    def __init__(self, model: type[models.Model]) -> None:
        fields = model._meta.concrete_fields
        columns = tuple(str(field.column) for field in fields)
        self.table = CopyTable(model._meta.db_table, columns)
        self.positions = {column: position for position, column in enumerate(columns)}
        self.defaults = [_text(field.get_default()) for field in fields]


def _text(value: Any) -> str | None:
    """Return a value as text for COPY; None for NULL."""
    if value is None:
        return None
    if isinstance(value, str):
        return copy_text(value)
    if isinstance(value, bool):
        return "t" if value else "f"
    return str(value)


def _numbers(model: type[models.Model]) -> Iterator[int]:
    """Yield new ids, reserved in blocks that double up to `LARGEST_BLOCK`."""
    block = BLOCK
    while True:
        first = reserve(model, block)
        yield from range(first, first + block)
        block = min(block * 2, LARGEST_BLOCK)
