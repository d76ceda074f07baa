"""The state of a sample course while it is made, which all its makers share."""

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


Progress = Callable[[int], object]
"""Called with the number of records that were added since the last call."""


def no_progress(count: int) -> None:
    """Do nothing: the default `Progress`."""


@dataclass(frozen=True, slots=True)
class Slot:
    """An activity of the course. Its ids are reserved before anything is written, so that texts can link to it."""

    modulename: str
    cmid: int
    instance: int
    contextid: int
    title: str
    section: int


@dataclass(frozen=True, slots=True)
class SamplePerson:
    """A person of the course: id of the account, language code of their texts, full name."""

    id: int
    language: str
    name: str


@dataclass
class CourseDraft:
    """The state that the makers of parts of a course share.

    Random values come from `random(part)`, so that a change in one part does not change the others. `course` and `contextid`
    are ids, `root` is the address of the site, `stored` counts bytes of contents.
    """

    seed: int
    course: int
    contextid: int
    root: str
    rows: RowBuffer = field(default_factory=RowBuffer)
    progress: Progress = no_progress
    slots: list[Slot] = field(default_factory=list)
    teachers: list[SamplePerson] = field(default_factory=list)
    students: list[SamplePerson] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    grouping: int = 0
    stored: int = 0
    _areas: set[tuple[Any, ...]] = field(default_factory=set)
    _contents: dict[str, tuple[str, int]] = field(default_factory=dict)
    _added: int = 0

    @property
    def everybody(self) -> list[SamplePerson]:
        """Return all people, teachers first."""
        return self.teachers + self.students

    def random(self, *part: object) -> Random:
        """Return the random generator of a part; the same seed and part give the same values."""
        return Random(":".join(map(str, (self.seed, *part))))

    def add(self, model: Any, **values: Any) -> int:
        """Add a row and return its id; report progress every `TICK` rows."""
        number = self.rows.add(model, **values)
        self._added += 1
        if self._added % TICK == 0:
            self.progress(TICK)
        return number

    def context(self) -> int:
        """Return the id of a new context."""
        return self.rows.number(Context)

    def slot(self, modulename: str, title: str, section: int) -> Slot:
        """Reserve the ids of a new activity, add it to `slots` and return it."""
        from courses import activities

        model = activities.types()[modulename]
        numbers = self.rows.number(Activity), self.rows.number(model)
        slot = Slot(modulename, *numbers, self.context(), title, section)
        self.slots.append(slot)
        return slot

    def link(self, random: Random) -> str:
        """Return the HTML of a link to one of the course's activities, or to the course."""
        linked = [slot for slot in self.slots if slot.modulename != "label"]
        if not linked or random.random() < 0.1:
            return f'<a href="{self.root}/course/view.php?id={self.course}">the course</a>'
        slot = random.choice(linked)
        address = f"{self.root}/mod/{slot.modulename}/view.php?id={slot.cmid}"
        return f'<a href="{address}">{html.escape(slot.title)}</a>'

    def text(self, random: Random, *, language: str = "en", sentences: int = 3, link: bool = False) -> str:
        """Return a paragraph of HTML with sentences in the language and in English, and a link if asked."""
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
        """Add a file to an area ("component/area"), with its folders, and return its id.

        `content` is the bytes, or the name of a content that `store` has stored.
        """
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
        sha1, size = self._contents[content] if isinstance(content, str) else self.store(content)
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

    def store(self, content: bytes, *, name: str = "") -> tuple[str, int]:
        """Store a content in the pool and return its SHA-1 and size; with a name, `file` can use it again."""
        sha1, size = pool.put(io.BytesIO(content))
        self.stored += size
        if name:
            self._contents[name] = sha1, size
        return sha1, size

    def forget_areas(self, contextid: int) -> None:
        """Forget the folders noted for a context, when its activity is complete, to free memory."""
        self._areas = {key for key in self._areas if key[0] != contextid}


HANDED_IN: Sequence[tuple[str, Callable[[Random], bytes]]] = (
    ("txt", lambda random: "\r\n".join(random.choices(SENTENCES["en"], k=12)).encode()),
    ("csv", contents.measurements),
    ("png", contents.picture),
    ("pdf", lambda random: contents.sheet(f"Report {random.randrange(1000)}: {random.choice(RIVERS)}")),
)
"""Types of handed-in files: the extension, and the function that makes the content."""


def store_contents(draft: CourseDraft, count: int) -> list[str]:
    """Store `count` contents for people to hand in, and return their names."""
    names = []
    for number in range(count):
        ending, make = HANDED_IN[number % len(HANDED_IN)]
        name = f"report-{number + 1}.{ending}"
        draft.store(make(draft.random("content", number)), name=name)
        names.append(name)
    return names


@lru_cache(maxsize=8)
def paragraphs(seed: int, length: int) -> tuple[str, ...]:
    """Return `PARAGRAPHS` paragraphs of HTML in mixed languages, each of about `length` characters."""
    random, found = Random(f"{seed}:paragraphs"), []
    languages = list(SENTENCES)
    for _ in range(PARAGRAPHS):
        said, language = "", random.choice(languages)
        while len(said) < length:
            said += random.choice(SENTENCES[language if random.random() < 0.5 else "en"]) + " "
        found.append(f"<p>{html.escape(said.strip(), quote=False)}</p>")
    return tuple(found)
