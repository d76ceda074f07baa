"""Rehearsal of a restore: run its steps in a transaction that is rolled back, and return what they find.

So a precheck looks at what a restore looks at, with the same readers and the same database, and no check is written twice. The
contents of files are read and hashed, and not stored. Nothing stays but gaps in the numbering of new rows.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager, nullcontext

from django.db import OperationalError, connection, transaction
from psycopg2.errors import DeadlockDetected, LockNotAvailable

from archive.errors import ArchiveError, Busy, NotFound, UsageError
from archive.findings import Finding, errors_among
from courses.bulk import check_on_arrival, sending_ahead
from jobs.events import Event
from jobs.plan import Plan, Step, Task, execute
from restore import files, old_content, precheck
from restore.context import RestoreContext
from restore.readers import inline_tables
from restore.refusals import rows_that_fit
from restore.report import before, report

PATIENCE = "300ms"
"""How long a rehearsal waits for a lock: less than PostgreSQL's `deadlock_timeout`, so that it never makes a restore fail."""

WAITED = (LockNotAvailable, DeadlockDetected)
"""The errors by which PostgreSQL ends a statement that waits for a lock. A full disk, for instance, is another matter."""

NOT_LOOKED_AT = "not-looked-at"
"""The code of the finding that a rehearsal did not come to its end."""

LOOK = Plan((Task("Files", (Step("Read the contents of files", files.look_at_contents),)),))


def run(context: RestoreContext, inside: Plan[RestoreContext]) -> Generator[Event, None, None]:
    """Run the prechecks, and if none finds an error, the steps of a restore; yield progress and findings.

    What stops the restore is yielded as an error. `context.report` is that of the restore then, or the part of it that is known
    before; `context` cannot be used for a restore any more.
    """
    context.rehearsed = True
    found = [*precheck.findings(context), *old_content.foreseen(context)]
    yield from found
    if errors_among(found):
        context.report = before(context)
        return
    looking = LOOK if context.selection.allows("files") else Plan[RestoreContext](())
    try:
        yield from execute((looking, nullcontext()), (inside, _rolled_back(context)), state=context)
    except (ArchiveError, NotFound, UsageError) as error:
        context.report = before(context)
        yield Finding("error", error.code, error.message, error.where, error.hint)
    except Busy:
        yield _busy()
    except OperationalError as error:
        if not isinstance(error.__cause__, WAITED):
            raise
        yield _busy()


@contextmanager
def _rolled_back(context: RestoreContext) -> Iterator[None]:
    """Open the transaction of a restore; make the checks of its end, and roll it back."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{PATIENCE}'")
        with rows_that_fit(context.target), transaction.atomic(), sending_ahead():
            check_on_arrival(inline_tables())
            yield
            context.loaders.flush()
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            context.report = report(context)
        transaction.set_rollback(True)


def prevents(finding: Finding) -> bool:
    """Whether a restore cannot be called ready: it would be refused, or not all of the archive was looked at."""
    return finding.level == "error" or finding.code == NOT_LOOKED_AT


def _busy() -> Finding:
    """Return the warning that the archive was not looked at to its end."""
    return Finding(
        "warning",
        NOT_LOOKED_AT,
        "Not all of the archive was looked at: somebody else is changing the same course, people or roles.",
        hint="Check again in a moment.",
    )
