"""A database: its fields, and what people entered, field by field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from courses.activities.data import DataContent, DataField, DataRating, DataRecord, DataRecordTag
from viewer.page_context import Desk, fact, facts, marks, table
from viewer.panels import Entry, Panel, Spot, Table, Value
from viewer.presentation import Form
from viewer.words import DASH

ENTRIES = 10
TEMPLATES = (
    "singletemplate",
    "listtemplate",
    "listtemplateheader",
    "listtemplatefooter",
    "addtemplate",
    "rsstemplate",
    "rsstitletemplate",
    "csstemplate",
    "jstemplate",
    "asearchtemplate",
)


def present(desk: Desk) -> Iterator[Panel]:
    """The entries, the fields, and the templates that lay them out."""
    yield desk.listed(
        "Entries", _records_of(desk), lambda rows: _entries(desk, rows), size=ENTRIES, work=True
    )
    fields = DataField._base_manager.filter(data=desk.content).order_by("pk")
    yield desk.listed("Fields", fields, _fields, size=100)
    written = [(name, getattr(desk.content, name)) for name in TEMPLATES]
    texts = tuple(Value(name, text, "code") for name, text in written if text)
    if texts:
        yield Panel("Templates", texts=texts, folded=True)


def _records_of(desk: Desk) -> Any:
    return DataRecord._base_manager.filter(data=desk.content).order_by("timecreated", "pk")


def _place(desk: Desk, number: int) -> Spot:
    numbers = _records_of(desk).values_list("pk", flat=True)
    return desk.spot(desk.here, "Entries", numbers, number, anchor=f"entry{number}", size=ENTRIES)


def _fields(rows: list[Any]) -> Table:
    return table(
        "Field | Type | Description | Options",
        (
            (
                f"{row.name}{' (required)' if row.required else ''}",
                row.type,
                row.description,
                " · ".join((row.param1 or "").split("\n")),
            )
            for row in rows
        ),
    )


def _entries(desk: Desk, rows: list[Any]) -> Iterable[Entry]:
    fields = DataField._base_manager.filter(data=desk.content).in_bulk()
    contents = desk.below(DataContent, "record", rows, order=("fieldid", "pk"))
    ratings = desk.below(DataRating, "record", rows)
    tags: dict[int, list[str]] = {}
    for item, name in DataRecordTag._base_manager.filter(
        data=desk.content, itemid__in=[row.pk for row in rows]
    ).values_list("itemid", "rawname"):
        tags.setdefault(item, []).append(name)
    for row in rows:
        values = [_value(desk, one, fields.get(one.fieldid)) for one in contents.get(row.pk, ())]
        yield Entry(
            title=desk.person(row.userid),
            name=f"entry{row.pk}",
            when=row.timecreated,
            marks=(*marks(Not_approved=not row.approved), *(f"#{name}" for name in tags.get(row.pk, ()))),
            texts=tuple(value for value in values if value.written),
            facts=facts(
                *(value for value in values if not value.written),
                fact("Group", desk.group(row.groupid)),
                fact("Changed", row.timemodified if row.timemodified > row.timecreated else "", "moment"),
                *desk.ratings(ratings.get(row.pk, ())),
            ),
            comments=desk.comments(row.pk, "mod_data/database_entry"),
        )


def _value(desk: Desk, one: Any, field: Any) -> Value:
    name, kind = (field.name, field.type) if field else ("Value of a field that is gone", "")
    extra = [text for text in (one.content1, one.content2, one.content3, one.content4) if text]
    if kind in ("file", "picture"):
        return Value(name, desk.files(one.pk, "mod_data/content"), "files")
    if kind == "textarea":
        return desk.rich(name, one, "content")
    if kind == "date" and (one.content or "").isdecimal():
        return Value(name, int(one.content), "moment")
    if kind == "latlong":
        return Value(name, ", ".join(filter(None, [one.content, *extra])))
    if kind in ("checkbox", "multimenu"):
        return Value(name, ", ".join((one.content or "").split("##")))
    return Value(name, f" {DASH} ".join(filter(None, [one.content, *extra])))


FORM = Form(
    present,
    covers=(DataRecord, DataContent, DataField, DataRating, DataRecordTag),
    own=frozenset(TEMPLATES),
    places={"data_record": _place},
)
