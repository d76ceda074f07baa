"""The manifest, `moodle_backup.xml`: the archive's type, origin, contents and settings. Reads and writes it.

The order of the elements is Moodle's; `moodle_backup`, `information` and the declaration are within the
first 200 bytes, because readers look for them there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, Protocol, TypeVar, cast, get_args

from lxml import etree

from archive import xml
from archive.errors import InvalidValue, NotAnArchive, UnsupportedArchive
from archive.findings import Finding
from archive.foreign import name_of_format, without_manifest
from archive.integrity import Integrity, read_integrity
from archive.limits import LARGEST_MANIFEST
from archive.manifest_values import ManifestValues
from archive.releases import VERSION_OF_4_5

MEMBER = "moodle_backup.xml"
OLDEST_VERSION = 2010072300  # below it the layout is that of Moodle 1.9

ArchiveType = Literal["course", "section", "activity"]
TYPES: tuple[ArchiveType, ...] = get_args(ArchiveType)
Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class ManifestSetting:
    """One option of the backup. `owner` is the folder's name (`section_12`, `forum_7`), "" at the root."""

    level: str
    name: str
    value: str
    owner: str = ""


@dataclass(frozen=True, slots=True)
class ActivityEntry:
    """One activity in the archive; `insubsection` is True if its section belongs to a subsection."""

    moduleid: int
    sectionid: int
    modulename: str
    title: str
    directory: str
    insubsection: bool = False


@dataclass(frozen=True, slots=True)
class SectionEntry:
    """One section; `parentcmid` and `modname` name the course module of a subsection."""

    sectionid: int
    title: str
    directory: str
    parentcmid: int | None = None
    modname: str = ""


@dataclass(frozen=True, slots=True)
class CourseEntry:
    """The course itself; its title is the short name."""

    courseid: int
    title: str
    directory: str


@dataclass(frozen=True, slots=True)
class Details:
    """The element `<detail>`: how the backup was made. `backup_id` is 32 hex digits."""

    backup_id: str
    type: ArchiveType
    format: str = "moodle2"
    interactive: int = 1
    mode: int = 10
    execution: int = 1
    executiontime: int = 0


@dataclass(frozen=True, slots=True)
class Manifest:
    """The contents of moodle_backup.xml. Times are epoch seconds, 0 when not set; fields are named as the elements.

    `integrity` is as it was read; `format_manifest` does not write it.
    """

    name: str
    moodle_version: str
    moodle_release: str
    backup_version: int
    backup_release: str
    backup_date: int
    original_wwwroot: str
    original_site_identifier_hash: str
    original_course_id: int
    original_course_fullname: str
    original_course_shortname: str
    original_course_startdate: int
    original_course_contextid: int
    original_system_contextid: int
    details: Details
    original_course_format: str = ""
    original_course_enddate: int = 0
    mnet_remoteusers: int = 0
    include_files: int = 1
    include_file_references_to_external_content: int = 0
    activities: tuple[ActivityEntry, ...] = ()
    sections: tuple[SectionEntry, ...] = ()
    course: CourseEntry | None = None
    settings: tuple[ManifestSetting, ...] = ()
    additions: tuple[tuple[str, str], ...] = field(default=())
    """Name and text of unknown elements of the information part, which are written again unchanged."""
    integrity: Integrity | None = field(default=None, compare=False)
    findings: tuple[Finding, ...] = field(default=(), compare=False)
    """One for each default that was taken because the manifest does not say a value."""

    @property
    def archive_type(self) -> ArchiveType:
        """Return whether the archive is of a course, a section or an activity."""
        return self.details.type

    def setting(self, name: str, default: str = "") -> str:
        """Return the value of a setting by its full name (`users`, `forum_7_userinfo`), or `default` if there is none."""
        return next((setting.value for setting in self.settings if setting.name == name), default)

    @property
    def with_users(self) -> bool:
        """True if people's data is in the archive."""
        return self.setting("users") == "1"

    @property
    def anonymised(self) -> bool:
        """True if people's names were replaced."""
        return self.setting("anonymize") == "1"


INFORMATION = (
    "name",
    "moodle_version",
    "moodle_release",
    "backup_version",
    "backup_release",
    "backup_date",
    "mnet_remoteusers",
    "include_files",
    "include_file_references_to_external_content",
    "original_wwwroot",
    "original_site_identifier_hash",
    "original_course_id",
    "original_course_format",
    "original_course_fullname",
    "original_course_shortname",
    "original_course_startdate",
    "original_course_enddate",
    "original_course_contextid",
    "original_system_contextid",
)
# Older versions do not have these.
OPTIONAL = {
    "original_course_format",
    "original_course_enddate",
    "mnet_remoteusers",
    "include_files",
    "include_file_references_to_external_content",
}
ASSUMED = {"backup_version": VERSION_OF_4_5, "original_system_contextid": 1}
"""Numbers for elements that are missing, but 0 for most: the version of Moodle 4.5, the context of every Moodle's site."""

