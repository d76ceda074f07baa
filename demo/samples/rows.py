"""Rows of models for COPY: what is not given has the default that its field declares."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import models

from courses.bulk import CopyTable, reserve
from courses.fields import copy_text

BLOCK = 1
LARGEST_BLOCK = 16_384


class RowBuffer:
    """Takes rows of any model and sends them by COPY, in constant memory.

    `flush` sends the rest. `count` is how many there were.
    """

    def __init__(self) -> None:
        self._sheets: dict[type[models.Model], _Sheet] = {}
        self._numbers: dict[type[models.Model], Iterator[int]] = {}

    @property
    def count(self) -> int:
        """The number of rows taken."""
        return sum(sheet.table.rows for sheet in self._sheets.values())

    def number(self, model: type[models.Model]) -> int:
        """A new id of a model."""
        if model not in self._numbers:
            self._numbers[model] = _numbers(model)
        return next(self._numbers[model])

    def add(self, model: type[models.Model], **values: Any) -> int:
        """Takes a row, with columns by their names; its id."""
        sheet = self._sheets.get(model)
        if sheet is None:
            sheet = self._sheets[model] = _Sheet(model)
        number: int = values.pop("id", 0) or self.number(model)
        row = sheet.defaults.copy()
        row[sheet.places["id"]] = str(number)
        for column, value in values.items():
            row[sheet.places[column]] = _text(value)
        sheet.table.add(row)
        return number

    def flush(self) -> None:
        """Sends all rows that were taken."""
        for sheet in self._sheets.values():
            sheet.table.flush()


class _Sheet:
    """A table with the place and the default of each of its columns."""

    def __init__(self, model: type[models.Model]) -> None:
        fields = model._meta.concrete_fields
        columns = tuple(str(field.column) for field in fields)
        self.table = CopyTable(model._meta.db_table, columns)
        self.places = {column: place for place, column in enumerate(columns)}
        self.defaults = [_text(field.get_default()) for field in fields]


def _text(value: Any) -> str | None:
    """A value as COPY wants it; None is NULL."""
    if value is None:
        return None
    if isinstance(value, str):
        return copy_text(value)
    if isinstance(value, bool):
        return "t" if value else "f"
    return str(value)


def _numbers(model: type[models.Model]) -> Iterator[int]:
    """New ids, reserved in blocks that grow with the need."""
    block = BLOCK
    while True:
        first = reserve(model, block)
        yield from range(first, first + block)
        block = min(block * 2, LARGEST_BLOCK)
