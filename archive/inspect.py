"""Describe an archive without restoring it: its manifest, and counts of people, files and contents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from archive import xml
from archive.container import Archive
from archive.integrity import Signer
from archive.manifest import ActivityEntry, Manifest, SectionEntry, read_manifest

POOL = "files/"


@dataclass(frozen=True, slots=True)
class ActivityNode:
    """An activity in the tree. `sections` are the sections within a subsection activity, empty for others."""

    moduleid: int
    modulename: str
    title: str
    directory: str
    with_users: bool
    sections: tuple[SectionNode, ...] = ()


@dataclass(frozen=True, slots=True)
class SectionNode:
    """A section in the tree, with its activities in order."""

    sectionid: int
    title: str
    directory: str
    with_users: bool
    activities: tuple[ActivityNode, ...] = ()


@dataclass(frozen=True, slots=True)
class Description:
    """The description of an archive. Times are epoch seconds, sizes are bytes.

    `activities` are those in no section of the archive, such as the only one of an activity archive. `files` counts file
    records, `contents` distinct contents. `users` counts people; None if the archive has no users.xml. `signed` is True if the
    manifest has a signature, `signed_here` if it is this site's; None without a site.
    """

    name: str
    archive_type: str
    title: str
    shortname: str
    release: str
    backup_version: int
    date: int
    site: str
    site_hash: str
    container: str
    packed_size: int
    unpacked_size: int
    with_users: bool
    anonymised: bool
    users: int | None
    files: int
    contents: int
    contents_size: int
    sections: tuple[SectionNode, ...]
    activities: tuple[ActivityNode, ...]
    activity_counts: dict[str, int]
    settings: dict[str, str]
    startdate: int
    enddate: int
    signed: bool
    signed_here: bool | None

    def as_dict(self) -> dict[str, Any]:
        """Return the description for JSON, with `made`: the date in ISO 8601, in UTC."""
        return {**asdict(self), "made": datetime.fromtimestamp(self.date, UTC).isoformat()}


def describe(archive: Archive, *, signer: Signer | None = None) -> Description:
    """Return the description of an open archive. `signer` is this site. Raises as `read_manifest` does."""
    manifest = read_manifest(archive)
    integrity = manifest.integrity
    sections, activities = _tree(manifest)
    pool = [member.size for path, member in archive.members.items() if path.startswith(POOL)]
    counts: defaultdict[str, int] = defaultdict(int)
    for entry in manifest.activities:
        counts[entry.modulename] += 1
    return Description(
        name=manifest.name,
        archive_type=manifest.archive_type,
        title=_title(manifest),
        shortname=manifest.original_course_shortname,
        release=manifest.moodle_release,
        backup_version=manifest.backup_version,
        date=manifest.backup_date,
        site=manifest.original_wwwroot,
        site_hash=manifest.original_site_identifier_hash,
        container=archive.container,
        packed_size=archive.packed_size,
        unpacked_size=archive.unpacked_size,
        with_users=manifest.with_users,
        anonymised=manifest.anonymised,
        users=_count(archive, "users.xml", "user") if "users.xml" in archive else None,
        files=_count(archive, "files.xml", "file") if "files.xml" in archive else 0,
        contents=len(pool),
        contents_size=sum(pool),
        sections=sections,
        activities=activities,
        activity_counts=dict(sorted(counts.items())),
        settings={each.name: each.value for each in manifest.settings if each.level == "root"},
        startdate=manifest.original_course_startdate,
        enddate=manifest.original_course_enddate,
        signed=integrity is not None,
        signed_here=None if signer is None else bool(integrity and integrity.is_signed_with(signer.keys)),
    )


def _title(manifest: Manifest) -> str:
    """Return the name of the course, section or activity that the archive holds."""
    if manifest.archive_type == "activity" and manifest.activities:
        return manifest.activities[0].title
    if manifest.archive_type == "section" and manifest.sections:
        return manifest.sections[0].title
    return manifest.original_course_fullname


def _tree(manifest: Manifest) -> tuple[tuple[SectionNode, ...], tuple[ActivityNode, ...]]:
    inside: defaultdict[int, list[ActivityEntry]] = defaultdict(list)
    nested: defaultdict[int, list[SectionEntry]] = defaultdict(list)
    modules = {entry.moduleid for entry in manifest.activities}
    for entry in manifest.activities:
        inside[entry.sectionid].append(entry)
    for section in manifest.sections:
        if section.parentcmid in modules:
            nested[section.parentcmid].append(section)
    switched_on = {each.name for each in manifest.settings if each.value == "1"}

    def activity_node(entry: ActivityEntry) -> ActivityNode:
        people = f"{entry.directory.rpartition('/')[2]}_userinfo" in switched_on
        within = tuple(section_node(each) for each in nested.pop(entry.moduleid, []))
        return ActivityNode(
            entry.moduleid,
            entry.modulename,
            entry.title,
            entry.directory,
            people,
            within,
        )

    def section_node(entry: SectionEntry) -> SectionNode:
        people = f"{entry.directory.rpartition('/')[2]}_userinfo" in switched_on
        within = tuple(activity_node(each) for each in inside.pop(entry.sectionid, []))
        return SectionNode(entry.sectionid, entry.title, entry.directory, people, within)

    top = tuple(section_node(each) for each in manifest.sections if each.parentcmid not in modules)
    # Sections with crossed or circular parents are not reached from the top, but are listed too.
    rest = tuple(section_node(each) for parent in list(nested) for each in nested.pop(parent, []))
    return top + rest, tuple(activity_node(each) for key in list(inside) for each in inside.pop(key, []))


def _count(archive: Archive, path: str, tag: str) -> int:
    """Return the number of records of a member, without folders and records within others of the same name."""
    found = 0
    with archive.open(path) as stream:
        for element in xml.records(stream, member=path, tags=(tag,)):
            parent = element.getparent()
            if parent is not None and parent.getparent() is None and not _is_folder(element):
                found += 1
    return found


def _is_folder(element: xml.Element) -> bool:
    return element.tag == "file" and element.findtext("filename") == "."


def sentences(description: Description) -> Iterator[str]:
    """Yield the description as lines for people."""
    made = datetime.fromtimestamp(description.date, UTC).strftime("%Y-%m-%d %H:%M UTC")
    yield f"{description.title} ({description.shortname})"
    yield f"  {description.archive_type} backup of {description.site}, made {made} with Moodle {description.release}"
    people = "without people's data"
    if description.with_users:
        people = f"with {description.users} people{', anonymised' if description.anonymised else ''}"
    yield f"  {people}; {description.files} files, {description.contents_size:,} bytes"
    for section in description.sections:
        yield from _section_lines(section, "  ")
    for activity in description.activities:
        yield from _activity_lines(activity, "  ")


def _section_lines(section: SectionNode, indent: str) -> Iterator[str]:
    yield f"{indent}section {section.sectionid}: {section.title}"
    for activity in section.activities:
        yield from _activity_lines(activity, f"{indent}  ")


def _activity_lines(activity: ActivityNode, indent: str) -> Iterator[str]:
    yield f"{indent}{activity.modulename} {activity.moduleid}: {activity.title}"
    for section in activity.sections:
        yield from _section_lines(section, f"{indent}  ")
