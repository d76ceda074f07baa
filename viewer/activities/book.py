"""Book: its chapters in order, subchapters under them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from courses.activities.book import BookChapter, BookChapterTag
from viewer.page_context import PageContext, marks
from viewer.panels import Entry, Location, Panel
from viewer.presentation import Presentation


def present(page: PageContext) -> Iterator[Panel]:
    """Yield the chapters in reading order."""
    yield page.listed("Chapters", _chapters_of(page), lambda rows: _chapters(page, rows), style="thread")


def _chapters_of(page: PageContext) -> Any:
    return BookChapter._base_manager.filter(book=page.content).order_by("pagenum", "pk")


def _chapters(page: PageContext, rows: list[Any]) -> Iterable[Entry]:
    tags: dict[int, list[str]] = {}
    used = BookChapterTag._base_manager.filter(book=page.content, itemid__in=[row.pk for row in rows])
    for number, name in used.values_list("itemid", "rawname"):
        tags.setdefault(number, []).append(name)
    for row in rows:
        yield Entry(
            title=row.title,
            name=f"chapter{row.pk}",
            marks=(*marks(Hidden=row.hidden), *(f"#{name}" for name in tags.get(row.pk, ()))),
            texts=(page.rich("", row, "content"),),
            depth=1 if row.subchapter else 0,
        )


def _location(page: PageContext, number: int) -> Location:
    numbers = _chapters_of(page).values_list("pk", flat=True)
    return page.location(page.here, "Chapters", numbers, number, anchor=f"chapter{number}")


MEANINGS: dict[str, dict[Any, str]] = {
    "book.navstyle": {1: "pictures", 2: "words"},
    "book.numbering": {0: "none", 1: "numbers", 2: "bullets", 3: "indented"},
}

PRESENTATION = Presentation(
    present, covers=(BookChapter, BookChapterTag), locations={"book_chapter": _location}, meanings=MEANINGS
)
