"""Chat: its messages, as a conversation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from courses.activities.chat import ChatMessage
from viewer.page_context import PageContext
from viewer.panels import Entry, Panel
from viewer.presentation import Presentation

SYSTEM = {"enter": "came in", "exit": "left"}


def present(page: PageContext) -> Iterator[Panel]:
    """Yield the messages in the order in which they were written."""
    lines = ChatMessage._base_manager.filter(chat=page.content).order_by("timestamp", "pk")
    yield page.listed(
        "Conversation", lines, lambda rows: _lines(page, rows), size=100, userdata=True, style="talk"
    )


def _lines(page: PageContext, rows: list[Any]) -> Iterable[Entry]:
    for row in rows:
        said = () if row.system else (page.text("", row.message_text),)
        came = (SYSTEM.get(row.message_text.strip(), row.message_text),) if row.system else ()
        group = (page.group(row.groupid),) if row.groupid else ()
        yield Entry(who=page.person(row.userid), when=row.timestamp, texts=said, marks=(*came, *group))


MEANINGS: dict[str, dict[Any, str]] = {
    "chat.schedule": {1: "once", 2: "every day", 3: "every week"},
}

PRESENTATION = Presentation(present, covers=(ChatMessage,), meanings=MEANINGS)