CONTENTS: dict[ArchiveType, str] = {
    "course": "contents/course",
    "section": "contents/sections/section",
    "activity": "contents/activities/activity",
}
"""The element by which the type of an archive is known that does not say it; in this order."""

DETAIL_NUMBERS = {entry.name: cast(int, entry.default) for entry in fields(Details) if entry.type == "int"}
NUMBERS = {entry.name for entry in fields(Manifest) if entry.type == "int"}


class Readable(Protocol):
    """The interface that `read_manifest` needs of an archive."""

    def read(self, path: str, *, most: int | None = None) -> bytes: ...

    def __contains__(self, path: object) -> bool: ...

    @property
    def members(self) -> Iterable[str]: ...


def read_manifest(archive: Readable) -> Manifest:
    """Return the manifest of an open archive.

    Raises NotAnArchive or UnsupportedArchive if there is none, and otherwise as `parse_manifest` does.
    """
    if MEMBER not in archive:
        raise without_manifest(archive.members, MEMBER)
    manifest = parse_manifest(archive.read(MEMBER, most=LARGEST_MANIFEST))
    if "users" in {setting.name for setting in manifest.settings} or "users.xml" not in archive:
        return manifest
    # Without a setting, an archive with people would be taken for one without.
    return replace(manifest, settings=(*manifest.settings, ManifestSetting("root", "users", "1")))


def parse_manifest(data: bytes) -> Manifest:
    """Return the manifest from the bytes of moodle_backup.xml.

    Raises DamagedArchive for malformed XML or a missing field, InvalidValue for a field that does not fit,
    UnsupportedArchive for a format, archive type or version that cannot be read.
    """
    root = xml.parse(data, member=MEMBER)
    information = root.find("information")
    if root.tag != "moodle_backup" or information is None:
        raise NotAnArchive("This is not the manifest of a course backup.", where=MEMBER)
    read = ManifestValues(MEMBER)
    details = _details(information, read)
    values = _information(information, read)
    if values["backup_version"] < OLDEST_VERSION:
        raise UnsupportedArchive(
            "The archive was made by Moodle 1.9 or older.",
            where=xml.place(MEMBER, information),
            hint="Restore it with Moodle 2 or later and make a new backup there.",
        )
    known, listed = {*INFORMATION, "details", "contents", "settings"}, information.iterfind
    return Manifest(
        **values,
        details=details,
        activities=read.each_once(_activity(each, read) for each in listed("contents/activities/activity")),
        sections=read.each_once(_section(each, read) for each in listed("contents/sections/section")),
        course=next((_course(each, read) for each in listed("contents/course")), None),
        settings=tuple(_setting(each, read) for each in listed("settings/setting")),
        additions=tuple(
            (str(each.tag), each.text or "")
            for each in information
            if each.tag not in known and not len(each)
        ),
        integrity=read_integrity(root, data),
        findings=tuple(read.findings),
    )


def archive_type_named(name: str) -> ArchiveType:
    """Return the archive type of that name. Raises ValueError if there is none."""
    return TYPES[TYPES.index(name)]


def format_manifest(manifest: Manifest) -> bytes:
    """Return the bytes of moodle_backup.xml; the same manifest gives the same bytes."""
    return "".join(_lines(manifest)).encode()


def _information(information: etree._Element, values: ManifestValues) -> dict[str, Any]:
    """Return the values of the elements in INFORMATION by name: a number for those in NUMBERS, a text for the others."""
    found: dict[str, Any] = {}
    for name in INFORMATION:
        if information.find(name) is None and name in OPTIONAL:
            continue
        if name in NUMBERS:
            found[name] = values.number(information, name, ASSUMED.get(name, 0))
        else:
            found[name] = values.text(information, name, "")
    return found


def _details(information: etree._Element, values: ManifestValues) -> Details:
    detail = information.find("details/detail")
    guessed = next((name for name, path in CONTENTS.items() if information.find(path) is not None), TYPES[0])
    if detail is None:
        values.assume("details", guessed, information)
        return Details("", archive_type_named(guessed))
    name, form = values.text(detail, "type", guessed), values.text(detail, "format", "moodle2")
    if form != "moodle2":
        raise UnsupportedArchive(
            f"The archive has the format {form!r}{name_of_format(form)}; only moodle2 is read.",
            where=xml.place(MEMBER, detail),
        )
    if name not in TYPES:
        raise UnsupportedArchive(
            f"The archive is of the kind {name!r}; only {', '.join(TYPES)} are read.",
            where=xml.place(MEMBER, detail),
        )
    numbers = {each: values.number(detail, each, default) for each, default in DETAIL_NUMBERS.items()}
    return Details(detail.get("backup_id", ""), archive_type_named(name), form, **numbers)


