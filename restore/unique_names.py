"""Claim names that must be unique on the whole site, so that restores at the same time bring the same people and roles once.

Two restores that bring the new account `anna` both find that there is none. The first one to claim the name inserts a row with
it. The second one waits at that row until the first transaction ends, learns that the name is taken, and matches again: then
the account is there. Restores that share no new names do not wait for each other.

Names are claimed in one order, people before roles and roles before the course, so two restores never wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    _claim(User, (User(pk=pk, username=name, contextid=-pk) for pk, name in _ordered(names)))


def claim_role_names(names: Mapping[int, str]) -> None:
    """Claim short names by the ids of the new roles, until the transaction ends. Raises NameTaken if one is taken.

    If one is taken, none is claimed.
    """
    _claim(Role, (Role(pk=pk, shortname=name, sortorder=0) for pk, name in _ordered(names)))


def _ordered(names: Mapping[int, str]) -> list[tuple[int, str]]:
    return sorted(names.items(), key=lambda pair: pair[1])


def _claim(model: type[models.Model], rows: Iterator[models.Model]) -> None:
    """Insert the rows one after the other, waiting for transactions that have inserted the same name, and delete them again.

    A deleted row makes others wait as well, until the transaction ends, and the restore can send its own row by COPY. So many
    rows are in memory as are inserted at once.
    """
    with transaction.atomic():
        while some := list(islice(rows, BATCH)):
            model._base_manager.bulk_create(some, ignore_conflicts=True)
            mine = model._base_manager.filter(pk__in=[row.pk for row in some])
            if mine.count() < len(some):
                raise NameTaken
            mine._raw_delete(connection.alias)
