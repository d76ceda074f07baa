"""The calendar: events of the course, of its groups and of its activities, by date."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from courses.models.calendar import CalendarEvent
from viewer.page_context import Desk, fact, facts, marks
from viewer.panels import Entry, Panel
from viewer.presentation import Form
from viewer.words import seconds

OWN = "user"


def present(desk: Desk) -> Iterator[Panel]:
    """The events; those of single people only with the right to their data."""
    events = CalendarEvent._base_manager.filter(course=desk.course).order_by("timestart", "pk")
    if not desk.people:
        events = events.exclude(eventtype=OWN)
    yield desk.listed("Events", events, lambda rows: _events(desk, rows), size=50)


def _events(desk: Desk, rows: list[Any]) -> Iterable[Entry]:
    for row in rows:
        yield Entry(
            title=row.name,
            address=("activity", row.activity_id) if row.activity_id else "",
            when=row.timestart,
            marks=(row.eventtype.capitalize(), *marks(Hidden=not row.visible)),
            texts=(
                desk.text(
                    "",
                    row.description,
                    row.format,
                    f"{desk.course.contextid}/calendar/event_description/{row.pk}",
                ),
            ),
            facts=facts(
                fact("Lasts", seconds(row.timeduration) if row.timeduration else ""),
                fact("Group", desk.group(row.groupid)),
                fact("Of", desk.named("course_module", row.activity_id)),
                fact("By", desk.person(row.userid)),
                fact("Where", row.location),
            ),
        )


FORM = Form(present, title="Calendar", order=70, holds=lambda: CalendarEvent._base_manager.order_by())
