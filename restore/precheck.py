"""Prechecks of a restore that need no reading of its records; `restore/rehearsal.py` looks at these."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from archive import layout
from archive.findings import Finding
from archive.limits import in_units
from archive.releases import LATEST_VERSION
from courses import activities, pool
from restore import files, missing_members, needed_findings, people
from restore.context import RestoreContext
from restore.owners import folder

RESERVE = 64 * 1024 * 1024
"""Bytes that have to be free beside the unpacked archive."""


def findings(context: RestoreContext) -> Iterator[Finding]:
    """Yield all findings; those of level `error` stop the restore."""
    yield from context.manifest.findings
    yield from _version(context)
    yield from _withheld(context)
    yield from _members(context)
    yield from missing_members.lost_records(context)
    yield from needed_findings.findings(context)
    yield from _space(context)
    yield from people.match_all_roles(context)[1]
    if context.selection.people:
        yield from people.review_people(context)
    if context.selection.allows("files"):
        yield from files.review_contents(context)
    yield from _undescribed(context)


def _version(context: RestoreContext) -> Iterator[Finding]:
    """Yield a warning if the archive is newer than the newest Moodle whose format is known."""
    manifest = context.manifest
    if manifest.backup_version > LATEST_VERSION:
        yield Finding(
            "warning",
            "newer-version",
            f"The archive was made by a newer Moodle ({manifest.moodle_release}) than the newest that is known here, 5.3.",
            layout.MANIFEST,
            "What it has more is kept as it is.",
        )


def _withheld(context: RestoreContext) -> Iterator[Finding]:
    """Yield a warning if people's data stay away because the person may not bring them in."""
    users = context.selection.settings["users"]
    if users.withheld and users.value is False and context.manifest.with_users:
        yield Finding(
            "warning",
            "userdata-withheld",
            f"People and their work are in the archive and stay away. {users.reason}",
            place=people.USERS,
            hint="Ask a manager of the course or category to restore it with people and their work.",
        )


def _members(context: RestoreContext) -> Iterator[Finding]:
    """Yield an error for each member that the manifest promises and the archive lacks."""
    for entry in context.sections:
        yield from _needed(context, f"{entry.directory}/section.xml", f"section “{entry.title}”")
    for activity in context.activities:
        for name in ("module.xml", f"{activity.modulename}.xml"):
            yield from _needed(
                context, f"{activity.directory}/{name}", f"{folder(activity)} “{activity.title}”"
            )
    if context.manifest.archive_type == "course":
        yield from _needed(context, "course/course.xml", "the course")
    if context.selection.allows("users") and context.manifest.with_users:
        yield from _needed(context, people.USERS, "the people")


def _needed(context: RestoreContext, path: str, what: str) -> Iterator[Finding]:
    if path not in context.archive:
        yield Finding(
            "error",
            "member-missing",
            f"The member that describes {what} is missing.",
            path,
            "Get the archive again.",
        )


def _space(context: RestoreContext) -> Iterator[Finding]:
    """Yield an error if the disk of the pool has too little space for the unpacked archive; in the spool it is already."""
    place = pool.folder()
    needed = context.archive.unpacked_size + RESERVE
    if place is not None and needed > (free := shutil.disk_usage(place).free):
        yield Finding(
            "error",
            "no-space",
            f"The restore needs about {in_units(needed)}, and {in_units(free)} are free.",
            str(place),
            "Make room there first.",
        )


def _undescribed(context: RestoreContext) -> Iterator[Finding]:
    """Yield a finding if activities have types that no model describes."""
    unknown = sorted({a.modulename for a in context.activities if a.modulename not in activities.types()})
    if unknown:
        yield Finding(
            "info",
            "kept",
            f"Activities of these types are kept as they are, and come out again unchanged: {', '.join(unknown)}.",
            "activities/",
        )