def _activity(element: etree._Element, values: ManifestValues) -> ActivityEntry:
    modulename = values.text(element, "modulename")
    if not modulename.replace("_", "").isalnum() or not modulename.isascii():
        raise InvalidValue(
            f"{modulename[:60]!r} cannot be the name of an activity type.", where=xml.place(MEMBER, element)
        )
    moduleid = values.number(element, "moduleid")
    return ActivityEntry(
        moduleid=moduleid,
        sectionid=values.number(element, "sectionid", 0),
        modulename=modulename,
        title=values.text(element, "title", ""),
        directory=values.directory(element, f"activities/{modulename}_{moduleid}"),
        insubsection=element.findtext("insubsection", "") not in ("", "0"),
    )


def _section(element: etree._Element, values: ManifestValues) -> SectionEntry:
    parent, sectionid = element.find("parentcmid"), values.number(element, "sectionid")
    return SectionEntry(
        sectionid=sectionid,
        title=values.text(element, "title", ""),
        directory=values.directory(element, f"sections/section_{sectionid}"),
        parentcmid=None if parent is None else xml.whole_number(parent.text, member=MEMBER, element=parent),
        modname=element.findtext("modname", ""),
    )


def _course(element: etree._Element, values: ManifestValues) -> CourseEntry:
    return CourseEntry(
        values.number(element, "courseid", 0),
        values.text(element, "title", ""),
        values.directory(element, "course"),
    )


def _setting(element: etree._Element, values: ManifestValues) -> ManifestSetting:
    owner = next((each.text or "" for each in element if each.tag not in ("level", "name", "value")), "")
    return ManifestSetting(
        values.text(element, "level", "root"),
        values.text(element, "name", ""),
        values.text(element, "value", ""),
        owner,
    )


def _lines(manifest: Manifest) -> Iterator[str]:
    yield f"{xml.DECLARATION}<moodle_backup>\n  <information>\n"
    for name in INFORMATION:
        yield _leaf(2, name, cast("str | int", getattr(manifest, name)))
    for name, text in manifest.additions:
        yield _leaf(2, name, text)
    details = manifest.details
    yield f'    <details>\n      <detail backup_id="{xml.escape_attribute(details.backup_id)}">\n'
    for name in ("type", "format", "interactive", "mode", "execution", "executiontime"):
        yield _leaf(4, name, cast("str | int", getattr(details, name)))
    yield "      </detail>\n    </details>\n    <contents>\n"
    yield from _group("activities", "activity", manifest.activities, _activity_leaves)
    yield from _group("sections", "section", manifest.sections, _section_leaves)
    if manifest.course is not None:
        yield "      <course>\n"
        for name in ("courseid", "title", "directory"):
            yield _leaf(4, name, cast("str | int", getattr(manifest.course, name)))
        yield "      </course>\n"
    yield "    </contents>\n    <settings>\n"
    for setting in manifest.settings:
        yield "      <setting>\n" + _leaf(4, "level", setting.level)
        if setting.owner:
            yield _leaf(4, setting.level, setting.owner)
        yield _leaf(4, "name", setting.name) + _leaf(4, "value", setting.value) + "      </setting>\n"
    yield "    </settings>\n  </information>\n</moodle_backup>"


def _group(
    group: str, element: str, entries: tuple[Entry, ...], leaves: Callable[[Entry], dict[str, str | int]]
) -> Iterator[str]:
    if not entries:
        return
    yield f"      <{group}>\n"
    for entry in entries:
        yield f"        <{element}>\n"
        for name, content in leaves(entry).items():
            yield _leaf(5, name, content)
        yield f"        </{element}>\n"
    yield f"      </{group}>\n"


def _activity_leaves(entry: ActivityEntry) -> dict[str, str | int]:
    return {
        "moduleid": entry.moduleid,
        "sectionid": entry.sectionid,
        "modulename": entry.modulename,
        "title": entry.title,
        "directory": entry.directory,
        "insubsection": "1" if entry.insubsection else "",
    }


def _section_leaves(entry: SectionEntry) -> dict[str, str | int]:
    return {
        "sectionid": entry.sectionid,
        "title": entry.title,
        "directory": entry.directory,
        "parentcmid": "" if entry.parentcmid is None else entry.parentcmid,
        "modname": entry.modname,
    }


def _leaf(depth: int, name: str, content: str | int) -> str:
    text = xml.escape(content) if isinstance(content, str) else content
    return f"{'  ' * depth}<{name}>{text}</{name}>\n"
