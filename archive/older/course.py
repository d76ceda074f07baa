"""Courses, their sections and their gradebook as versions before 4.0 have them, read as those of today."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from archive import xml
from archive.container import Archive
from archive.older.rewriter import Change, OfRecord, Rewriting, leaf, written

COURSE = "course/course.xml"
OPTIONS = "courseformatoptions"
FROZEN = "calculations_freeze"

# fmt: off
NO_OPTIONS = frozenset((
    "shortname", "fullname", "idnumber", "summary", "summaryformat", "format", "showgrades", "newsitems", "startdate",
    "enddate", "marker", "maxbytes", "legacyfiles", "showreports", "visible", "groupmode", "groupmodeforce",
    "defaultgroupingid", "lang", "theme", "timecreated", "timemodified", "requested", "restrictmodules",
    "enablecompletion", "completionstartonenrol", "completionnotify", "showactivitydates",
    "showcompletionconditions", "category", "tags", "allowed_modules", "customfields",
))
# fmt: on
"""Elements of the course itself before 4.0. All other ones are options of its format."""


class FormatOptions(Rewriting):
    """Makes records of the options of a course's format, which stood among the fields of the course."""

    def __init__(self, archive: Archive, member: str) -> None:
        super().__init__(archive, member)
        self._format = ""
        self._options: dict[str, str] = {}

    def change(self, around: str, tag: str) -> Change | None:
        if self.path != ["course"]:
            return None
        if tag == "format":
            return self._note_format
        no_leaf = tag in NO_OPTIONS or tag == OPTIONS or tag.startswith("plugin_")
        return None if no_leaf else self._note

    def last(self, tag: str) -> str:
        """The records, in addition to those that the archive has already."""
        if self.path == ["course", OPTIONS]:
            return self._taken()
        if self.path == ["course"] and self._options:
            return f"<{OPTIONS}>{self._taken()}</{OPTIONS}>"
        return ""

    def _note_format(self, element: etree._Element) -> list[etree._Element]:
        """The format of one SCORM package is one of a single activity since 2.4."""
        if element.text == "scorm":
            element.text = "singleactivity"
            self._options["activitytype"] = "scorm"
        self._format = element.text or ""
        return [element]

    def _note(self, element: etree._Element) -> list[etree._Element]:
        if len(element):
            return [element]
        self._options[str(element.tag)] = element.text or ""
        return []

    def _taken(self) -> str:
        options, self._options = self._options, {}
        return "".join(written(_option(self._format, name, value)) for name, value in options.items())


def _option(form: str, name: str, value: str) -> etree._Element:
    option = etree.Element("courseformatoption")
    option.extend((leaf("format", form), leaf("sectionid", "0"), leaf("name", name), leaf("value", value)))
    return option


class Orphans(OfRecord):
    """Hides the sections beyond the number that a course by topics or weeks said: only teachers saw them."""

    record = ("section",)
    reads = frozenset({"number"})
    takes = frozenset({"visible"})

    def __init__(self, archive: Archive, member: str) -> None:
        super().__init__(archive, member)
        self._last = _number_of_sections(archive)

    def rest(self) -> Iterator[etree._Element]:
        number = self.text("number")
        orphan = self._last is not None and number.isdecimal() and int(number) > self._last
        if "visible" in self.said or orphan:
            yield leaf("visible", "0" if orphan else self.text("visible"))


def _number_of_sections(archive: Archive) -> int | None:
    """The number of sections that the course shows; None if it does not say, and its format shows all."""
    if COURSE not in archive:
        return None
    with archive.open_raw(COURSE) as stream:
        course = xml.parse(stream.read(), member=COURSE)
    number = course.findtext("numsections") or ""
    return int(number) if course.findtext("format") in ("topics", "weeks") and number.isdecimal() else None


class Freeze(Rewriting):
    """Makes a record of the version at which a gradebook was frozen, which was an attribute of the whole."""

    dropped = {"gradebook": FROZEN}

    def first(self, tag: str) -> str:
        frozen = self.attributes[0].get(FROZEN) if self.path == ["gradebook"] else None
        if frozen is None:
            return ""
        attributes = etree.Element("attributes")
        attributes.append(leaf(FROZEN, frozen))
        return written(attributes)
