"""Complete a manifest by what the archive's members say: the course's ids, and folders that are elsewhere."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from archive import layout
from archive.container import Archive
from archive.findings import Finding
from archive.manifest import ActivityEntry, Manifest, SectionEntry
from archive.numbers import natural
from courses.fields import plain_number
from restore.owners import attributes_of, folder

COURSE = "course/course.xml"
Entry = TypeVar("Entry", ActivityEntry, SectionEntry)


def complete(manifest: Manifest, archive: Archive) -> Manifest:
    """Return the manifest with the ids of the course and the folders that the members have; `findings` tells of folders.

    Values that the manifest says are never replaced, but for a folder without the member of its entry.
    """
    found = list(manifest.findings)
    activities = tuple(
        _located(archive, entry, f"activities/{folder(entry)}", f"{entry.modulename}.xml", found)
        for entry in manifest.activities
    )
    sections = tuple(
        _located(archive, entry, f"sections/section_{entry.sectionid}", "section.xml", found)
        for entry in manifest.sections
    )
    course, context = _ids(manifest, archive)
    return replace(
        manifest,
        activities=activities,
        sections=sections,
        findings=tuple(found),
        original_course_id=course,
        original_course_contextid=context,
    )


def _located(archive: Archive, entry: Entry, usual: str, name: str, found: list[Finding]) -> Entry:
    """Return the entry with its usual folder, if the folder that it names has no member `name` and the usual one has."""
    if f"{entry.directory}/{name}" in archive or f"{usual}/{name}" not in archive:
        return entry
    found.append(
        Finding(
            "warning",
            "directory-wrong",
            f"The entry of “{entry.title}” names the folder {entry.directory}, which has no {name}; {usual} was taken.",
            f"{layout.MANIFEST}, <directory>",
            "Look at it in the restored course: the archive was changed after it was made.",
        )
    )
    return replace(entry, directory=usual)


def _ids(manifest: Manifest, archive: Archive) -> tuple[int, int]:
    """Return the ids of the course and its context; those that the manifest does not say from the course's member."""
    known = manifest.original_course_id, manifest.original_course_contextid
    if all(known) or COURSE not in archive:
        return known
    attributes = attributes_of(archive, COURSE)
    texts = [plain_number(attributes.get(name, "")) for name in ("id", "contextid")]
    course, context = (natural(text) or 0 for text in texts)
    return known[0] or course, known[1] or context
