"""A chat: what was said, as a conversation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from courses.activities.chat import ChatMessage
from viewer.page_context import Desk
from viewer.panels import Entry, Panel
from viewer.presentation import Form

SYSTEM = {"enter": "came in", "exit": "left"}


def present(desk: Desk) -> Iterator[Panel]:
    """The lines in the order in which they were written."""
    lines = ChatMessage._base_manager.filter(chat=desk.content).order_by("timestamp", "pk")
    yield desk.listed(
        "Conversation", lines, lambda rows: _lines(desk, rows), size=100, work=True, style="talk"
    )


def _lines(desk: Desk, rows: list[Any]) -> Iterable[Entry]:
    for row in rows:
        said = () if row.system else (desk.text("", row.message_text),)
        came = (SYSTEM.get(row.message_text.strip(), row.message_text),) if row.system else ()
        group = (desk.group(row.groupid),) if row.groupid else ()
        yield Entry(who=desk.person(row.userid), when=row.timestamp, texts=said, marks=(*came, *group))


FORM = Form(present, covers=(ChatMessage,))
