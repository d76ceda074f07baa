"""Turn the database's refusal of rows into an error about the archive."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from django.db import DataError, IntegrityError

from archive.errors import DamagedArchive

UNFIT_ANYWHERE = (IntegrityError, DataError, psycopg2.IntegrityError, psycopg2.DataError)
"""The errors that PostgreSQL raises for rows that do not fit, through Django and through COPY."""


@contextmanager
def rows_that_fit() -> Iterator[None]:
    """Context manager around a transaction. Raises DamagedArchive if the database refuses rows in it or at its end."""
    try:
        yield
    except UNFIT_ANYWHERE as error:
        reason = str(error).strip().splitlines()[0]
        raise DamagedArchive(
            f"The records in it do not fit together, or a value does not fit: {reason}.",
            hint="The archive was changed or damaged after it was made; get it again.",
        ) from error
