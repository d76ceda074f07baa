"""Rows of records that the target course may have already: they wait in a temporary table and are merged into its records.

The ids of the records that the course has are given to the id map first. So a record of the archive that is one of these has
that record's id, and references to it need no further work:

    with arriving(context, Section, taken=lambda model, pk: {"name"}):
        yield from load_member(...)          rows go to a temporary table instead of courses_section

    At the end: rows with the id of a section that the course has change the columns in `taken`; all others become sections.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from django.db import connection

from courses import structure
from courses.models import Course, OpaqueElement
from courses.structure import Model
from restore.context import RestoreContext
from restore.records import LinkColumn

Taken = Callable[[Model, int], Collection[str]]
"""Columns of an existing record, by its model and id, that get the archive's values; "" stands for its opaque elements."""

ORDER = frozenset({"sequence"})
"""Columns with the order of what is in a record: the record itself is not changed when something is added to it."""


@contextmanager
def arriving(context: RestoreContext, *models: Model, taken: Taken) -> Iterator[None]:
    """Context manager: merge the rows of `models` that are loaded inside into the records of the target with the same ids.

    Records that nest in them go to their own tables as always. Outside of a restore into a course it does nothing.
    """
    if context.target.course is None:
        yield
        return
    context.loaders.flush()
    tables = [model._meta.db_table for model in models]
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f'CREATE TEMP TABLE "{waiting_table(table)}" (LIKE "{table}" INCLUDING DEFAULTS)')
    opaque = last_opaque()
    context.loaders.redirected |= {table: waiting_table(table) for table in tables}
    yield
    context.loaders.flush()
    for table in tables:
        del context.loaders.redirected[table]
    for model in models:
        _merge(context, model, taken, opaque)
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f'DROP TABLE "{waiting_table(table)}"')


def waiting_table(table: str) -> str:
    """Return the name of the temporary table for the rows of a table."""
    return f"arriving_{table}"[:63]


def last_opaque() -> int:
    """Return the highest id of an opaque element; those that the loader adds have higher ones."""
    return OpaqueElement.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def _merge(context: RestoreContext, model: Model, taken: Taken, opaque: int) -> None:
    """Merge the waiting rows of a model into its table; `opaque` is the highest id of older opaque elements."""
    table, waiting = model._meta.db_table, waiting_table(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT t.id FROM "{table}" t JOIN "{waiting}" w ON w.id = t.id')
        columns = {number: frozenset(taken(model, number)) for (number,) in cursor.fetchall()}
        if model is not Course:
            context.merged[table] += len(columns)
        by_columns: defaultdict[frozenset[str], list[int]] = defaultdict(list)
        for number, names in columns.items():
            by_columns[names - {""}].append(number)
        for names, numbers in by_columns.items():
            if names:
                context.changed[table] += _count_changed(cursor, table, names - ORDER, numbers)
                changes = ", ".join(f'"{name}" = w."{name}"' for name in sorted(names))
                cursor.execute(
                    f'UPDATE "{table}" t SET {changes} FROM "{waiting}" w WHERE w.id = t.id AND t.id = ANY(%s)',
                    [numbers],
                )
        cursor.execute(
            f'INSERT INTO "{table}" SELECT w.* FROM "{waiting}" w'
            f' WHERE NOT EXISTS (SELECT FROM "{table}" t WHERE t.id = w.id)'
        )
    _forget_links(context, table, columns)
    elements = OpaqueElement.objects.filter(item_type=structure.item_type_of(model))
    elements.filter(pk__lte=opaque, record__in=_with_opaque(columns, taken=True)).delete()
    elements.filter(pk__gt=opaque, record__in=_with_opaque(columns, taken=False)).delete()


def _count_changed(cursor: Any, table: str, names: Collection[str], numbers: list[int]) -> int:
    """Return how many of these records of the course get another value in one of these columns."""
    if not names:
        return 0
    differs = " OR ".join(f't."{name}" IS DISTINCT FROM w."{name}"' for name in sorted(names))
    cursor.execute(
        f'SELECT count(*) FROM "{table}" t JOIN "{waiting_table(table)}" w ON w.id = t.id WHERE t.id = ANY(%s) AND ({differs})',
        [numbers],
    )
    return cast(int, cursor.fetchone()[0])


def _with_opaque(columns: dict[int, frozenset[str]], *, taken: bool) -> list[int]:
    """Return the records whose opaque elements are those of the archive, or are not."""
    return [number for number, names in columns.items() if ("" in names) is taken]


def _forget_links(context: RestoreContext, table: str, columns: dict[int, frozenset[str]]) -> None:
    """Forget the links in columns that keep their value: the ids in them are this site's already."""
    for loader in context.loaders:
        for column, numbers in loader.linked.items():
            if column.table == table:
                loader.linked[column] = _still_linked(column, numbers, columns)


def _still_linked(
    column: LinkColumn, numbers: Iterable[int], columns: dict[int, frozenset[str]]
) -> array[int]:
    name = str(column.field.column)
    return array("q", [number for number in numbers if number not in columns or name in columns[number]])
