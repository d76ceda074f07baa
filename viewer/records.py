"""Records: what is in an activity or a course, kind by kind, from the descriptions alone: a new type needs nothing here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import F, ForeignKey, Func, QuerySet, Subquery, Sum
from django.db.models.functions import Length

from archive.secrets import WITHHELD, is_secret
from courses import structure
from courses.archived import ArchivedModel
from courses.fields import (
    ArchiveField,
    LongText,
    Moment,
    Number,
    Ref,
    RichText,
    ScaleOrMaximum,
    SiblingRef,
    Text,
    UserRef,
)
from courses.fields.numbers import Real
from courses.models import Activity, Course, File, OpaqueElement, Section
from courses.structure import Element
from courses.summaries import title_of
from viewer import codes, unserialised, words
from viewer.clean_html import LONG, plain
from viewer.page_context import PageContext, readable
from viewer.panels import Entry, Table, Value

EXCERPT = 4
TELLING = frozenset(
    {
        "name",
        "title",
        "subject",
        "concept",
        "text",
        "status",
        "alias",
        "rawname",
        "value",
        "filename",
        "itemname",
        "finalgrade",
        "completionstate",
        "capability",
        "permission",
        "filter",
    }
)


@dataclass(frozen=True, slots=True)
class Gathered:
    """One kind of record inside an activity or a course, and the query that finds those that are."""

    model: type[ArchivedModel]
    lookup: tuple[tuple[str, Any], ...]
    title: str

    @property
    def name(self) -> str:
        """The kind's name in addresses."""
        return self.model._meta.model_name or ""

    @property
    def userdata(self) -> bool:
        """Whether these records are people's work."""
        return bool(self.model.archive_meta.userdata)

    def rows(self) -> QuerySet[Any]:
        """The records, in the order of their numbers."""
        return self.model._base_manager.filter(**dict(self.lookup)).order_by("pk")

    def seen(self, *, people: bool) -> QuerySet[Any]:
        """Those that a reader may see; some of people's work has rows that are nobody's."""
        rows = self.rows()
        if self.model is File:
            return readable(rows.exclude(filename="."), people=people)
        if people or not self.userdata:
            return rows
        person = self.model.archive_meta.person
        return rows.filter(**{f"{person}__isnull": True}) if person else rows.none()


def gathered(owner: Activity | Course, content: ArchivedModel | None = None) -> list[Gathered]:
    """All kinds of record inside an activity (with its type's own record) or a course, in the archive's order."""
    found: dict[type[ArchivedModel], Gathered] = {}
    prefix = owner.modulename if isinstance(owner, Activity) else ""
    if content is not None:
        for child in structure.element(type(content)).children():
            _add(found, child, {child.column: content.pk}, "", prefix)
    tops = [child for child in structure.element(type(owner)).children() if not child.shown]
    for member in structure.members_of(type(owner)):
        tops += [
            top for top in structure.elements_of(structure.elements_in(type(owner), member)) if not top.shown
        ]
    for top in tops:
        lookup = {top.column: getattr(owner, top.parent_column)}
        if "activity_id IS NULL" in top.where:
            lookup["activity_id"] = None
        _add(found, top, lookup, "", "")
    place = {"contextid": owner.contextid}
    found[File] = Gathered(File, tuple(place.items()), "Files")
    if isinstance(owner, Course):
        found[Section] = Gathered(Section, (("course_id", owner.pk),), "Sections")
        for child in structure.element(Section).children():
            _add(found, child, {"section__course_id": owner.pk}, "", "")
    return list(found.values())


def counted(item_types: Sequence[Gathered]) -> list[tuple[Gathered, int]]:
    """The kinds with how many records there are of each; one query for all."""
    asked = {
        f"n{position}": Subquery(
            one.rows().order_by().annotate(total=Func(F("pk"), function="count")).values("total")
        )
        for position, one in enumerate(item_types)
    }
    row = Course.objects.order_by("pk").values_list(*asked.values())[:1].get() if asked else ()
    return list(zip(item_types, row, strict=True))


def _add(found: dict[Any, Gathered], one: Element, lookup: dict[str, Any], path: str, prefix: str) -> None:
    names = {f"{path}{key.removesuffix('_id') if path else key}": value for key, value in lookup.items()}
    filters = tuple(
        (f"{key}__isnull", True) if value is None else (key, value) for key, value in names.items()
    )
    found.setdefault(one.model, Gathered(one.model, filters, title_of(one.model, prefix)))
    for child in one.children():
        link = next((f for f in child.model._meta.concrete_fields if f.column == child.column), None)
        if isinstance(link, ForeignKey):
            _add(found, child, lookup, f"{link.name}__{path}", prefix)


def kept_sizes(model: type[ArchivedModel], rows: Iterable[Any]) -> dict[int, int]:
    """How much is kept word for word of what nobody described in some records, in characters, by their numbers."""
    found = OpaqueElement.objects.filter(
        item_type=structure.element(model).item_type, record__in=[row.pk for row in rows]
    )
    return dict(found.values_list("record").annotate(held=Sum(Length("xml"))).order_by())


