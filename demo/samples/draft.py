"""Draft: the state of a sample course while it is made."""

from __future__ import annotations

import html
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random
from typing import Any

from courses import pool
from courses.models import Activity, Context, File
from courses.models.files import EMPTY
from demo.samples import contents
from demo.samples.rows import RowBuffer
from demo.samples.words import RIVERS, SENTENCES

START = 1788768000
"""The first day of term: Monday, 7 September 2026, eight o'clock UTC."""
DAY = 86_400
TERM = 70 * DAY
PARAGRAPHS = 400
HTML = 1
TICK = 2000

MIMETYPES = {
    "png": "image/png",
    "csv": "text/csv",
    "txt": "text/plain",
    "pdf": "application/pdf",
    "dat": "document/unknown",
}


Tell = Callable[[int], object]
"""Hears how many more records there are, every so often."""


def tell_nobody(count: int) -> None:
    """For whoever does not want to hear."""


@dataclass(frozen=True, slots=True)
class Slot:
    """An activity that the course will have: its numbers are known before anything is written, so that texts can link."""

    modulename: str
    cmid: int
    instance: int
    contextid: int
    title: str
    section: int


@dataclass(frozen=True, slots=True)
class SamplePerson:
    """Somebody in the course."""

    id: int
    language: str
    name: str


@dataclass
class CourseDraft:
    """What the makers of the parts share. Whatever is random comes from `random(part)`, so parts do not disturb each other."""

    seed: int
    course: int
    contextid: int
    root: str
    rows: RowBuffer = field(default_factory=RowBuffer)
    tell: Tell = tell_nobody
    slots: list[Slot] = field(default_factory=list)
    teachers: list[SamplePerson] = field(default_factory=list)
    students: list[SamplePerson] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    grouping: int = 0
    stored: int = 0
    _areas: set[tuple[Any, ...]] = field(default_factory=set)
    _contents: dict[str, tuple[str, int]] = field(default_factory=dict)
    _told: int = 0

    @property
    def everybody(self) -> list[SamplePerson]:
        """Teachers first."""
        return self.teachers + self.students

    def random(self, *part: object) -> Random:
        """The source of chance for a part."""
        return Random(":".join(map(str, (self.seed, *part))))

    def add(self, model: Any, **values: Any) -> int:
        """A row; its id. Now and then the number of rows is told."""
        number = self.rows.add(model, **values)
        self._told += 1
        if self._told % TICK == 0:
            self.tell(TICK)
        return number

    def context(self) -> int:
        """The number of a new context."""
        return self.rows.number(Context)

    def slot(self, modulename: str, title: str, section: int) -> Slot:
        """Takes the numbers of a new activity."""
        from courses import activities

        model = activities.types()[modulename]
        numbers = self.rows.number(Activity), self.rows.number(model)
        slot = Slot(modulename, *numbers, self.context(), title, section)
        self.slots.append(slot)
        return slot

    def link(self, random: Random) -> str:
        """A link to one of the course's activities, or to the course."""
        linked = [slot for slot in self.slots if slot.modulename != "label"]
        if not linked or random.random() < 0.1:
            return f'<a href="{self.root}/course/view.php?id={self.course}">the course</a>'
        slot = random.choice(linked)
        address = f"{self.root}/mod/{slot.modulename}/view.php?id={slot.cmid}"
        return f'<a href="{address}">{html.escape(slot.title)}</a>'

    def text(self, random: Random, *, language: str = "en", sentences: int = 3, link: bool = False) -> str:
        """A paragraph of HTML: what the language says, and some English."""
        said = [
            random.choice(SENTENCES[language if random.random() < 0.6 else "en"]) for _ in range(sentences)
        ]
        more = f" See {self.link(random)}." if link else ""
        return f"<p>{html.escape(' '.join(said), quote=False)}{more}</p>"

    def file(
        self,
        content: bytes | str,
        *,
        contextid: int,
        area: str,
        name: str,
        itemid: int = 0,
        path: str = "/",
        course: bool = True,
        person: SamplePerson | None = None,
    ) -> int:
        """A file in an area ("component/area"), and the area's folders. `content` may be the name of a kept content."""
        component, filearea = area.split("/")
        place = {"contextid": contextid, "component": component, "filearea": filearea, "itemid": itemid}
        common = {
            **place,
            "course_id": self.course if course else None,
            "userid": person.id if person else None,
            "author": person.name if person else None,
            "timecreated": START,
            "timemodified": START,
        }
        for folder in ("/", path):
            if (key := (*place.values(), folder)) not in self._areas:
                self._areas.add(key)
                self.add(File, **common, filepath=folder, filename=".", contenthash=EMPTY)
        sha1, size = self._contents[content] if isinstance(content, str) else self.keep(content)
        return self.add(
            File,
            **common,
            filepath=path,
            filename=name,
            contenthash=sha1,
            filesize=size,
            source=name,
            mimetype=MIMETYPES[name.rpartition(".")[2]],
            license="cc-4.0",
        )

    def keep(self, content: bytes, *, name: str = "") -> tuple[str, int]:
        """Puts a content into the pool; under a name, it can be used again."""
        sha1, size = pool.put(io.BytesIO(content))
        self.stored += size
        if name:
            self._contents[name] = sha1, size
        return sha1, size

    def leave(self, contextid: int) -> None:
        """An activity is complete: what was noted of its file areas is forgotten."""
        self._areas = {key for key in self._areas if key[0] != contextid}


HANDED_IN: Sequence[tuple[str, Callable[[Random], bytes]]] = (
    ("txt", lambda random: "\r\n".join(random.choices(SENTENCES["en"], k=12)).encode()),
    ("csv", contents.measurements),
    ("png", contents.picture),
    ("pdf", lambda random: contents.sheet(f"Report {random.randrange(1000)}: {random.choice(RIVERS)}")),
)
"""What people hand in: the ending of its name, and what makes it."""


def kept_contents(draft: CourseDraft, count: int) -> list[str]:
    """Names of contents of many kinds for what people hand in."""
    names = []
    for number in range(count):
        ending, make = HANDED_IN[number % len(HANDED_IN)]
        name = f"report-{number + 1}.{ending}"
        draft.keep(make(draft.random("content", number)), name=name)
        names.append(name)
    return names


@lru_cache(maxsize=8)
def paragraphs(seed: int, length: int) -> tuple[str, ...]:
    """Paragraphs of HTML of about so many characters, of mixed languages."""
    random, found = Random(f"{seed}:paragraphs"), []
    languages = list(SENTENCES)
    for _ in range(PARAGRAPHS):
        said, language = "", random.choice(languages)
        while len(said) < length:
            said += random.choice(SENTENCES[language if random.random() < 0.5 else "en"]) + " "
        found.append(f"<p>{html.escape(said.strip(), quote=False)}</p>")
    return tuple(found)
