"""The two loaders of a restore: one reads userdata, the other leaves it out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from lxml import etree

from archive import opaque
from archive.manifest import Manifest
from archive.numbers import whole_or
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
    by the old ones. `shortened` notes the texts that are too long for their column.
    """

    ids: IdMap
    manifest: Manifest
    selection: Selection
    accepts: Mapping[str, Accept]
    course: int = 0
    usernames: dict[str, str] = field(default_factory=dict)
    shortened: ShortenedTexts = field(default_factory=ShortenedTexts)

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
        )

    def preserve(self, element: etree._Element, userdata: bool) -> str:
        """Return an opaque element as XML with this site's ids, with userdata or without it."""
        return opaque.rewrite_element(
            element, mapped=self.ids.mention, people=userdata or not self.manifest.with_users
        )

    @cached_property
    def reading(self) -> Reading:
        """The arguments of the fields' parsers: the id map, the date shift in seconds, the lookup of question types."""
        moved = self.selection.settings.text("startdate")
        start = self.manifest.original_course_startdate
        shift = whole_or(moved) - start if moved and start else 0
        return Reading(self.ids, shift, self._question_type, lambda name: self.usernames.get(name, name))

    def _question_type(self, item_type: str, old: int) -> str | None:
        return self._question_types.get(self.ids.mention(item_type, old) or 0)

    @cached_property
    def _question_types(self) -> dict[int, str]:
        """The types of the course's questions by new id; read once, when the questions are loaded."""
        self.choose().flush()
        found = Question.objects.filter(version__entry__category__course=Course(pk=self.course))
        return dict(found.values_list("pk", "qtype"))
