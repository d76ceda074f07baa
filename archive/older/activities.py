"""Rewrites assignments, lessons, workshops, ratings and completion of older versions into the form of Moodle 4.5."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from lxml import etree

from archive import references, xml
from archive.container import Archive
from archive.older.rewriter import Change, OfRecord, Rewriting, as_xml, found_in, is_set, leaf, number_in
from archive.releases import VERSION_OF_4_5

RATED = {"forum": "post", "data": "entry", "glossary": "entry"}
"""The rating area by activity type."""

REOPENED, ONCE = "untilpass", "1"
"""`attemptreopenmethod` and `maxattempts` of an assignment with one attempt, since 4.5."""

NO_FILES, TEXT_NEEDED = "0", "2"

VERSION = re.compile(r"[0-9]{1,16}(\.[0-9]{1,4})?\Z")


class PluginVersion(Rewriting):
    """Sets the version of an activity to 4.5's, if its type is one of Moodle's own.

    Moodle chooses by it how to read the activity (`restore_quiz_activity_structure_step`: slots of before 4.0, attempts of
    2.0). The version of another plugin is that of another author, and says how that plugin wrote its member.
    """

    def attribute(self, tag: str, name: str, value: str) -> str:
        if (tag, name) != ("module", "version") or len(self.path) > 1 or not VERSION.match(value):
            return value
        own = self.member.split("/")[1].rpartition("_")[0] in references.described_activities()
        return str(VERSION_OF_4_5) if own and float(value) < VERSION_OF_4_5 else value


class LateSubmissions(OfRecord):
    """Sets `cutoffdate` to the due date if `preventlatesubmissions` is set."""

    record = ("activity", "assign")
    reads = frozenset({"duedate"})
    takes = frozenset({"preventlatesubmissions", "cutoffdate"})

    def rest(self) -> Iterator[etree._Element]:
        late = "duedate" if is_set(self.text("preventlatesubmissions")) else "cutoffdate"
        if late in self.children:
            yield leaf("cutoffdate", self.text(late))


class OneAttempt(OfRecord):
    """Sets `maxattempts` to 1 for an assignment that is never reopened (`attemptreopenmethod` "none")."""

    record = ("activity", "assign")
    takes = frozenset({"attemptreopenmethod", "maxattempts"})

    def rest(self) -> Iterator[etree._Element]:
        if self.text("attemptreopenmethod") in ("", "none"):
            yield leaf("attemptreopenmethod", REOPENED)
            yield leaf("maxattempts", ONCE)
        else:
            for elements in self.children.values():
                yield from elements


class Flags(OfRecord):
    """Moves extensions and locks from people's grades into records `<userflag>`."""

    record = ("activity", "assign", "grades", "grade")
    reads = frozenset({"userid"})
    takes = frozenset({"extensionduedate", "mailed", "locked"})

    def __init__(self, archive: Archive, member: str) -> None:
        super().__init__(archive, member)
        self._flags: list[etree._Element] = []

    def rest(self) -> Iterator[etree._Element]:
        flags = {name: self.text(name) for name in sorted(self.takes) if is_set(self.text(name))}
        if flags:
            flag = etree.Element("userflag", {"id": self.attributes[-1].get("id", "0")})
            flag.extend(leaf(name, text) for name, text in {"userid": self.text("userid"), **flags}.items())
            self._flags.append(flag)
        return iter(())

    def last(self, tag: str) -> str:
        if self.path == ["activity", "assign"] and self._flags:
            wrapper = etree.Element("userflags")
            wrapper.extend(self._flags)
            return as_xml(wrapper)
        return super().last(tag)


ALLOCATED = "allocatedmarker"
"""The name of a flag's field, and of the record of a marker since 5.2."""

NAMES_MARKERS = re.compile(rb"<allocatedmarker(?! *>\s*(?:0?<|\$@NULL@\$)| */>)[ >]")
"""The start of a record of a marker, or of a flag's field that has a value."""


