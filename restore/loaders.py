"""The two loaders of a restore: one reads userdata, the other leaves it out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from lxml import etree

from archive import opaque
from archive.details import KnownDetails
from archive.judgement import LeftOut, OpaquePeople
from archive.manifest import Manifest
from courses.fields import Reading
from courses.models import Course
from courses.models.questions import Question
from restore.ids import IdMap
from restore.loader import Loader
from restore.readers import Accept
from restore.shortened import ShortenedTexts
from selection.selection import Selection


@dataclass
class Loaders:
    """The two loaders, each made when it is first needed.

    `course` is the id of the course that the rows belong to. `usernames` has the new user names of people who get another one,
    by the old ones; `people_out` has the ids that nobody has, of people who are left out. `shortened`
    notes the texts that are too long for their column. `details` returns those by which the people
    of the archive are known. `left_out` counts the opaque content that is left out since it may be about people;
    `made` is `Archive.made`.
    `opaque_people` are the new ids of the people whom opaque elements name. `redirected` are the tables that rows of
    other tables are sent to instead (`restore/arrivals.py`).
    """

    ids: IdMap
    manifest: Manifest
    selection: Selection
    accepts: Mapping[str, Accept]
    details: Callable[[], KnownDetails]
    people_out: Mapping[int, int] = field(default_factory=dict)
    course: int = 0
    usernames: dict[str, str] = field(default_factory=dict)
    shortened: ShortenedTexts = field(default_factory=ShortenedTexts)
    left_out: LeftOut = field(default_factory=LeftOut)
    opaque_people: set[int] = field(default_factory=set)
    redirected: dict[str, str] = field(default_factory=dict)
    made: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def with_userdata(self) -> Loader:
        """The loader of all rows."""
        return self._loader(userdata=True)

    @cached_property
    def without_userdata(self) -> Loader:
        """The loader that leaves userdata out."""
        return self._loader(userdata=False)

    def choose(self, *, userdata: bool | None = None) -> Loader:
        """Return the loader with or without userdata; None: as the whole restore is."""
        with_userdata = self.selection.people if userdata is None else userdata
        return self.with_userdata if with_userdata else self.without_userdata

    def __iter__(self) -> Iterator[Loader]:
        yield from (self.with_userdata, self.without_userdata)

    @property
    def written(self) -> Counter[str]:
        """The numbers of rows that both loaders have written, by the names of the tables."""
        return sum((loader.written for loader in self), Counter())

    def flush(self) -> None:
        """Send all rows that both loaders have collected."""
        for loader in self:
            loader.flush()

    def _loader(self, *, userdata: bool) -> Loader:
        return Loader(
            self.ids,
            reading=self.reading,
            course=self.course,
            preserve=self.preserve,
            people=userdata,
            nameless=not self.manifest.with_users,
            skipped=self.selection.options_off,
            accepts=self.accepts,
            shortened=self.shortened,
            redirected=self.redirected,
            made=self.made,
            together=lambda: tuple(self),
        )

    def preserve(self, element: etree._Element, userdata: bool) -> str:
        """Return an opaque element as XML with this site's ids, with userdata or without it."""
        shows = userdata or not self.manifest.with_users
        who = self.who(str(element.tag), hides=not shows)
        return opaque.rewrite_element(
            element, mapped=noting(self.ids.mention, self.opaque_people), people=shows, who=who
        )

    def who(self, part: str, *, hides: bool, listed: frozenset[int] = frozenset()) -> OpaquePeople:
        """Return what is known of people where an opaque part of the archive is preserved; `part` names it in findings.

        `hides` says that records about people are left out, `listed` are the people of the owner's `inforef.xml`.
        """
        return OpaquePeople(
            known=lambda number: number in self.people_out or self.ids.mention("user", number) is not None,
            listed=listed,
            details=self.details() if hides else None,
            left=self.left_out.counter(part),
        )

    @cached_property
    def reading(self) -> Reading:
        """The arguments of the fields' parsers: the id map, the date shift in seconds, the lookup of question types."""
        moved = self.selection.start_date
        start = self.manifest.original_course_startdate
        shift = moved - start if moved is not None and start else 0
        return Reading(
            self.ids,
            shift,
            self._question_type,
            lambda name: self.usernames.get(name, name),
            people_out=self.people_out,
        )

    def _question_type(self, item_type: str, old: int) -> str | None:
        return self._question_types.get(self.ids.mention(item_type, old) or 0)

    @cached_property
    def _question_types(self) -> dict[int, str]:
        """The types of the course's questions by new id; read once, when the questions are loaded."""
        self.choose().flush()
        found = Question.objects.filter(version__entry__category__course=Course(pk=self.course))
        return dict(found.values_list("pk", "qtype"))


def noting(mapped: opaque.Mapped, people: set[int]) -> opaque.Mapped:
    """Return a function that maps ids as `mapped` does and adds the new ids of people to `people`."""

    def noted(item_type: str, old: int) -> int | None:
        new = mapped(item_type, old)
        if item_type == "user" and new:
            people.add(new)
        return new

    return noted
