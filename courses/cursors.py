"""Read the rows of queries as the database was at one moment: in batches, in constant memory, or ahead, in a thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from itertools import count
from typing import Any, NamedTuple

import psycopg2.errors
import psycopg2.extensions
from django.db import InternalError, connection, transaction

from courses import prepared
from courses.prepared import PreparedQueries

MANY, SOME = 2000, 100
"""Rows that are fetched at once: at most, and at first if they may be long."""

FITTING = 4_000_000
"""Characters, or bytes if they are not decoded, of the `weight` column that are fetched at once, at most."""

_numbers = count()

_finished: ContextVar[list[str]] = ContextVar("finished")
"""The names of cursors on the server that are read and not yet closed."""

Rows = list[tuple[Any, ...]]


class _Ahead(NamedTuple):
    """The thread that reads ahead, what it reads or has read and nobody has asked for yet, and the errors of all that is read
    in threads."""

    thread: ThreadPoolExecutor
    readings: list[Future[Rows]]
    errors: list[Exception]


_ahead: ContextVar[_Ahead] = ContextVar("ahead")

_queries: ContextVar[PreparedQueries | None] = ContextVar("queries")
"""The queries that the session has prepared; None as long as temporary views may be made."""

FOR_PASSES = "SET LOCAL jit = off; SET LOCAL work_mem = '96MB'; SET LOCAL max_parallel_workers_per_gather = 0"
"""Settings for reading whole courses in one pass: hundreds of expressions that are compiled for it cost more than they save,
rows that are sorted stay in memory up to some 100,000 posts, and the rows of a UNION ALL come part by part."""


@contextmanager
def snapshot() -> Iterator[None]:
    """Context manager: all reads inside see the database as it was at one moment, and `stream` can be used.

    Temporary views can be made until `only_read` is called. All is rolled back; prepared queries stay in the session.
    """
    prepared.keep_temporary_schema()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute(FOR_PASSES)
        with streaming():
            yield
        transaction.set_rollback(True)


@contextmanager
def streaming() -> Iterator[None]:
    """Context manager: `stream` and `read_ahead` can be used inside.

    Cursors are closed with the next query or the transaction. At the end what is being read ahead is waited for. If a statement
    fails because one that was read ahead has failed before, the error is that of the first.
    """
    with ExitStack() as stack:
        stack.callback(_finished.reset, _finished.set([]))
        stack.callback(_queries.reset, _queries.set(None))
        ahead = _Ahead(stack.enter_context(ThreadPoolExecutor(1, "read ahead")), [], [])
        stack.callback(_ahead.reset, _ahead.set(ahead))
        try:
            yield
        except InternalError as error:
            if not _only_follows(error):
                raise
            wait(ahead.readings)
            first = next((one for one in ahead.errors if not _only_follows(one)), error)
            with connection.wrap_database_errors:
                raise first from first.__cause__


def _only_follows(error: Exception) -> bool:
    """Whether a statement failed only because one before it in the transaction did."""
    return isinstance(error.__cause__ or error, psycopg2.errors.InFailedSqlTransaction)


def only_read() -> None:
    """Let the transaction only read from now on: writes raise an error, and queries that are read ahead are prepared."""
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")
    _queries.set(PreparedQueries())


def read_ahead(sql: str, parameters: Mapping[str, Any]) -> Callable[[], Rows]:
    """Send a query with few rows in a thread, and return what waits for its rows; only inside `streaming`.

    Texts are bytes in UTF-8, as the server sends them. An error of the database is raised by what waits.
    """
    ahead = _ahead.get()
    queries = _queries.get()
    statement = queries.statement(sql, parameters) if queries else sql
    reading = ahead.thread.submit(
        _noting, ahead.errors, _read, connection.cursor(), f"{_closing()}{statement}", _sent(parameters)
    )
    ahead.readings.append(reading)

    def rows() -> Rows:
        ahead.readings.remove(reading)
        return reading.result()

    return rows


def _noting(errors: list[Exception], function: Callable[..., Rows], *arguments: Any) -> Rows:
    """Call a function and note its error, also if nobody asks for the rows."""
    try:
        return function(*arguments)
    except Exception as error:
        errors.append(error)
        raise


def _sent(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters of a query with each list of numbers as one text, of which the server makes an array.

    In the ARRAY that psycopg2 writes, each number is a node of the server's, of 200 bytes, wherever the list stands in a query.
    """
    return {
        name: f"{{{','.join(map(str, value))}}}" if isinstance(value, list) else value
        for name, value in parameters.items()
    }


