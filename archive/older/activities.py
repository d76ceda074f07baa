"""Assignments, lessons, workshops, ratings and completion as older versions have them, read as those of today."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from archive import xml
from archive.container import Archive
from archive.older.rewriter import Change, OfRecord, Rewriting, is_set, leaf, number_in, written

RATED = {"forum": "post", "data": "entry", "glossary": "entry"}
"""The rating area of each type of activity."""

REOPENED, ONCE = "untilpass", "1"
"""`attemptreopenmethod` and `maxattempts` of an assignment with one attempt, since 4.5."""

NO_FILES, TEXT_NEEDED = "0", "2"


class LateSubmissions(OfRecord):
    """Makes the last moment to hand in of "no late submissions"."""

    record = ("activity", "assign")
    reads = frozenset({"duedate"})
    takes = frozenset({"preventlatesubmissions", "cutoffdate"})

    def rest(self) -> Iterator[etree._Element]:
        late = "duedate" if is_set(self.text("preventlatesubmissions")) else "cutoffdate"
        if late in self.said:
            yield leaf("cutoffdate", self.text(late))


class OneAttempt(OfRecord):
    """Says of an assignment that is never opened again that it has one attempt."""

    record = ("activity", "assign")
    takes = frozenset({"attemptreopenmethod", "maxattempts"})

    def rest(self) -> Iterator[etree._Element]:
        if self.text("attemptreopenmethod") in ("", "none"):
            yield leaf("attemptreopenmethod", REOPENED)
            yield leaf("maxattempts", ONCE)
        else:
            for elements in self.said.values():
                yield from elements


class Flags(OfRecord):
    """Makes records of their own of the extensions and locks that stood in people's grades."""

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
            return written(wrapper)
        return super().last(tag)


class LatestAttempts(OfRecord):
    """Says of each person's and group's last attempt that it is the last."""

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
        if "latest" not in self.said:
            newest = self._newest.get((self.number("userid"), self.number("groupid")))
            yield leaf("latest", "1" if self.number("attemptnumber") == newest else "0")


class TimeLimit(OfRecord):
    """Makes seconds of the minutes that a lesson may take, if it said that it counts them."""

    record = ("activity", "lesson")
    reads = frozenset({"timelimit"})
    takes = frozenset({"timed", "maxtime"})

    def rest(self) -> Iterator[etree._Element]:
        if "timed" in self.said and "timelimit" not in self.said:
            yield leaf("timelimit", str(60 * self.number("maxtime") if self.number("timed") else 0))


class TextOnly(OfRecord):
    """Says of a workshop without attachments that work is handed in as text."""

    record = ("activity", "workshop")
    reads = frozenset({"submissiontypefile"})
    takes = frozenset({"nattachments"})

    def rest(self) -> Iterator[etree._Element]:
        if "submissiontypefile" in self.said or self.text("nattachments") != "0":
            yield from self.said.get("nattachments", ())
        else:
            yield leaf("submissiontypetext", TEXT_NEEDED)
            yield leaf("submissiontypefile", NO_FILES)
            yield leaf("nattachments", "1")


class Views(OfRecord):
    """Makes records of their own of who has seen an activity, which stood with who has completed it."""

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
            return written(wrapper)
        return super().last(tag)


class Ratings(Rewriting):
    """Says of each rating what is rated, which went without saying."""

    def change(self, around: str, tag: str) -> Change | None:
        return self._rating if (around, tag) == ("ratings", "rating") else None

    def _rating(self, rating: etree._Element) -> list[etree._Element]:
        name = self.path[1]
        for tag, text in (("component", f"mod_{name}"), ("ratingarea", RATED.get(name, ""))):
            if rating.find(tag) is None:
                rating.append(leaf(tag, text))
        return [rating]
