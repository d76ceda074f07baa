"""Everything: the course's own settings and texts, all its records kind by kind, and what is kept as it came."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archive.secrets import shown
from courses.models import Comment
from courses.models.course import CourseCustomField, CourseFormatOption
from courses.models.tags import CourseTag
from viewer import words
from viewer.page_context import Desk, fact, facts, table
from viewer.pages import kept_of, record_address
from viewer.panels import Entry, Panel, Value
from viewer.presentation import Form
from viewer.records import counted, fields_of, gathered, value_of


def present(desk: Desk) -> Iterator[Panel]:
    """What no other page shows can be found from here."""
    course = desk.course
    values = [value_of(desk, course, one) for one in fields_of(type(course))]
    yield Panel(
        "Settings",
        facts=facts(
            fact("Category", course.category.name),
            *(value for value in values if not value.written and value.value != 0),
            *(
                fact(words.label(one.name), shown(one.name, one.value))
                for one in CourseFormatOption._base_manager.filter(course=course).order_by("pk")
            ),
            fact(
                "Tags",
                ", ".join(CourseTag._base_manager.filter(course=course).values_list("rawname", flat=True)),
            ),
        ),
    )
    yield from _told(desk)
    kinds = counted(gathered(course))
    rows = [
        (
            Value(
                "Records", one.title, address=record_address(desk, one) if desk.people or not one.work else ""
            ),
            number,
            "People's work" if one.work else "",
        )
        for one, number in kinds
        if number
    ]
    yield Panel(
        "All records of the course itself", len(rows), table=table("Records | How many | ", rows, numeric=[1])
    )
    kept = [(part.path, Value("Size", part.size, "number")) for part in kept_of(course)]
    if kept:
        yield Panel(
            "Kept as it came", len(kept), table=table("Part of the archive | Bytes", kept, numeric=[1])
        )


def _told(desk: Desk) -> Iterator[Panel]:
    """What the site's own fields say of the course, and what people said to it."""
    fields = CourseCustomField._base_manager.filter(course=desk.course).order_by("pk")
    yield desk.listed(
        "Fields of the site",
        fields,
        lambda rows: (_field(desk, one) for one in rows),
        name="fields",
    )
    said = Comment._base_manager.filter(contextid=desk.course.contextid).order_by("timecreated", "pk")
    yield desk.listed(
        "Comments",
        said,
        lambda rows: (
            Entry(
                who=desk.person(one.userid),
                when=one.timecreated,
                texts=(desk.text("", one.content, one.format),),
            )
            for one in rows
        ),
        work=True,
    )


def _field(desk: Desk, one: Any) -> Entry:
    value = str(one.value or "")
    if one.type == "date" and value.isdecimal():
        return Entry(title=one.shortname, facts=(fact("", int(value), "moment"),))
    if one.type == "checkbox":
        return Entry(title=one.shortname, facts=(fact("", "yes" if value == "1" else "no"),))
    return Entry(title=one.shortname, texts=(desk.rich("", one, "value", contextid=desk.course.contextid),))


FORM = Form(present, title="More", order=900)
