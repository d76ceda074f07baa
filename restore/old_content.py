"""Back up the content of a course into the store before a restore replaces it."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence

from archive.errors import Cancelled, CoursekeepError, TookTooLong
from archive.findings import Finding
from archive.manifest import ArchiveType
from courses.capabilities import EVERYTHING
from courses.models import Course
from courses.services import course_tree
from jobs import events, queue, runner
from jobs.models import Job
from jobs.queue import GivenBack, Superseded
from restore.context import RestoreContext
from restore.targets import Target
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
    if not _is_backed_up(context.target, context.selection.settings):
        return
    course = _replaced(context.target)
    require_whole_backup(context.target, context.selection.settings)
    everything = _everything(course)
    done = yield from _run(job, course, everything.as_asked())
    context.old_archive = done.archive_id
    title = done.archive.title if done.archive else ""
    if less := _left_out(everything):
        yield _in_part(course, f"is in the archive “{title}”", less)
        return
    yield Finding(
        "info",
        "old-content-kept",
        f"The old content of “{course.fullname}” is in the archive “{title}”.",
        hint="Restore it to have the old content again.",
    )


def require_whole_backup(target: Target, settings: Settings) -> None:
    """Raise NotBackedUp if a course will be replaced whose backup would be without its people: the site has fixed that."""
    if not _is_backed_up(target, settings):
        return
    course = _replaced(target)
    hidden = [one for one in _everything(course).values() if one.name in PEOPLE and _holds_less(one)]
    if hidden:
        raise NotBackedUp(
            f"The old content of “{course.fullname}” would be backed up without its people, so nothing was replaced: the"
            f" administrator has fixed “{hidden[0].option.label}” for the whole site.",
            hint=f"Turn the option {OPTION} off to replace it without a backup, or ask an administrator.",
        )


def foreseen(context: RestoreContext) -> Iterator[Finding]:
    """Yield what is known before anything is done: an error if the old content cannot be backed up, a warning if not all."""
    target, settings = context.target, context.selection.settings
    if not _is_backed_up(target, settings):
        return
    try:
        require_whole_backup(target, settings)
    except NotBackedUp as error:
        yield Finding("error", error.code, error.message, error.where, error.hint)
        return
    course = _replaced(target)
    if less := _left_out(_everything(course)):
        yield _in_part(course, "goes into an archive first", less)


def _is_backed_up(target: Target, settings: Settings) -> bool:
    """Whether the content of a course is replaced, and backed up before."""
    return target.course is not None and target.replace and settings.on(OPTION)


def _replaced(target: Target) -> Course:
    """Return the course whose content is replaced."""
    assert target.course is not None
    return target.course


def _left_out(everything: Settings) -> list[str]:
    """Return the labels of what the administrator has fixed to stay away from a backup of the old content."""
    return [one.option.label for one in everything.values() if _is_whole(one) and _holds_less(one)]


def _in_part(course: Course, where: str, less: Sequence[str]) -> Finding:
    """Return the warning that the old content, which is or will be `where`, is not there with all that the course has."""
    names = ", ".join(f"“{label}”" for label in less)
    return Finding(
        "warning",
        "old-content-in-part",
        f"The old content of “{course.fullname}” {where}, but not what the administrator has fixed to stay away: {names}.",
        hint="Restore the archive to have the rest of the old content again.",
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
        items=items_of_course(course_tree(course)),
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
    except (Cancelled, TookTooLong, GivenBack, Superseded):
        raise
    except Exception as error:
        inner.refresh_from_db()
        raise NotBackedUp(
            f"The old content of “{course.fullname}” could not be backed up, so nothing was replaced. {inner.error}",
            hint=inner.error_hint or f"Turn the option {OPTION} off to replace it without a backup.",
        ) from error
