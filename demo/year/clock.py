"""The clock of a simulated year: the database's functions of time, and Python's, answer the moment that is set here.

The product asks the database what time it is (`jobs/clock.py`), in statements, in defaults of columns and in a trigger.
Functions in the schema `public`, which the connections of `demo/year/settings.py` search first, take the place of PostgreSQL's
own. So every statement of the product runs unchanged, no program but PostgreSQL is needed, and a seed gives the same year.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

from django.db import connection
from django.utils import timezone

FUNCTIONS = ("now", "statement_timestamp", "transaction_timestamp", "clock_timestamp")
"""PostgreSQL's functions that tell the time."""

TABLE = "CREATE TABLE public.year_moment (at timestamptz NOT NULL)"
FUNCTION = """
    CREATE FUNCTION public.{name}() RETURNS timestamptz LANGUAGE sql STABLE
    AS 'SELECT at FROM public.year_moment'
"""


class Clock:
    """A clock that stands still until it is moved on."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def install(self) -> None:
        """Put the functions into the database, before the product's tables, whose defaults call them."""
        with connection.cursor() as cursor:
            cursor.execute(TABLE)
            cursor.execute("INSERT INTO public.year_moment VALUES (%s)", [self.moment])
            for name in FUNCTIONS:
                cursor.execute(FUNCTION.format(name=name))

    def advance(self, by: timedelta) -> None:
        """Move the clock on. Raises ValueError for a step back, RuntimeError inside a transaction."""
        if by < timedelta():
            raise ValueError("The clock is moved on, not back.")
        if connection.in_atomic_block:
            raise RuntimeError("The clock is moved between transactions.")
        self.moment += by
        with connection.cursor() as cursor:
            cursor.execute("UPDATE public.year_moment SET at = %s", [self.moment])

    def advance_to(self, moment: datetime) -> None:
        """Move the clock on to a moment; nothing happens if it has passed."""
        if moment > self.moment:
            self.advance(moment - self.moment)

    @contextmanager
    def shown_to_python(self) -> Iterator[None]:
        """Context manager: `time.time` and Django's `timezone.now` tell the same time as the database."""
        with (
            patch.object(time, "time", lambda: self.moment.timestamp()),
            patch.object(timezone, "now", lambda: self.moment.astimezone(UTC)),
        ):
            yield
