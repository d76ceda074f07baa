"""Empty the database between tests: only the tables that have rows are emptied, which takes a fifth of the time of all.

Content types and permissions come from the models, so they stay, and are not looked for again after each test.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.contenttypes.management import create_contenttypes
from django.db.backends.postgresql.operations import DatabaseOperations
from django.db.models.signals import post_migrate

KEPT = ("django_content_type", "auth_permission")
"""Tables whose rows come from the models, and so are the same for every test. They are never emptied."""

TRAIL = "audit_auditentry"
"""The table whose triggers refuse TRUNCATE."""

MOST = 1024 * 1024
"""Bytes of a table up to which its rows are deleted; emptying a larger one leaves no dead rows behind."""

PERMISSIONS_RECEIVER = "django.contrib.auth.management.create_permissions"
"""The `dispatch_uid` of the receiver that creates permissions."""

METHOD = "sql_flush"
_all_at_once = DatabaseOperations.sql_flush


def install() -> None:
    """Make Django's `flush` do it, which ends each test that commits."""
    setattr(DatabaseOperations, METHOD, _sql_flush)


def disconnect_receivers() -> None:
    """Disconnect the receivers of `post_migrate` that create the rows of KEPT. Call it when the test database has them."""
    gone = (
        post_migrate.disconnect(create_contenttypes),
        post_migrate.disconnect(dispatch_uid=PERMISSIONS_RECEIVER),
    )
    if not all(gone):
        raise RuntimeError(
            "Django creates content types and permissions in another way now; see tests/quick_flush.py."
        )


def _sql_flush(
    self: Any,
    style: Any,
    tables: Sequence[str],
    *,
    reset_sequences: bool = False,
    allow_cascade: bool = False,
) -> list[str]:
    """Return the statements that empty tables: Django's own, or DELETE for the few tables that have rows.

    Foreign keys are not checked, as all tables that refer to one another are emptied; that takes a superuser.
    """
    tables = [table for table in tables if table not in KEPT]
    with self.connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, pg_relation_size(oid), current_setting('is_superuser') = 'on' FROM pg_class"
            " WHERE oid = ANY(SELECT to_regclass(quote_ident(name)) FROM unnest(%s::text[]) AS name)"
            " AND pg_relation_size(oid) > 0",
            [tables],
        )
        filled = cursor.fetchall()
    if reset_sequences or any(size > MOST or not superuser for _, size, superuser in filled):
        emptying = _all_at_once(
            self, style, tables, reset_sequences=reset_sequences, allow_cascade=allow_cascade
        )
        # The trail refuses to be emptied.
        return [
            f"ALTER TABLE {TRAIL} DISABLE TRIGGER USER",
            *emptying,
            f"ALTER TABLE {TRAIL} ENABLE TRIGGER USER",
        ]
    deletions = [f"DELETE FROM {self.quote_name(name)}" for name, _, _ in filled]
    return ["SET LOCAL session_replication_role = replica", *deletions]
