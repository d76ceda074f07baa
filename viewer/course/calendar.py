"""The calendar: events of the course, of its groups and of its activities, by date."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from courses.models.calendar import CalendarEvent
from viewer.page_context import PageContext, fact, facts, marks
from viewer.panels import Entry, Panel
from viewer.presentation import Presentation
from viewer.words import duration_text

OWN = "user"


def present(page: PageContext) -> Iterator[Panel]:
    """Yield the calendar events; those of single people only for readers with the right to people's data."""
    events = CalendarEvent._base_manager.filter(course=page.course).order_by("timestart", "pk")
    if not page.people:
        events = events.exclude(eventtype=OWN)
    yield page.listed("Events", events, lambda rows: _events(page, rows), size=50)


def _events(page: PageContext, rows: list[Any]) -> Iterable[Entry]:
    for row in rows:
        yield Entry(
            title=row.name,
            address=("activity", row.activity_id) if row.activity_id else "",
            when=row.timestart,
            marks=(row.eventtype.capitalize(), *marks(Hidden=not row.visible)),
            texts=(
                page.text(
                    "",
                    row.description,
                    row.format,
                    f"{page.course.contextid}/calendar/event_description/{row.pk}",
                ),
            ),
            facts=facts(
                fact("Lasts", duration_text(row.timeduration) if row.timeduration else ""),
                fact("Group", page.group(row.groupid)),
                fact("Of", page.named("course_module", row.activity_id)),
                fact("By", page.person(row.userid)),
                fact("Where", row.location),
            ),
        )


PRESENTATION = Presentation(
    present, title="Calendar", order=70, holds=lambda: CalendarEvent._base_manager.order_by()
)
