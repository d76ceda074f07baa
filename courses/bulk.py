"""Write rows in bulk: reserve their ids in blocks, send them by COPY, check their foreign keys while they arrive."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from functools import lru_cache, partial
from typing import Any, TypeVar

import psycopg2
import psycopg2.errors
from django.db import OperationalError, connection, models, transaction

from archive.parallel import Background
from courses.fields.special import SharedId
from courses.locks import LOCK_KEY

Result = TypeVar("Result")

FLUSH = 512 * 1024
"""Characters of rows that a `CopyTable` collects before it sends them."""

NULL = "\\N"
"""NULL in COPY's text format."""

ATTEMPTS = 20
"""How often `reserve` tries to get consecutive ids."""

IdsWanted = Sequence[tuple[type[models.Model], int]]
"""Models, each with the number of ids that are wanted of it."""

AHEAD = 8
"""Blocks and statements that wait to be sent, at most: enough for the tables of nested records, which are flushed together."""


def numbered_by(model: type[models.Model]) -> str:
    """Return the table whose sequence gives a model's ids: its own, or that of the model with which it shares ids."""
    key = model._meta.pk
    return key.table if isinstance(key, SharedId) else model._meta.db_table


def reserve(model: type[models.Model], count: int) -> int:
    """Reserve `count` consecutive ids from a model's sequence; returns the first. Raises RuntimeError if there are none."""
    return reserve_all([(model, count)])[0]


def reserve_all(wanted: IdsWanted) -> list[int]:
    """Reserve consecutive ids from the sequences of models, so many of each, together; returns the first of each.

    Reservations wait for one another: two at a time would each take numbers from the middle of the other. Raises RuntimeError
    if there are none.
    """
    found: dict[int, int] = {}
    left = list(range(len(wanted)))
    for _ in range(ATTEMPTS):
        # An insert may take a number in the middle; then these stay unused, and we try again.
        found |= _consecutive(_taken(_asked(wanted, left)), wanted)
        left = [position for position in left if position not in found]
        if not left:
            return [found[position] for position in range(len(wanted))]
    names = ", ".join(numbered_by(wanted[position][0]) for position in left)
    raise RuntimeError(f"Consecutive ids of {names} could not be reserved in {ATTEMPTS} attempts.")


def reserve_ahead(wanted: IdsWanted) -> Callable[[], list[int]]:
    """Begin what `reserve_all` does while the caller goes on; returns a function that waits for it and returns the ids.

    Outside of `sending_ahead` all is done when that is called. It raises the error of rows that were sent before, too.
    """
    sender = _sender.get()
    if sender is None:
        return partial(reserve_all, wanted)
    rows = sender.ask(_take_and_close, _asked(wanted, range(len(wanted))))

    def firsts() -> list[int]:
        found = _consecutive(rows() or (), wanted)
        if len(found) < len(wanted):
            # Numbers were taken from the middle, or the transaction had failed and has gone on since.
            return reserve_all(wanted)
        return [found[position] for position in range(len(wanted))]

    return firsts


def _asked(wanted: IdsWanted, positions: Iterable[int]) -> list[list[Any]]:
    """Return the parameters of RESERVING for those of the wanted ids."""
    chosen = [(position, *wanted[position]) for position in positions]
    return [
        [position for position, _, _ in chosen],
        [f'"{numbered_by(model)}"' for _, model, _ in chosen],
        [model._meta.pk.column for _, model, _ in chosen],
        [count for _, _, count in chosen],
    ]


def _consecutive(rows: Iterable[tuple[int, int, int]], wanted: IdsWanted) -> dict[int, int]:
    """Return the first of the ids by position, of those that are consecutive."""
    return {position: first for position, first, last in rows if last - first == wanted[position][1] - 1}


def _taken(asked: list[list[Any]]) -> list[tuple[int, int, int]]:
    """Take numbers from sequences, given the parameters of RESERVING, and return its rows; waits for LOCK_SECONDS at most."""
    if (sender := _sender.get()) is not None:
        # An error of rows that are on their way is theirs, and not one of the lock.
        sender.wait()
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        return _take(cursor, asked)


