"""Everything: the course's own settings and texts, all its records kind by kind, and what is kept as it came."""

from __future__ import annotations

from collections.abc import Iterator

from courses.presentations import Form
from courses.presentations.desk import Desk, facts, table
from courses.presentations.pages import kept_of, record_address
from courses.presentations.records import fields_of, gathered, value_of
from courses.presentations.shapes import Panel, Value


def present(desk: Desk) -> Iterator[Panel]:
    """What no other page shows can be found from here."""
    course = desk.course
    values = [value_of(desk, course, one) for one in fields_of(type(course))]
    yield Panel(
        "Settings",
        facts=facts(
            *(value for value in values if value.shape not in ("rich", "lines") and value.value != 0)
        ),
    )
    kinds = [(one, one.rows().count()) for one in gathered(course)]
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


FORM = Form(present, title="More", order=900)
