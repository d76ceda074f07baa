"""Shapes: what a page of what came in is made of: values, entries with entries below them, tables and panels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from django.core.paginator import Page

    from viewer.page_context import PageContext

Shape = Literal["text", "rich", "lines", "marked", "moment", "number", "code", "files"]
Style = Literal["entries", "thread", "talk", "outline"]
Address = str | tuple[Any, ...]
"""Where something leads: an address, or the name of a page of the site and its arguments."""


@dataclass(frozen=True, slots=True)
class Location:
    """A place on a page: which part of a list to show (`page-terms=3`), and the name of an entry there."""

    address: Address
    query: str = ""
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Value:
    """One value with its name. `shape` says how to show it; a moment is in epoch seconds, 0 when not set. Of rich text
    "marked" is the one in which the ends of lines count.

    `place` is where the files of a rich text lie: context, component, area and item, with slashes between.
    `address` is where the value leads.
    """

    label: str
    value: Any
    shape: Shape = "text"
    place: str = ""
    address: Address = ""

    @property
    def written(self) -> bool:
        """Whether it is a text that people wrote, for which a line is not enough."""
        return self.shape in ("rich", "marked", "lines")


@dataclass(frozen=True, slots=True)
class Entry:
    """One record as people know it: a post, a question, a person's answers; what belongs to it is `below`.

    `who` is a person's name, `when` a moment in epoch seconds. `marks` are single words that are true of it, `texts` what was
    written, `facts` the small print. `files` can be downloaded. `folded` is the heading under which what is below is folded.
    `depth` indents an entry of a flat list.
    """

    title: Any = ""
    address: Address = ""
    who: Any = ""
    when: int | None = 0
    marks: tuple[Any, ...] = ()
    texts: tuple[Value, ...] = ()
    facts: tuple[Value, ...] = ()
    files: Any = ()
    comments: Any = ()
    below: tuple[Entry, ...] = ()
    folded: str = ""
    depth: int = 0
    name: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of values under headings; numeric columns stand to the right. A `wide` table scrolls sideways."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    numeric: frozenset[int] = frozenset()
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of a page: its heading, how many records it is about, and some of them.

    `closed` when the reader may not see people's work: the number stands, the rest is left out. `page` is which part of the
    records is shown, chosen by the parameter `parameter` of the address. `address` leads to all of them.
    """

    title: str
    total: int | None = None
    entries: tuple[Entry, ...] = ()
    table: Table | None = None
    texts: tuple[Value, ...] = ()
    facts: tuple[Value, ...] = ()
    style: Style = "entries"
    userdata: bool = False
    closed: bool = False
    folded: bool = False
    page: Page[Any] | None = None
    parameter: str = "page"
    address: Address = ""
    note: str = ""

    @property
    def anchor(self) -> str:
        """The part of the address that leads to the panel."""
        return self.parameter.removeprefix("page-")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page of its own about one record: a discussion, an attempt, a category of questions."""

    title: Any
    panels: tuple[Panel, ...]
    about: str = ""


@dataclass(frozen=True, slots=True)
class Detail:
    """How a sheet is made from the record's number; `userdata` when it shows people's work."""

    show: Callable[[PageContext, int], Sheet]
    userdata: bool = True
