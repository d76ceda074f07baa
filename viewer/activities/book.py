"""A book: its chapters in their order, subchapters under them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from courses.activities.book import BookChapter, BookChapterTag
from viewer.page_context import Desk, marks
from viewer.panels import Entry, Panel, Spot
from viewer.presentation import Form


def present(desk: Desk) -> Iterator[Panel]:
    """The chapters as one reads them."""
    yield desk.listed("Chapters", _chapters_of(desk), lambda rows: _chapters(desk, rows), style="thread")


def _chapters_of(desk: Desk) -> Any:
    return BookChapter._base_manager.filter(book=desk.content).order_by("pagenum", "pk")


def _chapters(desk: Desk, rows: list[Any]) -> Iterable[Entry]:
    tags: dict[int, list[str]] = {}
    used = BookChapterTag._base_manager.filter(book=desk.content, itemid__in=[row.pk for row in rows])
    for number, name in used.values_list("itemid", "rawname"):
        tags.setdefault(number, []).append(name)
    for row in rows:
        yield Entry(
            title=row.title,
            name=f"chapter{row.pk}",
            marks=(*marks(Hidden=row.hidden), *(f"#{name}" for name in tags.get(row.pk, ()))),
            texts=(desk.rich("", row, "content"),),
            depth=1 if row.subchapter else 0,
        )


def _place(desk: Desk, number: int) -> Spot:
    numbers = _chapters_of(desk).values_list("pk", flat=True)
    return desk.spot(desk.here, "Chapters", numbers, number, anchor=f"chapter{number}")


FORM = Form(present, covers=(BookChapter, BookChapterTag), places={"book_chapter": _place})
