"""The content bank: interactive content that several activities may use, as downloads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from courses.models.contentbank import BankContent
from viewer.page_context import PageContext, fact, facts
from viewer.panels import Entry, Panel
from viewer.presentation import Presentation


def present(page: PageContext) -> Iterator[Panel]:
    """Yield the contents of the content bank."""
    held = BankContent._base_manager.filter(course=page.course).order_by("name", "pk")
    yield page.listed("Content bank", held, lambda rows: _contents(page, rows))


def _contents(page: PageContext, rows: list[Any]) -> Iterable[Entry]:
    for row in rows:
        yield Entry(
            title=row.name,
            when=row.timecreated,
            marks=(row.contenttype.removeprefix("contenttype_").upper(),),
            files=page.files(row.pk, "contentbank/public", contextid=page.course.contextid),
            facts=facts(
                fact("Made by", page.person(row.usercreated)),
                fact("Changed by", page.person(row.usermodified)),
                fact("Changed", row.timemodified or "", "moment"),
            ),
        )


PRESENTATION = Presentation(
    present, title="Content bank", order=90, holds=lambda: BankContent._base_manager.order_by()
)
