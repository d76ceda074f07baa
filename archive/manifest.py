"""The manifest, `moodle_backup.xml`: the archive's type, origin, contents and settings. Reads and writes it.

The order of the elements is Moodle's; `moodle_backup`, `information` and the declaration are within the
first 200 bytes, because readers look for them there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Protocol, TypeVar, cast, get_args

from lxml import etree

from archive import xml
from archive.errors import ArchiveError, DamagedArchive, InvalidValue, NotAnArchive, UnsupportedArchive
from archive.foreign import without_manifest
from archive.limits import check_path

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
    """The contents of moodle_backup.xml. Times are epoch seconds, 0 when not set; fields are named as the elements."""

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
# Ids fit 64 bits; moments are before the year 5138, so that every calendar knows them.
LONGEST_NUMBER = 18
LONGEST_DATE = 11
NUMBERS = {entry.name for entry in fields(Manifest) if entry.type == "int"}


class Readable(Protocol):
    """The interface that `read_manifest` needs of an archive."""

    def read(self, path: str) -> bytes: ...

    def __contains__(self, path: object) -> bool: ...

    @property
    def members(self) -> Iterable[str]: ...


def read_manifest(archive: Readable) -> Manifest:
    """Return the manifest of an open archive.

    Raises NotAnArchive or UnsupportedArchive if there is none, and otherwise as `parse_manifest` does.
    """
    if MEMBER not in archive:
        raise without_manifest(archive.members, MEMBER)
    return parse_manifest(archive.read(MEMBER))


def parse_manifest(data: bytes) -> Manifest:
    """Return the manifest from the bytes of moodle_backup.xml.

    Raises DamagedArchive for malformed XML or a missing field, InvalidValue for a field that does not fit,
    UnsupportedArchive for a format, archive type or version that cannot be read.
    """
    root = xml.parse(data, member=MEMBER)
    information = root.find("information")
    if root.tag != "moodle_backup" or information is None:
        raise NotAnArchive("This is not the manifest of a course backup.", where=MEMBER)
    detail = information.find("details/detail")
    if detail is None:
        raise _missing("details/detail", information)
    details = _details(detail)
    values = _information(information)
    if values["backup_version"] < OLDEST_VERSION:
        raise UnsupportedArchive(
            "The archive was made by Moodle 1.9 or older.",
            where=xml.place(MEMBER, information),
            hint="Restore it with Moodle 2 or later and make a new backup there.",
        )
    known = {*INFORMATION, "details", "contents", "settings"}
    return Manifest(
        **values,
        details=details,
        activities=tuple(_activity(each) for each in information.iterfind("contents/activities/activity")),
        sections=tuple(_section(each) for each in information.iterfind("contents/sections/section")),
        course=next((_course(each) for each in information.iterfind("contents/course")), None),
        settings=tuple(_setting(each) for each in information.iterfind("settings/setting")),
        additions=tuple(
            (str(each.tag), each.text or "")
            for each in information
            if each.tag not in known and not len(each)
        ),
    )


def archive_type_named(name: str) -> ArchiveType:
    """Return the archive type of that name. Raises ValueError if there is none."""
    return TYPES[TYPES.index(name)]


def format_manifest(manifest: Manifest) -> bytes:
    """Return the bytes of moodle_backup.xml; the same manifest gives the same bytes."""
    return "".join(_lines(manifest)).encode()


def _information(information: etree._Element) -> dict[str, Any]:
    """Return the values of the elements in INFORMATION by name: a number for those in NUMBERS, a text for the others."""
    values: dict[str, Any] = {}
    for name in INFORMATION:
        if information.find(name) is None and name in OPTIONAL:
            continue
        values[name] = _number(information, name) if name in NUMBERS else _text(information, name)
    return values


def _details(detail: etree._Element) -> Details:
    name, form = _text(detail, "type"), _text(detail, "format")
    if form != "moodle2":
        raise UnsupportedArchive(
            f"The archive has the format {form!r}{_known_as(form)}; only moodle2 is read.",
            where=xml.place(MEMBER, detail),
        )
    if name not in TYPES:
        raise UnsupportedArchive(
            f"The archive is of the kind {name!r}; only {', '.join(TYPES)} are read.",
            where=xml.place(MEMBER, detail),
        )
    numbers = {name: _number(detail, name) for name in ("interactive", "mode", "execution", "executiontime")}
    return Details(detail.get("backup_id", ""), archive_type_named(name), form, **numbers)


def _known_as(form: str) -> str:
    """Return the name of a format in brackets, if it is one of those that Moodle lists."""
    names = {"imscc": " (Common Cartridge)", "moodle1": " (Moodle 1.9)"}
    return next((name for start, name in names.items() if form.startswith(start)), "")


def _activity(element: etree._Element) -> ActivityEntry:
    modulename = _text(element, "modulename")
    if not modulename.replace("_", "").isalnum() or not modulename.isascii():
        raise InvalidValue(
            f"{modulename[:60]!r} cannot be the name of an activity type.", where=xml.place(MEMBER, element)
        )
    return ActivityEntry(
        moduleid=_number(element, "moduleid"),
        sectionid=_number(element, "sectionid"),
        modulename=modulename,
        title=_text(element, "title"),
        directory=_directory(element),
        insubsection=element.findtext("insubsection", "") not in ("", "0"),
    )


def _section(element: etree._Element) -> SectionEntry:
    parent = element.find("parentcmid")
    return SectionEntry(
        sectionid=_number(element, "sectionid"),
        title=_text(element, "title"),
        directory=_directory(element),
        parentcmid=None if parent is None else xml.whole_number(parent.text, member=MEMBER, element=parent),
        modname=element.findtext("modname", ""),
    )


def _course(element: etree._Element) -> CourseEntry:
    return CourseEntry(_number(element, "courseid"), _text(element, "title"), _directory(element))


def _setting(element: etree._Element) -> ManifestSetting:
    owner = next((each.text or "" for each in element if each.tag not in ("level", "name", "value")), "")
    return ManifestSetting(_text(element, "level"), _text(element, "name"), _text(element, "value"), owner)


def _directory(element: etree._Element) -> str:
    directory = _text(element, "directory")
    try:
        plain = check_path(directory)
    except ArchiveError as error:
        raise type(error)(error.message, where=xml.place(MEMBER, element)) from None
    if not plain:
        raise InvalidValue("The folder has no name.", where=xml.place(MEMBER, element))
    return plain


def _text(parent: etree._Element, name: str) -> str:
    element = parent.find(name)
    if element is None:
        raise _missing(name, parent)
    return element.text or ""


def _number(parent: etree._Element, name: str) -> int:
    element = parent.find(name)
    if element is None:
        raise _missing(name, parent)
    number = xml.whole_number(element.text, member=MEMBER, element=element)
    if number is None and name not in OPTIONAL:
        raise InvalidValue(f"<{name}> should be a number, but it is empty.", where=xml.place(MEMBER, element))
    number = number or 0
    longest = LONGEST_DATE if name.endswith("date") else LONGEST_NUMBER
    if abs(number) >= 10**longest:
        raise InvalidValue(f"<{name}> has more than {longest} digits.", where=xml.place(MEMBER, element))
    return number


def _missing(name: str, parent: etree._Element) -> DamagedArchive:
    return DamagedArchive(f"<{parent.tag}> has no <{name}>.", where=xml.place(MEMBER, parent))


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
