"""The page of an excursion: the places that people suggest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tests.plugin_app.models import ExcursionPlace
from viewer.page_context import PageContext, when
from viewer.panels import Entry, Panel
from viewer.presentation import Presentation


def present(page: PageContext) -> Iterator[Panel]:
    """The places, each with who suggests it."""
    places = ExcursionPlace._base_manager.filter(excursion=page.content).order_by("pk")
    yield page.listed("Suggestions", places, lambda rows: _places(page, rows), userdata=True)


def _places(page: PageContext, rows: list[Any]) -> Iterable[Entry]:
    for row in rows:
        yield Entry(
            title=row.title,
            marks=(page.person(row.userid), when(row.timecreated)),
            texts=(page.rich("", row, "description"),),
        )


PRESENTATIONS = {
    "excursion": Presentation(
        present,
        covers=(ExcursionPlace,),
        labels={"departure": "Bus leaves"},
        meanings={"excursion.placeid": {0: "not agreed yet"}},
    )
}
