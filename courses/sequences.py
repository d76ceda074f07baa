"""Ids of this site begin at a million: ids in its archives are no small ids of the Moodle that restores them.

Moodle leaves some ids of an archive as they are (`privatereplyto`, `gradeoverby`, `loggeduser`, the `userid` of a question's
comment, a context of questions that did not come). With ids from 1 they would name its guest, its admin or its first contexts.
"""

from __future__ import annotations

from django.db import connection, models

from courses import structure
from courses.models import Context

FIRST_ID = 1_000_000
"""The smallest id that a sequence gives to records of archives; only the system's context has a smaller one, as in Moodle."""

RAISE = """
    SELECT setval(sequence, %(last)s) FROM (
        SELECT CASE WHEN to_regclass(name) IS NOT NULL THEN pg_get_serial_sequence(name, key)::regclass END AS sequence
        FROM unnest(%(names)s::text[], %(keys)s::text[]) AS tables(name, key)
    ) AS sequences
    WHERE sequence IS NOT NULL AND coalesce(pg_sequence_last_value(sequence), 0) < %(last)s
"""


def raise_sequences() -> int:
    """Move the sequence of every archived model, and that of contexts, up to `FIRST_ID`; return how many were below it.

    Rows keep their ids. Tables that are not there yet, as their app was not migrated, are passed over.
    """
    archived: list[type[models.Model]] = [Context, *structure.archived_models()]
    with connection.cursor() as cursor:
        names = [f'"{model._meta.db_table}"' for model in archived]
        keys = [model._meta.pk.column for model in archived]
        cursor.execute(RAISE, {"last": FIRST_ID - 1, "names": names, "keys": keys})
        return int(cursor.rowcount)
