"""The door of the audit trail: `record` adds an entry, `expire` deletes old ones. Nothing else writes it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection, transaction

from audit.actions import ACTIONS
from audit.models import AuditEntry
from audit.protection import EXPIRY, LEAST_DAYS


def record(
    action: str,
    *,
    by: Any,
    subject: str = "",
    subject_id: int | None = None,
    title: str = "",
    course: int | None = None,
    outcome: str = "done",
    address: str = "",
    **details: Any,
) -> None:
    """Add an entry to the trail. Call it in the transaction of the action, so that neither is there without the other.

    `by` is an account, or None for the site itself. `subject`, `subject_id` and `title` say what it was done to, `course` is
    the id of its course. `details` are values that JSON knows. Raises KeyError for an action that `ACTIONS` does not have.
    """
    AuditEntry.objects.create(
        action=ACTIONS[action].name,
        outcome=outcome,
        actor=getattr(by, "pk", None),
        actor_name=str(by) if by is not None else "",
        subject=subject,
        subject_id=subject_id,
        title=title,
        course=course,
        address=address,
        details=details,
    )


def expire(before: datetime, *, most: int) -> int:
    """Delete the oldest entries from before a moment, `most` at most, and record that in one transaction; return how many.

    Entries of the last `LEAST_DAYS` days stay, whatever is asked.
    """
    table = connection.ops.quote_name(AuditEntry._meta.db_table)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, 'on', true)", [EXPIRY])
        cursor.execute(
            f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table}"
            " WHERE at < least(%s, now() - make_interval(days => %s)) ORDER BY at LIMIT %s)",
            [before, LEAST_DAYS, most],
        )
        number: int = cursor.rowcount
        cursor.execute("SELECT set_config(%s, 'off', true)", [EXPIRY])
        if number:
            record("audit-expired", by=None, subject="audit", number=number)
    return number
