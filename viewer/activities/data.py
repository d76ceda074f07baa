"""Database: its fields, and its entries field by field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from archive.numbers import natural, whole_or
from courses.activities.data import DataContent, DataField, DataRating, DataRecord, DataRecordTag
from viewer.page_context import PageContext, fact, facts, marks, table
from viewer.panels import Entry, Location, Panel, Table, Value
from viewer.presentation import Presentation
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


def present(page: PageContext) -> Iterator[Panel]:
    """Yield the entries, the fields, and the templates that lay them out."""
    yield page.listed(
        "Entries", _records_of(page), lambda rows: _entries(page, rows), size=ENTRIES, userdata=True
    )
    fields = DataField._base_manager.filter(data=page.content).order_by("pk")
    yield page.listed("Fields", fields, _fields, size=100)
    written = [(name, getattr(page.content, name)) for name in TEMPLATES]
    texts = tuple(Value(name, text, "code") for name, text in written if text)
    if texts:
        yield Panel("Templates", texts=texts, folded=True)


def _records_of(page: PageContext) -> Any:
    return DataRecord._base_manager.filter(data=page.content).order_by("timecreated", "pk")


def _location(page: PageContext, number: int) -> Location:
    numbers = _records_of(page).values_list("pk", flat=True)
    return page.location(page.here, "Entries", numbers, number, anchor=f"entry{number}", size=ENTRIES)


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


def _entries(page: PageContext, rows: list[Any]) -> Iterable[Entry]:
    fields = DataField._base_manager.filter(data=page.content).in_bulk()
    contents = page.below(DataContent, "record", rows, order=("fieldid", "pk"))
    ratings = page.below(DataRating, "record", rows)
    tags: dict[int, list[str]] = {}
    for item, name in DataRecordTag._base_manager.filter(
        data=page.content, itemid__in=[row.pk for row in rows]
    ).values_list("itemid", "rawname"):
        tags.setdefault(item, []).append(name)
    for row in rows:
        values = [_value(page, one, fields.get(one.fieldid)) for one in contents.get(row.pk, ())]
        yield Entry(
            title=page.person(row.userid),
            name=f"entry{row.pk}",
            when=row.timecreated,
            marks=(*marks(Not_approved=not row.approved), *(f"#{name}" for name in tags.get(row.pk, ()))),
            texts=tuple(value for value in values if value.written),
            facts=facts(
                *(value for value in values if not value.written),
                fact("Group", page.group(row.groupid)),
                fact("Changed", row.timemodified if row.timemodified > row.timecreated else "", "moment"),
                *page.ratings(ratings.get(row.pk, ())),
            ),
            comments=page.comments(row.pk, "mod_data/database_entry"),
        )


def _value(page: PageContext, one: Any, field: Any) -> Value:
    name, field_type = (field.name, field.type) if field else ("Value of a field that is gone", "")
    extra = [text for text in (one.content1, one.content2, one.content3, one.content4) if text]
    if field_type in ("file", "picture"):
        return Value(name, page.files(one.pk, "mod_data/content"), "files")
    if field_type == "textarea":
        return page.rich(name, one, "content")
    if field_type == "date" and natural(one.content) is not None:
        return Value(name, whole_or(one.content), "moment")
    if field_type == "latlong":
        return Value(name, ", ".join(filter(None, [one.content, *extra])))
    if field_type in ("checkbox", "multimenu"):
        return Value(name, ", ".join((one.content or "").split("##")))
    return Value(name, f" {DASH} ".join(filter(None, [one.content, *extra])))


MEANINGS: dict[str, dict[Any, str]] = {
    "data.defaultsortdir": {1: "descending"},
}

PRESENTATION = Presentation(
    present,
    covers=(DataRecord, DataContent, DataField, DataRating, DataRecordTag),
    own=frozenset(TEMPLATES),
    locations={"data_record": _location},
    meanings=MEANINGS,
)
