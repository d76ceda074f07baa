"""Anonymising in SQL: the values that people's ids and personal columns get in an anonymous archive.

The server never sees the key. Python computes the pseudonyms of the course's people and sends them to a temporary table of the
session, in which the queries look them up; it is emptied at the end of the transaction.
"""

from __future__ import annotations

import io
from collections.abc import Mapping

from django.db import connection

from archive.pseudonyms import PERSONAL
from courses.fields import ArchiveField, Rendering

TABLE = "people_pseudonyms"


def make_table() -> None:
    """Make the temporary table of the session, which a transaction that only reads could not.

    One that is there is not touched: a commit would empty it, and PostgreSQL forget the plans of the queries that name it. Rows
    that were rolled back stay in its file until the session ends.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NULL", [f"pg_temp.{TABLE}"])
        if cursor.fetchone()[0]:
            cursor.execute(
                f"CREATE TEMPORARY TABLE {TABLE} (id bigint PRIMARY KEY, number bigint NOT NULL)"
                " ON COMMIT DELETE ROWS"
            )


def fill_table(pseudonyms: Mapping[int, int]) -> None:
    """Put pseudonyms, by the ids of people, into the table for the rest of the transaction."""
    lines = io.StringIO("".join(f"{person}\t{number}\n" for person, number in pseudonyms.items()))
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {TABLE}")
        cursor.copy_expert(f"COPY {TABLE} FROM STDIN", lines)


def pseudonym_sql(column: str) -> str:
    """Return an SQL expression for the pseudonym of `column`, itself an SQL expression of a person's id; NULL stays NULL.

    A person whom the table does not have becomes 0, nobody.
    """
    number = f"(SELECT number FROM {TABLE} WHERE id = {column})"
    return f"(CASE WHEN {column} > 0 THEN coalesce({number}, 0) ELSE {column} END)"


def rendering(*, people: bool = True, anonymize: bool, texts: bool = True) -> Rendering:
    """Return the rendering of fields: without `people` ids of users become 0, with `anonymize` pseudonyms.

    Without `texts` what people wrote is left out of their records.
    """
    return Rendering(people=people, anonymize=anonymize, texts=texts, pseudonym=pseudonym_sql)


def personal_sql(field: ArchiveField, *, person: str, rendering: Rendering) -> str:
    """Return the SQL expression of the text that replaces a personal column; `person` is that of the person's id.

    Raises KeyError if `field.personal` is none of the words in `PERSONAL`.
    """
    before, number, after = PERSONAL[field.personal or ""].partition("{number}")
    if not number:
        return f"'{before}'"
    return f"'{before}' || ({rendering.pseudonym(person)})::text || '{after}'"
