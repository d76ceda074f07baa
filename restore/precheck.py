"""Prechecks: everything that can be known to go wrong, found before anything is written."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator

from archive import layout
from archive.findings import Finding
from archive.limits import in_units
from courses import activities
from restore import files, people
from restore.context import Restoration, folder

NEWEST_VERSION = 2024100700
"""The backup version of Moodle 4.5."""

RESERVE = 64 * 1024 * 1024


def findings(restoration: Restoration) -> Iterator[Finding]:
    """All findings, the ones that stop the restore among them."""
    yield from _version(restoration)
    yield from _members(restoration)
    yield from _space(restoration)
    yield from people.match_all_roles(restoration)[1]
    if restoration.people:
        yield from people.review_people(restoration)
    if restoration.settings.allows("files"):
        yield from files.review_contents(restoration)
    yield from _kept(restoration)


def _version(restoration: Restoration) -> Iterator[Finding]:
    manifest = restoration.manifest
    if manifest.backup_version > NEWEST_VERSION:
        yield Finding(
            "warning",
            "newer-version",
            f"The archive was made by a newer Moodle ({manifest.moodle_release}) than 4.5, whose format is known here.",
            layout.MANIFEST,
            "What it has more is kept as it is.",
        )


def _members(restoration: Restoration) -> Iterator[Finding]:
    for entry in restoration.sections:
        yield from _needed(restoration, f"{entry.directory}/section.xml", f"section “{entry.title}”")
    for activity in restoration.activities:
        for name in ("module.xml", f"{activity.modulename}.xml"):
            yield from _needed(restoration, f"{activity.directory}/{name}", f"{folder(activity)} “{activity.title}”")
    if restoration.manifest.kind == "course":
        yield from _needed(restoration, "course/course.xml", "the course")
    if restoration.settings.allows("users") and restoration.manifest.with_users:
        yield from _needed(restoration, people.USERS, "the people")


def _needed(restoration: Restoration, path: str, what: str) -> Iterator[Finding]:
    if path not in restoration.archive:
        yield Finding(
            "error", "member-missing", f"The member that describes {what} is missing.", path, "Get the archive again."
        )


def _space(restoration: Restoration) -> Iterator[Finding]:
    free = shutil.disk_usage(tempfile.gettempdir()).free
    needed = restoration.archive.unpacked_size + RESERVE
    if needed > free:
        yield Finding(
            "error",
            "no-space",
            f"The restore needs about {in_units(needed)}, and {in_units(free)} are free.",
            hint="Make room on the server first.",
        )


def _kept(restoration: Restoration) -> Iterator[Finding]:
    unknown = sorted({a.modulename for a in restoration.activities if a.modulename not in activities.types()})
    if unknown:
        yield Finding(
            "info",
            "kept",
            f"Activities of these types are kept as they are, and come out again unchanged: {', '.join(unknown)}.",
            "activities/",
        )
