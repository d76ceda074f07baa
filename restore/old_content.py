"""Back up the content of a course into the store before a restore replaces it."""

from __future__ import annotations

from collections.abc import Generator

from archive.errors import Cancelled, CoursekeepError, NotAllowed
from archive.findings import Finding
from courses.models import Course
from jobs import events, queue, runner
from jobs.models import Job
from jobs.queue import Superseded
from restore.context import RestoreContext
from selection.table import options_for

OPTION = "backup_first"
HIDES = frozenset({"anonymize", "single_names"})
"""Options by which an archive holds less, not more."""


class NotBackedUp(CoursekeepError):
    """The old content of a course could not be backed up, so it is not replaced."""

    code = "not-backed-up"


def back_up_old_content(job: Job, context: RestoreContext) -> Generator[events.Event, None, None]:
    """Back up all of the course that the restore will replace, as the site itself and by a job of its own; yield its events.

    `context.old_archive` is the stored archive then. Raises NotBackedUp.
    """
    course = context.target.course
    if course is None or not context.target.replace or not context.selection.settings.on(OPTION):
        return
    try:
        done = yield from _run(job, course, everything=True)
    except NotAllowed:
        # The administrator has fixed options of backups for the whole site.
        done = yield from _run(job, course, everything=False)
    context.old_archive = done.archive_id
    yield Finding(
        "info",
        "old-content-kept",
        f"The old content of “{course.fullname}” is in the archive “{done.archive.title if done.archive else ''}”.",
        hint="Restore it to have the old content again.",
    )


def _run(job: Job, course: Course, *, everything: bool) -> Generator[events.Event, None, Job]:
    """Run the backup and return its job. Raises NotBackedUp, and NotAllowed for an option that the site has fixed."""
    switches = [
        one
        for one in options_for("backup", archive_type="course")
        if one.kind == "switch" and one.level == "root"
    ]
    options = {one.name: "0" if one.name in HIDES else "1" for one in switches} if everything else {}
    inner = queue.request(
        "backup", by=None, title=course.fullname, course=course, options=options, attempts=1, notify=False
    )
    try:
        return (yield from runner.run_within(inner.pk, worker=job.worker))
    except (NotAllowed, Cancelled, Superseded):
        raise
    except Exception as error:
        inner.refresh_from_db()
        raise NotBackedUp(
            f"The old content of “{course.fullname}” could not be backed up, so nothing was replaced. {inner.error}",
            hint=inner.error_hint or f"Turn the option {OPTION} off to replace it without a backup.",
        ) from error