def _take(cursor: Any, asked: list[list[Any]]) -> list[tuple[int, int, int]]:
    """Take numbers from sequences in a transaction that goes on, with a cursor of Django or of psycopg2; the lock is let go."""
    try:
        cursor.execute(f"{LOCKING}; {RESERVING}", [LOCK_SECONDS * 1000, "reserve ids", 0, *asked])
    except (OperationalError, psycopg2.OperationalError) as error:
        if not isinstance(error.__cause__ or error, psycopg2.errors.LockNotAvailable):
            raise
        # Who has the lock stands still. Numbers that others take from the middle are found.
        cursor.execute(f"{RELEASING}; {RESERVING}", asked)
        rows: list[tuple[int, int, int]] = cursor.fetchall()
    else:
        rows = cursor.fetchall()
        cursor.execute(RELEASING)
    return rows


def _take_and_close(cursor: Any, asked: list[list[Any]]) -> list[tuple[int, int, int]]:
    """Take numbers from sequences and close the cursor."""
    with cursor:
        return _take(cursor, asked)


LOCK_SECONDS = 5
"""Seconds for which a reservation waits for others, which take milliseconds."""

LOCKING = f"SAVEPOINT reserving; SET LOCAL lock_timeout = %s; SELECT pg_advisory_xact_lock({LOCK_KEY})"
"""SQL: take the lock of reservations in a savepoint, given milliseconds, a subject and a number.

After an error of the server PostgreSQL lets the lock go by itself.
"""

RESERVING = (
    "WITH wanted AS MATERIALIZED ("
    " SELECT position, pg_get_serial_sequence(name, key)::regclass AS sequence, count"
    " FROM unnest(%s::int[], %s::text[], %s::text[], %s::int[]) AS w (position, name, key, count))"
    " SELECT position, min(id), max(id) FROM wanted"
    " CROSS JOIN LATERAL (SELECT nextval(sequence) AS id FROM generate_series(1, count)) AS block GROUP BY position"
)
"""SQL: positions with the first and the last of the ids taken for each, given lists of positions, tables, keys and counts."""

RELEASING = "ROLLBACK TO SAVEPOINT reserving; RELEASE SAVEPOINT reserving"
"""SQL: let the lock of reservations go; what was taken from sequences stays taken."""


class _Sender:
    """Sends blocks of rows by COPY from a thread, one after another, on the database connection of the creating thread."""

    def __init__(self) -> None:
        self._thread = Background("send rows", ahead=AHEAD)

    def send(self, sql: str, block: io.BytesIO) -> None:
        """Send a block after those before it; waits only while `AHEAD` are pending."""
        self._submit(_copy, sql, block)

    def execute(self, sql: str) -> None:
        """Execute a statement after the blocks before it; waits only while `AHEAD` are pending."""
        self._submit(_execute, sql)

    def ask(self, work: Callable[..., Result], *arguments: Any) -> Callable[[], Result | None]:
        """Do some work with a cursor after what is pending; returns a function that waits for its result.

        That raises the error of the first that failed of all that is pending, and returns None if the error of this work has
        been raised before.
        """
        future = self._submit(work, *arguments)

        def result() -> Result | None:
            if future.exception() is not None:
                self.wait()
                return None
            return future.result()

        return result

    def _submit(self, work: Callable[..., Result], *arguments: Any) -> Future[Result]:
        with connection.wrap_database_errors:
            return self._thread.submit(work, connection.connection.cursor(), *arguments)

    def wait(self) -> None:
        """Wait for all that is pending. Raises the database's error of the first that failed; the others are forgotten."""
        with connection.wrap_database_errors:
            self._thread.wait()

    def close(self) -> None:
        """Wait for all that is pending and end the thread; errors are ignored."""
        self._thread.close()

    def first(self, execute: Callable[..., Any], sql: Any, parameters: Any, many: bool, context: Any) -> Any:
        """Wait for all that is pending first: an execute wrapper for all other statements of the connection."""
        self.wait()
        return execute(sql, parameters, many, context)


