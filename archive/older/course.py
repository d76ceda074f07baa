"""Rewrites courses, sections and gradebooks of versions before 4.0 into the form of Moodle 4.5."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from archive import xml
from archive.container import Archive
from archive.numbers import natural, whole_or
from archive.older.rewriter import Change, OfRecord, Rewriting, as_xml, leaf

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
"""Elements of `<course>` before 4.0 that are not options of the course's format. All others are."""

OPTIONS_OF = {
    "topics": frozenset({"hiddensections", "coursedisplay"}),
    "weeks": frozenset({"hiddensections", "coursedisplay", "automaticenddate"}),
    "social": frozenset({"numdiscussions"}),
    "singleactivity": frozenset({"activitytype"}),
}
"""The options that Moodle 4.5's own formats have (`format_topics::course_format_options` and the others).

`numsections` is dead since 3.3 (MDL-57769); see `Orphans` for what it did. The fields of courses of other formats are dead too.
"""

DEAD = frozenset({"numsections"}).union(*OPTIONS_OF.values())


class FormatOptions(Rewriting):
    """Moves options of the course's format from the fields of `<course>` into records `<courseformatoption>`.

    Fields that are options of another format, or of none any more, are left out, as Moodle leaves them out
    (`base::update_format_options`).
    """

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
        """Return the records, to write after those that the archive already has."""
        if self.path == ["course", OPTIONS]:
            return self._option_records()
        if self.path == ["course"] and self._options:
            return f"<{OPTIONS}>{self._option_records()}</{OPTIONS}>"
        return ""

    def _note_format(self, element: etree._Element) -> list[etree._Element]:
        """Note the format. Since 2.4 "scorm" is "singleactivity" with the option `activitytype`."""
        if element.text == "scorm":
            element.text = "singleactivity"
            self._options["activitytype"] = "scorm"
        self._format = element.text or ""
        return [element]

    def _note(self, element: etree._Element) -> list[etree._Element]:
        if len(element):
            return [element]
        own = OPTIONS_OF.get(self._format)
        if own is None or element.tag in own:
            self._options[str(element.tag)] = element.text or ""
        elif element.tag not in DEAD:
            return [element]
        return []

    def _option_records(self) -> str:
        options, self._options = self._options, {}
        return "".join(as_xml(_option(self._format, name, value)) for name, value in options.items())


class ActivityDates(OfRecord):
    """Shows the dates of activities in a course of before 3.11, as Moodle does by default.

    Source: `restore_course_structure_step::process_course`, which takes the site's `moodlecourse/showactivitydates`, 1.
    """

    record = ("course",)
    reads = frozenset({"showactivitydates"})

    def rest(self) -> Iterator[etree._Element]:
        if "showactivitydates" not in self.children:
            yield leaf("showactivitydates", "1")


def _option(form: str, name: str, value: str) -> etree._Element:
    option = etree.Element("courseformatoption")
    option.extend((leaf("format", form), leaf("sectionid", "0"), leaf("name", name), leaf("value", value)))
    return option


class Orphans(OfRecord):
    """Hides the sections beyond `numsections` of a course by topics or weeks, which only teachers saw."""

    record = ("section",)
    reads = frozenset({"number"})
    takes = frozenset({"visible"})

    def __init__(self, archive: Archive, member: str) -> None:
        super().__init__(archive, member)
        self._last = _number_of_sections(archive)

    def rest(self) -> Iterator[etree._Element]:
        number = self.text("number")
        orphan = self._last is not None and whole_or(number, -1) > self._last
        if "visible" in self.children or orphan:
            yield leaf("visible", "0" if orphan else self.text("visible"))


def _number_of_sections(archive: Archive) -> int | None:
    """Return the number of sections that the course shows; None if its format shows all."""
    if COURSE not in archive:
        return None
    with archive.open_raw(COURSE) as stream:
        course = xml.parse(stream.read(), member=COURSE)
    number = course.findtext("numsections") or ""
    return natural(number) if course.findtext("format") in ("topics", "weeks") else None


class Freeze(Rewriting):
    """Moves the version at which a gradebook was frozen from an attribute of `<gradebook>` into `<attributes>`."""

    dropped = {"gradebook": FROZEN}

    def first(self, tag: str) -> str:
        frozen = self.attributes[0].get(FROZEN) if self.path == ["gradebook"] else None
        if frozen is None:
            return ""
        attributes = etree.Element("attributes")
        attributes.append(leaf(FROZEN, frozen))
        return as_xml(attributes)
