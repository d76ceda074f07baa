"""Subsection: the activities in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from courses.models import Activity, Section
from courses.registry import activity_label
from viewer.availability import condition_phrases
from viewer.page_context import PageContext, fact, marks
from viewer.panels import Entry, Panel
from viewer.presentation import Presentation

COMPONENT = "mod_subsection"


def present(page: PageContext) -> Iterator[Panel]:
    """Yield the text of its section, and its activities in order."""
    section = Section.objects.filter(course=page.course, component=COMPONENT, itemid=page.content.pk).first()
    if section is None:
        return
    limits = tuple(fact("Only when", one) for one in condition_phrases(page, section.availabilityjson))
    if section.summary or limits:
        yield Panel(
            "About it",
            texts=(
                page.rich(
                    "",
                    section,
                    "summary",
                    area="course/section",
                    item=section.pk,
                    contextid=page.course.contextid,
                ),
            ),
            facts=limits,
        )
    order = {number: n for n, number in enumerate((section.sequence or "").split(","))}
    inside = sorted(
        Activity.objects.filter(section=section), key=lambda one: (order.get(str(one.pk), len(order)), one.pk)
    )
    yield page.listed("Activities", inside, _activities, size=50)


def _activities(rows: list[Any]) -> Iterable[Entry]:
    for row in rows:
        yield Entry(
            title=row.title,
            address=("activity", row.pk),
            marks=(activity_label(row.modulename), *marks(Hidden=not row.visible)),
        )


PRESENTATION = Presentation(present)
