"""Activities that cannot be restored are left out, if the option `damaged_activities` says so; else they stop the restore.

A restore that an activity stops is undone as a whole and done again without it, exactly as if it had not been chosen: what
refers to it is told in the same words, and nothing half read stays.
"""

from __future__ import annotations

from collections.abc import Callable, Generator

from archive.errors import ArchiveError, PrecheckFailed
from archive.findings import Finding, errors_among
from archive.manifest import ActivityEntry
from jobs.events import Event
from restore.context import RestoreContext
from restore.owners import folder

OPTION = "damaged_activities"
LEAVE_OUT = "leave_out"
MOST = 50
"""So many times a restore begins again; an archive with more damage is refused."""

Attempt = Callable[[RestoreContext], Generator[Event, None, None]]
Again = Callable[[RestoreContext, list[ActivityEntry]], RestoreContext]


def without_damaged(context: RestoreContext, attempt: Attempt, again: Again) -> Generator[Event, None, None]:
    """Make attempts at a restore until no activity stops it; yield the events of the last one, and what was left out.

    `again` returns the context of a restore without some activities. Errors of an attempt are raised by it or are among its
    findings. `context.report` is that of the last attempt. Raises what the attempt raises if no activity is to blame.
    """
    if context.selection.settings.text(OPTION) != LEAVE_OUT:
        yield from attempt(context)
        return
    current, left_out = context, list[Finding]()
    for number in range(MOST + 1):
        found: list[Finding] = []
        raised: ArchiveError | PrecheckFailed | None = None
        try:
            yield from _keeping_findings(attempt(current), found)
        except (ArchiveError, PrecheckFailed) as error:
            raised = error
        reasons = _reasons(raised) or errors_among(found)
        damaged = _damaged(current, reasons) if number < MOST else {}
        following = again(current, [entry for entry, _ in damaged.values()]) if damaged else current
        if not _goes_on(current, following):
            yield from (*left_out, *found)
            context.report = current.report
            if raised is not None:
                raise raised
            return
        left_out += [_left_out(entry, reason) for entry, reason in damaged.values()]
        current = following


def _goes_on(current: RestoreContext, following: RestoreContext) -> bool:
    """Whether a restore without some activities is another one, and there is something to restore."""
    fewer = len(following.activities) < len(current.activities)
    return fewer and (current.manifest.archive_type != "activity" or bool(following.activities))


def _keeping_findings(
    events: Generator[Event, None, None], found: list[Finding]
) -> Generator[Event, None, None]:
    """Yield events without the findings, which are collected in `found`: they are told if the attempt is the last one."""
    try:
        for event in events:
            if isinstance(event, Finding):
                found.append(event)
            else:
                yield event
    finally:
        # A cancelled job rolls back here.
        events.close()


def _reasons(error: ArchiveError | PrecheckFailed | None) -> list[Finding]:
    """Return the errors that an exception stands for."""
    if isinstance(error, PrecheckFailed):
        return errors_among(error.findings)
    if error is None:
        return []
    return [Finding("error", error.code, error.message, error.where, error.hint)]


def _damaged(context: RestoreContext, reasons: list[Finding]) -> dict[str, tuple[ActivityEntry, Finding]]:
    """Return the activities in whose members the errors are, by folder; none if an error is somewhere else."""
    entries = {entry.directory: entry for entry in context.activities}
    found: dict[str, tuple[ActivityEntry, Finding]] = {}
    for reason in reasons:
        directory = "/".join(reason.place.split("/")[:2])
        if directory not in entries:
            return {}
        found.setdefault(directory, (entries[directory], reason))
    return found


def _left_out(entry: ActivityEntry, reason: Finding) -> Finding:
    """Return the warning about an activity that is left out."""
    return Finding(
        "warning",
        "activity-left-out",
        f"“{entry.title}” was left out, as chosen, since it cannot be restored: {reason.message}",
        reason.place,
        "To get it, restore it from another archive of the course.",
    )


def options_without(context: RestoreContext, entries: list[ActivityEntry]) -> dict[str, str]:
    """Return the options of a restore, as a job stores them, without some activities."""
    away = {folder(entry) for entry in entries}
    options = {
        name: setting.text
        for name, setting in context.selection.settings.items()
        if not (setting.owner in away and setting.name.endswith("_userinfo"))
    }
    if context.manifest.archive_type != "activity" and not context.selection.is_part:
        # What is left out for its damage does not make a part of the whole that was chosen.
        options["only_needed"] = "0"
    return {**options, **{f"{name}_included": "0" for name in away}}