def fields_of(model: type[ArchivedModel]) -> list[Any]:
    """The columns that mean something to a reader; never a secret one."""
    return [
        one
        for one in model._meta.concrete_fields
        if isinstance(one, ArchiveField)
        and (not one.omit or one.name == "title")
        and not one.secret
        and not is_secret(one.name)
        and not words.SILENT.search(one.name)
        and not (one.get_internal_type() == "BigIntegerField" and one.name.endswith("format"))
    ]


def excerpt(model: type[ArchivedModel], rows: Sequence[Any]) -> list[Any]:
    """The few columns of a table that say something of these rows: people, texts and dates first, then the rest."""
    fields = [one for one in fields_of(model) if any(getattr(row, one.attname) for row in rows)]
    best = sorted(fields, key=_worth)[:EXCERPT]
    return [one for one in fields if one in best]


def _worth(one: Any) -> int:
    """How much a column says in a table, the less the more."""
    if one.name in TELLING:
        return 1
    if isinstance(one, UserRef):
        return 0 if one.name == "userid" else 7
    if isinstance(one, Moment):
        return 3 if re.search(r"(created|modified|due|start|finish|added)", one.name) else 5
    if isinstance(one, Text | RichText):
        return 1 if isinstance(one, RichText) else 4
    return 2 if isinstance(one, LongText) else 6


def record_table(page: PageContext, model: type[ArchivedModel], rows: list[Any]) -> Table:
    """The records as a table of the columns that say most."""
    columns = excerpt(model, rows)
    return Table(
        columns=tuple(words.label(one.name) for one in columns),
        rows=tuple(tuple(_cell(page, row, one) for one in columns) for row in rows),
        numeric=frozenset(n for n, one in enumerate(columns) if isinstance(one, Number | Real)),
    )


def _cell(page: PageContext, row: Any, one: Any) -> Value:
    """A value in a table; the name of a file leads to it, and a secret is not told."""
    if _hidden(row, one):
        return Value(words.label(one.name), WITHHELD)
    if isinstance(row, File) and one.name == "filename":
        return Value(words.label(one.name), (row,), "files")
    return value_of(page, row, one)


def record_entries(
    page: PageContext, model: type[ArchivedModel], rows: Iterable[Any], *, titled: bool = True
) -> Iterator[Entry]:
    """The records with all that they say; what is not set is left out."""
    noun = str(model._meta.verbose_name).capitalize()
    fields = fields_of(model)
    for row in rows:
        values = tuple(value_of(page, row, one) for one in fields if not _hidden(row, one))
        said = tuple(value for value in values if value.value not in (None, "", 0))
        yield Entry(
            title=f"{noun} {row.pk}" if titled else "",
            facts=tuple(value for value in said if not (value.written or value.shape == "code")),
            texts=tuple(value for value in said if value.written or value.shape == "code"),
            files=(row,) if isinstance(row, File) else (),
        )


def _hidden(row: Any, one: Any) -> bool:
    """Whether a value is a secret by the name that its record gives it, as the setting of a tool is."""
    return one.name == "value" and is_secret("value", of=str(getattr(row, "name", "")))


def value_of(page: PageContext, row: Any, one: Any) -> Value:
    """A column's value for a reader: names for numbers of people and records, cleaned texts, moments."""
    raw = getattr(row, one.attname)
    label = words.label(one.name)
    if said := codes.meaning(str(row._meta.model_name), one.name, raw):
        return Value(label, said)
    place = f"{row._meta.model_name}.{one.name}"
    if isinstance(one, Moment) or place in codes.MOMENTS:
        return Value(label, raw, "moment")
    if place in codes.MARKED:
        return Value(label, plain(raw, LONG))
    if isinstance(one, UserRef):
        return Value(label, page.person(raw))
    if isinstance(one, RichText):
        return page.rich(label, row, one.name)
    if isinstance(one, ScaleOrMaximum) and raw is not None and raw < 0:
        return Value(label, page.named("scale", -raw))
    if isinstance(one, Ref) and not isinstance(one, SiblingRef) and one.refers and raw and raw > 0:
        return Value(label, page.named(one.refers, raw, instead=raw))
    if isinstance(one, Number | Real):
        return Value(label, words.number(raw), "number")
    if isinstance(one, LongText) and raw and raw[:2] in ("a:", "O:"):
        return Value(label, _unpacked(unserialised.read(raw)) or raw)
    if isinstance(one, LongText) and raw and len(raw) > 60:
        return Value(label, raw, "code")
    return Value(label, raw, "number" if isinstance(raw, int) else "text")


def _unpacked(value: Any) -> str:
    """A serialised list or record on one line."""
    if isinstance(value, dict):
        return ", ".join(f"{words.label(str(name))}: {_unpacked(inner)}" for name, inner in value.items())
    return "" if value is None else str(value)
