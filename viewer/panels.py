"""Parts of a page: values, entries with entries below them, tables and panels."""

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
"""The address of a link: a URL, or the name of a page of the site followed by its arguments."""


@dataclass(frozen=True, slots=True)
class Location:
    """A place on a page: the query that selects part of a list (`page-terms=3`), and the anchor of an entry there."""

    address: Address
    query: str = ""
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Value:
    """A value with its label. `shape` says how to show it: a "moment" is in epoch seconds (0: not set), "marked" is rich text
    in which line ends count.

    `place` is the path of the file area of a rich text: "contextid/component/area/item". `address` is the target of the
    value's link.
    """

    label: str
    value: Any
    shape: Shape = "text"
    place: str = ""
    address: Address = ""

    @property
    def written(self) -> bool:
        """Whether it is a longer text, which needs more than a line."""
        return self.shape in ("rich", "marked", "lines")


@dataclass(frozen=True, slots=True)
class Entry:
    """One record as people know it: a post, a question, a person's answers. `below` are the entries that belong to it.

    `who` is a person's name, `when` a moment in epoch seconds. `marks` are short labels, `texts` longer texts, `facts`
    labelled values. `files` can be downloaded. `folded` is the heading under which the entries below are collapsed; "" shows
    them. `depth` indents an entry of a flat list, `name` is its anchor.
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
    """Rows of values under headings; numeric columns are right-aligned. A `wide` table scrolls sideways."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    numeric: frozenset[int] = frozenset()
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of a page: its heading, the number of its records, and some of them.

    `closed` panels show only the number, since the reader may not see userdata. `page` is the page of the records that is
    shown, selected by the query parameter `parameter`. `address` is the address of the list of all records.
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
        """The fragment of the address that leads to the panel."""
        return self.parameter.removeprefix("page-")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A separate page about one record: a discussion, an attempt, a category of questions."""

    title: Any
    panels: tuple[Panel, ...]
    about: str = ""


@dataclass(frozen=True, slots=True)
class Detail:
    """A function that makes a sheet from a record's id; `userdata` if the sheet shows userdata."""

    show: Callable[[PageContext, int], Sheet]
    userdata: bool = True