def _read(cursor: Any, sql: str, parameters: Mapping[str, Any]) -> Rows:
    """Return the rows of a query, with texts as bytes, and close the cursor."""
    with cursor:
        psycopg2.extensions.register_type(psycopg2.extensions.BYTES, cursor.cursor)
        cursor.execute(sql, parameters)
        rows: Rows = cursor.fetchall()
        return rows


def _closing() -> str:
    """Return the SQL that closes the cursors on the server that are read, and forget them."""
    finished = _finished.get()
    closing = "".join(f"CLOSE {one}; " for one in finished)
    finished.clear()
    return closing


def stream(
    sql: str,
    parameters: Mapping[str, Any],
    *,
    weight: int | None = None,
    undecoded: bool = False,
    size: int = 0,
) -> Generator[Rows, None, None]:
    """Yield the rows of a query in batches, through a cursor on the server, in constant memory; only inside `streaming`.

    Lists among the parameters are of numbers. `size` is the number of rows that are fetched at first; 0: as many as
    may be.

    `weight` is the position of the column that takes most of a row's memory: the longer its texts, the fewer rows are
    fetched at once. If `undecoded`, texts are bytes in UTF-8, as the server sends them. A query with few rows is one request:
    its cursor is made and read at once, and closed with the next query. It must not begin in a savepoint that is rolled back
    before the others end.
    """
    size = size or (MANY if weight is None else SOME)
    name = f"rows_{next(_numbers)}"
    with connection.cursor() as cursor:
        if undecoded:
            psycopg2.extensions.register_type(psycopg2.extensions.BYTES, cursor.cursor)
        # The server's log, and so `bin/bench`, calls a request by its first word.
        declare = f"DECLARE {name} NO SCROLL CURSOR FOR {sql}"
        cursor.execute(f"{declare}; {_closing()}FETCH {size} FROM {name}", _sent(parameters))
        try:
            yield from _batches(cursor.cursor, name, size, weight)
        finally:
            _finished.get().append(name)


def _batches(cursor: Any, name: str, size: int, weight: int | None) -> Generator[Rows, None, None]:
    """Yield the rows that were fetched, and then those that are left, of a cursor on the server."""
    with connection.wrap_database_errors:
        batch = cursor.fetchall()
    if len(batch) < size:
        if batch:
            yield batch
        return
    # While the caller works on a batch, the next one is fetched; and one waits, so that the server need not.
    following = _Following(cursor, name, weight, batch)
    with ThreadPoolExecutor(1, "fetch rows") as thread:
        errors = _ahead.get().errors
        pending = deque(thread.submit(_noting, errors, following.fetch) for _ in range(2))
        try:
            while batch:
                yield batch
                with connection.wrap_database_errors:
                    batch = pending.popleft().result()
                pending.append(thread.submit(_noting, errors, following.fetch))
        finally:
            for one in pending:
                one.cancel()


class _Following:
    """The batches of a cursor on the server that follow a full one. They are fetched one after another, in a thread."""

    def __init__(self, cursor: Any, name: str, weight: int | None, before: Rows) -> None:
        self._cursor = cursor
        self._name = name
        self._weight = weight
        self._before = before
        self._size = len(before)

    def fetch(self) -> Rows:
        """Return the next rows; none if the batch before was not full."""
        before, self._before = self._before, []
        if not before or len(before) < self._size:
            return []
        if self._weight is not None:
            self._size = fitting([len(row[self._weight]) for row in before])
        self._cursor.execute(f"FETCH {self._size} FROM {self._name}")
        self._before = self._cursor.fetchall()
        return self._before


def fitting(lengths: Sequence[int]) -> int:
    """Return the number of rows to fetch after some whose texts have these lengths; at most twice as many as those, since the
    next may be longer."""
    return max(1, min(FITTING // (sum(lengths) // len(lengths) + 1), 2 * len(lengths), MANY))
