"""Find the owner of each context of an archive, before anything is written."""

from __future__ import annotations

import re
from collections.abc import Mapping

from archive import xml
from archive.container import Archive
from archive.manifest import ActivityEntry, Manifest
from archive.numbers import whole_or
from courses.fields import plain_number
from selection.selection import COURSE_OWNER

BLOCK = re.compile(
    r"(?P<folder>(?P<owner>course/|activities/[^/]+/)blocks/[a-z][a-z0-9_]*_[0-9]{1,18}/)block\.xml\Z"
)
"""The path of a block's own member."""


def folder(entry: ActivityEntry) -> str:
    """Return the usual name of an activity's folder, which is its name as an owner: `forum_7`."""
    return f"{entry.modulename}_{entry.moduleid}"


def owner_folders(manifest: Manifest) -> dict[str, str]:
    """Return the usual folder of each activity by the folder that the manifest names, both with a slash at the end."""
    return {f"{entry.directory}/": f"activities/{folder(entry)}/" for entry in manifest.activities}


def block_owner(match: re.Match[str], folders: Mapping[str, str]) -> str:
    """Return the name of a block as an owner: its folder in the usual folder of its activity (`owner_folders`).

    `match` is that of `BLOCK`.
    """
    above = match["owner"]
    return f"{folders.get(above, above)}{match['folder'].removeprefix(above)}".rstrip("/")


def owners_by_context(archive: Archive, manifest: Manifest) -> dict[int, str]:
    """Return the owner of each context of the archive: `course`, `forum_7`, or a block's folder.

    Contexts without a valid id are left out: loading their member raises the error.
    """
    found = {manifest.original_course_contextid: COURSE_OWNER}
    members = {f"{entry.directory}/{entry.modulename}.xml": folder(entry) for entry in manifest.activities}
    folders = owner_folders(manifest)
    members |= {path: block_owner(match, folders) for path in archive.members if (match := BLOCK.match(path))}
    for path, owner in members.items():
        if path in archive:
            contextid = plain_number(attributes_of(archive, path).get("contextid", ""))
            if xml.is_id(contextid):
                found.setdefault(whole_or(contextid), owner)
    return found


def attributes_of(archive: Archive, path: str) -> dict[str, str]:
    """Return the attributes of a member's root element. Raises DamagedArchive."""
    with archive.open(path) as stream:
        return xml.attributes_of_root(stream, member=path)
