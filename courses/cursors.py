"""Read the rows of queries in batches, in constant memory, as the database was at one moment."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count
from typing import Any

import psycopg2.extensions
from django.db import connection, transaction

MANY, SOME = 2000, 100
"""Rows that are fetched at once: at most, and at first if they may be long."""

FITTING = 4_000_000
"""Characters, or bytes if they are not decoded, of the `weight` column that are fetched at once, at most."""

_numbers = count()

_finished: ContextVar[list[str]] = ContextVar("finished")
"""The names of cursors on the server that are read and not yet closed."""

FOR_PASSES = "SET LOCAL jit = off; SET LOCAL work_mem = '96MB'"
"""Settings for reading whole courses in one pass: hundreds of expressions that are compiled for it cost more than they save,
and rows that are sorted stay in memory up to some 100,000 posts."""


@contextmanager
def snapshot() -> Iterator[None]:
    """Context manager: all reads inside see the database as it was at one moment, and `stream` can be used.

    Temporary views can be made until `only_read` is called. All is rolled back.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute(FOR_PASSES)
        with streaming():
            yield
        transaction.set_rollback(True)


@contextmanager
def streaming() -> Iterator[None]:
    """Context manager: `stream` can be used inside. Its cursors are closed with the next query or the transaction."""
    token = _finished.set([])
    try:
        yield
    finally:
        _finished.reset(token)


def only_read() -> None:
    """Let the transaction only read from now on: writes raise an error."""
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")


def stream(
    sql: str, parameters: dict[str, Any], *, weight: int | None = None, undecoded: bool = False
) -> Generator[list[tuple[Any, ...]], None, None]:
    """Yield the rows of a query in batches, through a cursor on the server, in constant memory; only inside `streaming`.

    `weight` is the position of the column that takes most of a row's memory: the longer its texts, the fewer rows are
    fetched at once. If `undecoded`, texts are bytes in UTF-8, as the server sends them. A query with few rows is one request:
    its cursor is made and read at once, and closed with the next query. It must not begin in a savepoint that is rolled back
    before the others end.
    """
    size = SOME if weight is not None else MANY
    name = f"rows_{next(_numbers)}"
    finished = _finished.get()
    with connection.cursor() as cursor:
        if undecoded:
            psycopg2.extensions.register_type(psycopg2.extensions.BYTES, cursor.cursor)
        closing = "".join(f"CLOSE {one}; " for one in finished)
        finished.clear()
        # The server's log, and so `bin/bench`, calls a request by its first word.
        declare = f"DECLARE {name} NO SCROLL CURSOR FOR {sql}"
        cursor.execute(f"{declare}; {closing}FETCH {size} FROM {name}", parameters)
        try:
            yield from _batches(cursor.cursor, name, size, weight)
        finally:
            finished.append(name)


def _batches(
    cursor: Any, name: str, size: int, weight: int | None
) -> Generator[list[tuple[Any, ...]], None, None]:
    """Yield the rows that were fetched, and then those that are left, of a cursor on the server."""
    with connection.wrap_database_errors:
        batch = cursor.fetchall()
    if len(batch) < size:
        if batch:
            yield batch
        return
    # While the caller works on a batch, the next one is fetched.
    with ThreadPoolExecutor(1, "fetch rows") as thread:
        while batch:
            full = len(batch) == size
            if weight is not None:
                size = _fitting(batch, weight)
            following = thread.submit(_fetch, cursor, name, size) if full else None
            yield batch
            with connection.wrap_database_errors:
                batch = following.result() if following else []


def _fetch(cursor: Any, name: str, size: int) -> list[tuple[Any, ...]]:
    """Return the next rows of a cursor on the server."""
    cursor.execute(f"FETCH {size} FROM {name}")
    rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _fitting(batch: list[tuple[Any, ...]], weight: int) -> int:
    """Return the number of rows like these to fetch at once; at most twice as many as now, since the next may be longer."""
    length = sum([len(row[weight]) for row in batch]) // len(batch) + 1
    return max(1, min(FITTING // length, 2 * len(batch), MANY))
