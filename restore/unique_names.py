"""Claim names that must be unique on the whole site, so that restores at the same time bring the same people and roles once.

Two restores that bring the new account `anna` both find that there is none. The first one to claim the name inserts a row with
it. The second one waits at that row until the first transaction ends, learns that the name is taken, and matches again: then
the account is there. Restores that share no new names do not wait for each other.

Names are claimed in one order, people before roles and roles before the course, so two restores never wait for each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

from django.db import connection, models, transaction

from courses.models import Role, User

ATTEMPTS = 20
"""How often a restore matches again, at most. Each time another transaction has taken a name meanwhile."""


BATCH = 1000
"""Rows that are inserted at once."""


class NameTaken(Exception):
    """Another transaction has made a record of the same name meanwhile."""


def claim_user_names(names: Mapping[int, str]) -> None:
    """Claim user names by the ids of the new accounts, until the transaction ends. Raises NameTaken if one is taken.

    If one is taken, none is claimed.
    """
    # The context of an account is unique too, and it is not known yet.
    _claim(User, names, {"id": "number", "username": "name", "contextid": "-number"})


def claim_role_names(names: Mapping[int, str]) -> None:
    """Claim short names by the ids of the new roles, until the transaction ends. Raises NameTaken if one is taken.

    If one is taken, none is claimed.
    """
    _claim(Role, names, {"id": "number", "shortname": "name"})


def _claim(model: type[models.Model], names: Mapping[int, str], columns: Mapping[str, str]) -> None:
    """Insert rows in the order of their names, waiting for transactions that have inserted the same, and delete them again.

    `columns` are those that differ, with the SQL of their values by `number` and `name`; all others get their defaults. A
    deleted row makes others wait as well, until the transaction ends, and the restore can send its own row by COPY.
    """
    fields = {field.column: field for field in model._meta.concrete_fields}
    defaults = [
        column for column, field in fields.items() if column not in columns and not field.has_db_default()
    ]
    listed = ", ".join(f'"{column}"' for column in (*columns, *defaults))
    values = ", ".join((*columns.values(), *("%s" for _ in defaults)))
    table = connection.ops.quote_name(model._meta.db_table)
    insert = (
        f"INSERT INTO {table} ({listed}) SELECT {values} FROM unnest(%s::bigint[], %s::text[]) AS claimed (number, name)"
        " ON CONFLICT DO NOTHING"
    )
    plain = [fields[column].get_db_prep_save(fields[column].get_default(), connection) for column in defaults]
    ordered = iter(sorted(names.items(), key=lambda pair: pair[1]))
    with transaction.atomic(), connection.cursor() as cursor:
        while some := list(islice(ordered, BATCH)):
            numbers = [number for number, _ in some]
            cursor.execute(insert, [*plain, numbers, [name for _, name in some]])
            if cursor.rowcount < len(some):
                raise NameTaken
            cursor.execute(f"DELETE FROM {table} WHERE id = ANY(%s)", [numbers])
