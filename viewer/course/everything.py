"""Everything else: the course's settings and texts, all its records by model, and opaque content."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archive.numbers import natural, whole_or
from archive.secrets import shown
from courses.models import Comment
from courses.models.course import CourseCustomField, CourseFormatOption
from courses.models.tags import CourseTag
from viewer import words
from viewer.page_context import PageContext, fact, facts, table
from viewer.pages import opaque_parts, record_address
from viewer.panels import Entry, Panel, Value
from viewer.presentation import Presentation
from viewer.records import fields_of, record_groups, value_of, with_counts


def present(page: PageContext) -> Iterator[Panel]:
    """Yield the course's settings, fields, comments, a list of all its records, and its opaque content."""
    course = page.course
    values = [value_of(page, course, one) for one in fields_of(type(course))]
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
    yield from _fields_and_comments(page)
    groups = with_counts(record_groups(course))
    rows = [
        (
            Value(
                "Records",
                one.title,
                address=record_address(page, one) if page.people or not one.userdata else "",
            ),
            number,
            "People and their work" if one.userdata else "",
        )
        for one, number in groups
        if number
    ]
    yield Panel(
        "All records of the course itself", len(rows), table=table("Records | How many | ", rows, numeric=[1])
    )
    opaque = [(part.path, Value("Size", part.size, "number")) for part in opaque_parts(course)]
    if opaque:
        yield Panel(
            "Preserved as it is", len(opaque), table=table("Part of the archive | Bytes", opaque, numeric=[1])
        )


def _fields_and_comments(page: PageContext) -> Iterator[Panel]:
    """Yield the custom fields of the course, and the comments on it."""
    fields = CourseCustomField._base_manager.filter(course=page.course).order_by("pk")
    yield page.listed(
        "Fields of the site",
        fields,
        lambda rows: (_field(page, one) for one in rows),
        name="fields",
    )
    said = Comment._base_manager.filter(contextid=page.course.contextid).order_by("timecreated", "pk")
    yield page.listed(
        "Comments",
        said,
        lambda rows: (
            Entry(
                who=page.person(one.userid),
                when=one.timecreated,
                texts=(page.text("", one.content, one.format),),
            )
            for one in rows
        ),
        userdata=True,
    )


def _field(page: PageContext, one: Any) -> Entry:
    value = str(one.value or "")
    if one.type == "date" and natural(value) is not None:
        return Entry(title=one.shortname, facts=(fact("", whole_or(value), "moment"),))
    if one.type == "checkbox":
        return Entry(title=one.shortname, facts=(fact("", "yes" if value == "1" else "no"),))
    return Entry(title=one.shortname, texts=(page.rich("", one, "value", contextid=page.course.contextid),))


PRESENTATION = Presentation(present, title="More", order=900)