class Markers(OfRecord):
    """Makes the first marker of a person the one that the flag names if it names none, and a record of each that a flag names.

    Up to 5.1 the flag named the only marker; since 5.2 there are records `<allocatedmarker>`, and the flag names nobody.
    """

    record = ("activity", "assign", "userflags", "userflag")
    reads = frozenset({"userid"})
    takes = frozenset({ALLOCATED})
    wrapper: ClassVar[list[str]] = ["activity", "assign", "allocatedmarkers"]

    def __init__(self, archive: Archive, member: str) -> None:
        super().__init__(archive, member)
        self._named: dict[tuple[int, int], str] = {}
        self._first: dict[int, int] = {}
        self._there: set[tuple[int, int]] = set()
        self._written = False
        self.needed = False
        if "users.xml" in archive:
            with archive.open_raw(member) as stream:
                self.needed = found_in(stream, NAMES_MARKERS)
        if self.needed:
            with archive.open_raw(member) as stream:
                for one in xml.records(stream, member=member, tags=(ALLOCATED,)):
                    if one.find("student") is not None:
                        student, marker = self._pair(one)
                        self._first.setdefault(student, marker)
                        self._there.add((student, marker))

    def rest(self) -> Iterator[etree._Element]:
        person, named = self.number("userid"), self.number(ALLOCATED)
        if named and (person, named) not in self._there:
            self._named.setdefault((person, named), self.attributes[-1].get("id", "0"))
        if marker := named or self._first.get(person, 0):
            yield leaf(ALLOCATED, str(marker))

    def _pair(self, record: etree._Element) -> tuple[int, int]:
        """Return the student and the marker of a record."""
        return (
            number_in(record, "student", member=self.member),
            number_in(record, "marker", member=self.member),
        )

    def first(self, tag: str) -> str:
        return super().first(tag) + (self._records() if self.path == self.wrapper else "")

    def last(self, tag: str) -> str:
        if self.path == self.wrapper[:-1] and self._named and not self._written:
            return f"<{self.wrapper[-1]}>{self._records()}</{self.wrapper[-1]}>"
        return super().last(tag)

    def _records(self) -> str:
        """Return records for the markers that flags name and that have none, as XML."""
        self._written = True
        self.archive.made[self.member] = len(self._named)
        found = []
        for (student, marker), number in self._named.items():
            record = etree.Element(ALLOCATED, {"id": number})
            record.extend((leaf("student", str(student)), leaf("marker", str(marker))))
            found.append(as_xml(record))
        return "".join(found)


class LatestAttempts(OfRecord):
    """Sets `latest` of the last attempt of each person and group, which older versions found by its number."""

    record = ("activity", "assign", "submissions", "submission")
    reads = frozenset({"userid", "groupid", "attemptnumber", "latest"})

    def __init__(self, archive: Archive, member: str) -> None:
        super().__init__(archive, member)
        self._newest: dict[tuple[int, int], int] = {}
        with archive.open_raw(member) as stream:
            for one in xml.records(stream, member=member, tags=("submission",)):
                owner = number_in(one, "userid", member=member), number_in(one, "groupid", member=member)
                attempt = number_in(one, "attemptnumber", member=member)
                self._newest[owner] = max(attempt, self._newest.get(owner, 0))

    def rest(self) -> Iterator[etree._Element]:
        if "latest" not in self.children:
            newest = self._newest.get((self.number("userid"), self.number("groupid")))
            yield leaf("latest", "1" if self.number("attemptnumber") == newest else "0")


class TimeLimit(OfRecord):
    """Sets `timelimit` of a lesson in seconds from `maxtime` in minutes; 0 if `timed` is not set."""

    record = ("activity", "lesson")
    reads = frozenset({"timelimit"})
    takes = frozenset({"timed", "maxtime"})

    def rest(self) -> Iterator[etree._Element]:
        if "timed" in self.children and "timelimit" not in self.children:
            yield leaf("timelimit", str(60 * self.number("maxtime") if self.number("timed") else 0))


class TextOnly(OfRecord):
    """Sets the submission types of a workshop without attachments: a text is required, files are not allowed."""

    record = ("activity", "workshop")
    reads = frozenset({"submissiontypefile"})
    takes = frozenset({"nattachments"})

    def rest(self) -> Iterator[etree._Element]:
        if "submissiontypefile" in self.children or self.text("nattachments") != "0":
            yield from self.children.get("nattachments", ())
        else:
            yield leaf("submissiontypetext", TEXT_NEEDED)
            yield leaf("submissiontypefile", NO_FILES)
            yield leaf("nattachments", "1")


class Views(OfRecord):
    """Moves `viewed` from completion records into records `<completionview>`."""

    record = ("completions", "completion")
    reads = frozenset({"userid", "timemodified"})
    takes = frozenset({"viewed"})

    def __init__(self, archive: Archive, member: str) -> None:
        super().__init__(archive, member)
        self._views: list[etree._Element] = []

    def rest(self) -> Iterator[etree._Element]:
        if is_set(self.text("viewed")):
            view = etree.Element("completionview", {"id": self.attributes[-1].get("id", "0")})
            view.extend((leaf("userid", self.text("userid")), leaf("timecreated", self.text("timemodified"))))
            self._views.append(view)
        return iter(())

    def last(self, tag: str) -> str:
        if self.path == ["completions"] and self._views:
            wrapper = etree.Element("completionviews")
            wrapper.extend(self._views)
            return as_xml(wrapper)
        return super().last(tag)


class Ratings(Rewriting):
    """Adds the component and the rating area to each rating without them."""

    def change(self, around: str, tag: str) -> Change | None:
        return self._rating if (around, tag) == ("ratings", "rating") else None

    def _rating(self, rating: etree._Element) -> list[etree._Element]:
        name = self.path[1]
        for tag, text in (("component", f"mod_{name}"), ("ratingarea", RATED.get(name, ""))):
            if rating.find(tag) is None:
                rating.append(leaf(tag, text))
        return [rating]