_sender: ContextVar[_Sender | None] = ContextVar("sender", default=None)


@contextmanager
def sending_ahead() -> Iterator[None]:
    """Context manager: `CopyTable` sends COPY blocks from a thread while the next block is built.

    Must be used inside a transaction. At the end of the block all rows were sent, or the error of a COPY was raised.
    """
    sender = _Sender()
    with ExitStack() as stack:
        stack.callback(sender.close)
        stack.callback(_sender.reset, _sender.set(sender))
        stack.enter_context(connection.execute_wrapper(sender.first))
        yield
        sender.wait()


def check_what_was_sent(keys: Collection[tuple[str, str]]) -> None:
    """Check the rows that were sent so far by foreign keys, each given as a table and the table that it refers to.

    Rows that are sent later are checked later again. The server checks while Python builds the next rows; without this it
    checks all rows at the end of the transaction. Does nothing outside of `sending_ahead`. Rows that refer to nothing raise
    the database's error at the next statement.
    """
    sender = _sender.get()
    if sender is None or not keys:
        return
    names = ", ".join(_foreign_keys(frozenset(keys)))
    if names:
        sender.execute(f"SET CONSTRAINTS {names} IMMEDIATE; SET CONSTRAINTS {names} DEFERRED")


@lru_cache(maxsize=128)
def _foreign_keys(keys: frozenset[tuple[str, str]]) -> tuple[str, ...]:
    """Return the quoted names of the foreign keys from tables to tables that can be checked later."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT quote_ident(conname) FROM pg_constraint JOIN unnest(%s::text[], %s::text[]) AS k (here, there)"
            " ON conrelid = to_regclass(quote_ident(here)) AND confrelid = to_regclass(quote_ident(there))"
            " WHERE contype = 'f' AND condeferrable ORDER BY 1",
            [[here for here, _ in keys], [there for _, there in keys]],
        )
        return tuple(name for (name,) in cursor.fetchall())


def check_on_arrival(tables: Collection[str]) -> None:
    """Check the foreign keys of these tables at each COPY for the rest of the transaction, not all at its end.

    So the server checks while Python builds the next rows. Rows must be sent after those that they refer to: see
    `Table.before`.
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
    """Run a COPY and close the cursor."""
    try:
        cursor.copy_expert(sql, block, size=FLUSH)
    except psycopg2.Error as error:
        # All lines but the first quote the rows, and their contents must not be in the log.
        raise type(error)(str(error).partition("\n")[0]) from None
    finally:
        cursor.close()


def _execute(cursor: Any, sql: str) -> None:
    """Execute a statement and close the cursor."""
    try:
        cursor.execute(sql)
    finally:
        cursor.close()


class CopyTable:
    """Collects rows of one table and sends them by COPY, about half a megabyte at a time.

    A row is a list of texts in COPY's text format, None for NULL, in the order of `columns`; `rows` counts them. The rows
    collected by the tables in `before` are sent first.
    """

    def __init__(self, name: str, columns: tuple[str, ...]) -> None:
        self.name = name
        self.columns = columns
        self.rows = 0
        self.before: list[CopyTable] = []
        self._lines: list[str] = []
        self._size = 0
        quoted = ", ".join(f'"{column}"' for column in columns)
        self._sql = f'COPY "{name}" ({quoted}) FROM STDIN'

    def add(self, row: list[str | None]) -> None:
        """Add one row."""
        self.add_line("\t".join([NULL if value is None else value for value in row]))

    def add_line(self, line: str) -> None:
        """Add one row as a line of COPY's text format, without the line end."""
        self._lines.append(line)
        self._size += len(line)
        self.rows += 1
        if self._size > FLUSH:
            self.flush()

    def flush(self) -> None:
        """Send the collected rows."""
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
