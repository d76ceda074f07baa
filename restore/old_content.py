"""Back up the content of a course into the store before a restore replaces it."""

from __future__ import annotations

from collections.abc import Generator, Mapping

from archive.errors import Cancelled, CoursekeepError
from archive.findings import Finding
from archive.manifest import ArchiveType
from courses.capabilities import EVERYTHING
from courses.models import Course
from courses.services import outline
from jobs import events, queue, runner
from jobs.models import Job
from jobs.queue import Superseded
from restore.context import RestoreContext
from selection.defaults import site_defaults
from selection.items import items_of_course
from selection.resolution import resolve
from selection.settings import Setting, Settings
from selection.table import options_for

OPTION = "backup_first"
HIDES = frozenset({"anonymize", "single_names"})
"""Options by which an archive holds less, not more."""
PEOPLE = frozenset({"users", "anonymize"})
"""Options without which, or with which, an archive does not say whose the work in it is."""


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
    everything = _everything(course)
    if hidden := [one.option.label for one in everything.values() if one.name in PEOPLE and _holds_less(one)]:
        raise NotBackedUp(
            f"The old content of “{course.fullname}” would be backed up without its people, so nothing was replaced: the"
            f" administrator has fixed “{hidden[0]}” for the whole site.",
            hint=f"Turn the option {OPTION} off to replace it without a backup, or ask an administrator.",
        )
    done = yield from _run(job, course, everything.as_asked())
    context.old_archive = done.archive_id
    title = done.archive.title if done.archive else ""
    less = [f"“{one.option.label}”" for one in everything.values() if _is_whole(one) and _holds_less(one)]
    if less:
        yield Finding(
            "warning",
            "old-content-in-part",
            f"The old content of “{course.fullname}” is in the archive “{title}”, but not what the administrator has fixed to"
            f" stay away: {', '.join(less)}.",
            hint="Restore it to have the rest of the old content again.",
        )
        return
    yield Finding(
        "info",
        "old-content-kept",
        f"The old content of “{course.fullname}” is in the archive “{title}”.",
        hint="Restore it to have the old content again.",
    )


def everything_asked(archive_type: ArchiveType) -> dict[str, str]:
    """Return the switches of a whole backup, set so that its archive holds as much as it can."""
    return {
        one.name: "0" if one.name in HIDES else "1"
        for one in options_for("backup", archive_type=archive_type)
        if one.kind == "switch" and one.level == "root"
    }


def _everything(course: Course) -> Settings:
    """Return the options of a backup that holds as much of a course as the administrator lets it."""
    return resolve(
        everything_asked("course"),
        operation="backup",
        may=EVERYTHING,
        site=site_defaults("backup"),
        items=items_of_course(outline(course)),
        strict=False,
    )


def _is_whole(setting: Setting) -> bool:
    """Whether a setting is a switch of the whole backup."""
    return setting.option.kind == "switch" and setting.option.level == "root"


def _holds_less(setting: Setting) -> bool:
    """Whether the administrator has fixed a switch so that the archive holds less."""
    return setting.lock == "site" and bool(setting.value) == (setting.name in HIDES)


def _run(job: Job, course: Course, options: Mapping[str, str]) -> Generator[events.Event, None, Job]:
    """Run the backup and return its job. Raises NotBackedUp."""
    inner = queue.request(
        "backup", by=None, title=course.fullname, course=course, options=options, attempts=1, notify=False
    )
    try:
        return (yield from runner.run_within(inner.pk, worker=job.worker))
    except (Cancelled, Superseded):
        raise
    except Exception as error:
        inner.refresh_from_db()
        raise NotBackedUp(
            f"The old content of “{course.fullname}” could not be backed up, so nothing was replaced. {inner.error}",
            hint=inner.error_hint or f"Turn the option {OPTION} off to replace it without a backup.",
        ) from error
