"""Advisory locks of PostgreSQL on a subject and a number, such as a course and its id, for a transaction or a block of code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

LOCK_KEY = "hashtextextended(%s, %s)"
"""SQL: the key of a lock, given a subject and a number."""


def lock_until_commit(subject: str, number: int = 0) -> None:
    """Wait for a lock, and keep it until this transaction ends."""
    _execute("pg_advisory_xact_lock", subject, number)


@contextmanager
def locked(subject: str, number: int = 0) -> Iterator[None]:
    """Context manager: wait for a lock, and keep it inside, over several transactions of this connection.

    It is the same lock as that of `lock_until_commit`. It belongs to the session, so a pooler has to pool sessions.
    """
    _execute("pg_advisory_lock", subject, number)
    try:
        yield
    finally:
        # A connection that broke has lost its locks anyway.
        if not connection.in_atomic_block and connection.is_usable():
            _execute("pg_advisory_unlock", subject, number)


@contextmanager
def locked_if_free(subject: str, number: int = 0) -> Iterator[bool]:
    """Context manager: take the lock of `locked` if nobody has it, and say whether it was taken; it does not wait."""
    taken = bool(_execute("pg_try_advisory_lock", subject, number))
    try:
        yield taken
    finally:
        if taken and not connection.in_atomic_block and connection.is_usable():
            _execute("pg_advisory_unlock", subject, number)


def _execute(function: str, subject: str, number: int) -> object:
    """Call a function of PostgreSQL for a lock, and return what it returns."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}({LOCK_KEY})", [subject, number])
        return cursor.fetchone()[0]
