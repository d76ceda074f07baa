"""Rows in bulk: one snapshot to read from, ids from the sequences in blocks, and COPY to write with."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any, cast

import psycopg2
from django.db import connection, models, transaction

from courses.fields.special import SharedId

FLUSH = 512 * 1024
NULL = "\\N"
ATTEMPTS = 20
MANY, SOME = 2000, 100
"""How many rows are fetched at a time at most, and at first where they may be long."""

FITTING = 4_000_000
"""How many characters of long texts are fetched at a time."""


@contextmanager
def snapshot() -> Iterator[None]:
    """All reads inside see the database of one moment, however long they take; writes are refused."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            # Hundreds of expressions compiled for one pass cost more than they save; sorts that fit stay in memory.
            cursor.execute("SET LOCAL jit = off")
        yield


def numbered_by(model: type[models.Model]) -> str:
    """The table whose sequence numbers a model's rows: its own, or that of the model with which it shares ids."""
    key = model._meta.pk
    return key.table if isinstance(key, SharedId) else model._meta.db_table


def reserve(model: type[models.Model], count: int) -> int:
    """The first of `count` consecutive ids that nobody else gets, from the model's sequence."""
    table, column = numbered_by(model), model._meta.pk.column
    with connection.cursor() as cursor:
        for _ in range(ATTEMPTS):
            # Another session may take a number in the middle; then these stay unused, and it is tried again. The sequence is
            # looked up in a query of its own, which runs once and not for each number.
            cursor.execute(
                "SELECT min(id), max(id) FROM (SELECT nextval((SELECT pg_get_serial_sequence(%s, %s)::regclass)) AS id"
                " FROM generate_series(1, %s)) AS block",
                [f'"{table}"', column, count],
            )
            first, last = cursor.fetchone()
            if last - first == count - 1:
                return int(first)
    raise RuntimeError(f"No {count} consecutive ids of {table} could be had in {ATTEMPTS} attempts.")


def stream(
    sql: str, parameters: dict[str, Any], *, weight: int | None = None
) -> Generator[list[tuple[Any, ...]], None, None]:
    """The rows of a query in batches, through a cursor of the server's, in constant memory.

    `weight` is the column that decides how much memory a row takes: of long texts fewer come at a time.
    """
    size = SOME if weight is not None else MANY
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql, parameters)
        batch = cursor.fetchmany(size)
        if len(batch) < size:
            if batch:
                yield batch
            return
        # While a batch is worked on, the server makes the next one.
        with ThreadPoolExecutor(1, "rows ahead") as ahead:
            while batch:
                full = len(batch) == size
                if weight is not None:
                    size = _fitting(batch, weight)
                coming = ahead.submit(cursor.fetchmany, size) if full else None
                yield batch
                batch = coming.result() if coming else []


def _fitting(batch: list[tuple[Any, ...]], weight: int) -> int:
    """How many rows like these fit into memory at a time; the number only doubles, as others may be longer."""
    length = sum([len(row[weight]) for row in batch]) // len(batch) + 1
    return max(1, min(FITTING // length, 2 * len(batch), MANY))


class _Sender:
    """Sends one block of rows at a time from a thread of its own, on the connection of those that it works for."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "rows away")
        self._away: Future[None] | None = None

    def send(self, sql: str, block: io.BytesIO) -> None:
        """Sends a block when the one before has arrived."""
        self.wait()
        self._away = self._thread.submit(_copy, connection.connection.cursor(), sql, block)

    def wait(self) -> None:
        """Comes back when nothing is on its way. Raises what the server said of the last block."""
        away, self._away = self._away, None
        if away is not None:
            with connection.wrap_database_errors:
                away.result()

    def close(self) -> None:
        """Lets what is on its way arrive; what the server says of it does not matter any more."""
        self._thread.shutdown()

    def first(self, execute: Callable[..., Any], sql: Any, parameters: Any, many: bool, context: Any) -> Any:
        """Around each statement of the connection: rows that are on their way arrive before it."""
        self.wait()
        return execute(sql, parameters, many, context)


_sender: ContextVar[_Sender | None] = ContextVar("courier", default=None)


@contextmanager
def sending_ahead() -> Iterator[None]:
    """While a block of rows is sent by `Table`, the next one is made; both processors have work.

    It is for the inside of a transaction: all has arrived, or its error was raised, when the `with` is left.
    """
    sender = _Sender()
    with ExitStack() as stack:
        stack.callback(sender.close)
        stack.callback(_sender.reset, _sender.set(sender))
        stack.enter_context(connection.execute_wrapper(sender.first))
        yield
        sender.wait()


def check_on_arrival(tables: Collection[str]) -> None:
    """For the rest of the transaction the foreign keys of these tables are checked when rows arrive, and not all at its end.

    So the server checks while rows are made. What a row refers to has to be there first: `Table.before`.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT quote_ident(conname) FROM pg_constraint"
            " WHERE contype = 'f' AND condeferrable AND conrelid = ANY(%s::regclass[])",
            [[f'"{table}"' for table in tables]],
        )
        if names := [name for (name,) in cursor.fetchall()]:
            cursor.execute(f"SET CONSTRAINTS {', '.join(names)} IMMEDIATE")


def _copy(cursor: Any, sql: str, block: io.BytesIO) -> None:
    try:
        cursor.copy_expert(sql, block, size=FLUSH)
    except psycopg2.Error as error:
        # What follows the first line quotes the rows, with all that is in them, and would stand in the log.
        raise type(error)(str(error).partition("\n")[0]) from None
    finally:
        cursor.close()


class Table:
    """Collects rows of one table and sends them by COPY whenever there are enough.

    A row is a list of texts as COPY wants them, None for NULL, in the order of `columns`. The rows of the tables in `before`
    are sent first.
    """

    def __init__(self, name: str, columns: tuple[str, ...]) -> None:
        self.name = name
        self.columns = columns
        self.rows = 0
        self.before: list[Table] = []
        self._lines: list[str] = []
        self._size = 0
        quoted = ", ".join(f'"{column}"' for column in columns)
        self._sql = f'COPY "{name}" ({quoted}) FROM STDIN'

    def add(self, row: list[str | None]) -> str:
        """Takes one row; the line that COPY gets."""
        if None in row:
            row = [NULL if value is None else value for value in row]
        line = "\t".join(cast(list[str], row))
        self._lines.append(line)
        self._size += len(line)
        self.rows += 1
        if self._size > FLUSH:
            self.flush()
        return line

    def flush(self) -> None:
        """Sends what was collected."""
        if not self._lines:
            return
        for table in self.before:
            table.flush()
        block = io.BytesIO(("\n".join(self._lines) + "\n").encode())
        self._lines, self._size = [], 0
        sender = _sender.get()
        if sender is not None:
            sender.send(self._sql, block)
            return
        with connection.cursor() as cursor, connection.wrap_database_errors:
            _copy(cursor.cursor, self._sql, block)
