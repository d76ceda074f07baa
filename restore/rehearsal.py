"""Rehearsal of a restore: run its steps in a transaction that is rolled back, and return what they find.

So a precheck looks at what a restore looks at, with the same readers and the same database, and no check is written twice. The
contents of files are read and hashed, and not stored. Nothing stays but gaps in the numbering of new rows.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db import OperationalError, connection, transaction
from psycopg2.errors import DeadlockDetected, LockNotAvailable

from archive.errors import ArchiveError, Busy, NotFound
from archive.findings import Finding
from courses.bulk import check_on_arrival, sending_ahead
from jobs.plan import Plan
from restore import files
from restore.context import RestoreContext
from restore.readers import inline_tables
from restore.refusals import rows_that_fit

PATIENCE = "300ms"
"""How long a rehearsal waits for a lock: less than PostgreSQL's `deadlock_timeout`, so that it never makes a restore fail."""

WAITED = (LockNotAvailable, DeadlockDetected)
"""The errors by which PostgreSQL ends a statement that waits for a lock. A full disk, for instance, is another matter."""


def findings(context: RestoreContext, inside: Plan[RestoreContext]) -> Iterator[Finding]:
    """Yield what the steps of a restore find, and as an error what stops them. `context` cannot be used for a restore then."""
    if context.selection.allows("files"):
        yield from (event for event in files.look_at_contents(context) if isinstance(event, Finding))
    found: list[Finding] = []
    try:
        with transaction.atomic():
            found.extend(_run(context, inside))
            transaction.set_rollback(True)
    except (ArchiveError, NotFound) as error:
        found.append(Finding("error", error.code, error.message, error.where, error.hint))
    except Busy:
        found.append(_busy())
    except OperationalError as error:
        if not isinstance(error.__cause__, WAITED):
            raise
        found.append(_busy())
    yield from found


def _run(context: RestoreContext, inside: Plan[RestoreContext]) -> Iterator[Finding]:
    """Run the steps and the checks that the database makes at the end of a transaction; yield the findings."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{PATIENCE}'")
    with rows_that_fit(context.target), transaction.atomic(), sending_ahead():
        check_on_arrival(inline_tables())
        for step in (step for task in inside.tasks for step in task.steps):
            yield from (event for event in step.run(context) if isinstance(event, Finding))
        context.loaders.flush()
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def _busy() -> Finding:
    """Return the warning that the archive was not looked at to its end."""
    return Finding(
        "warning",
        "not-looked-at",
        "Not all of the archive was looked at: somebody else is changing the same course, people or roles.",
        hint="Check again in a moment.",
    )
