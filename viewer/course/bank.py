"""The content bank: interactive content that several activities may use, to download."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from courses.models.contentbank import BankContent
from viewer.page_context import Desk, fact, facts
from viewer.panels import Entry, Panel
from viewer.presentation import Form


def present(desk: Desk) -> Iterator[Panel]:
    """What is in the bank."""
    held = BankContent._base_manager.filter(course=desk.course).order_by("name", "pk")
    yield desk.listed("Content bank", held, lambda rows: _contents(desk, rows))


def _contents(desk: Desk, rows: list[Any]) -> Iterable[Entry]:
    for row in rows:
        yield Entry(
            title=row.name,
            when=row.timecreated,
            marks=(row.contenttype.removeprefix("contenttype_").upper(),),
            files=desk.files(row.pk, "contentbank/public", contextid=desk.course.contextid),
            facts=facts(
                fact("Made by", desk.person(row.usercreated)),
                fact("Changed by", desk.person(row.usermodified)),
                fact("Changed", row.timemodified or "", "moment"),
            ),
        )


FORM = Form(present, title="Content bank", order=90, holds=lambda: BankContent._base_manager.order_by())
