"""Records: the rows of an activity or a course, model by model, shown from the descriptions of their models alone."""

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
from courses.summaries import list_title
from viewer import codes, unserialised, words
from viewer.clean_html import LONG, plain
from viewer.page_context import PageContext, readable
from viewer.panels import Entry, Table, Value

EXCERPT = 4
INFORMATIVE = frozenset(
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
class RecordGroup:
    """The records of one model inside an activity or a course, with the query that finds them."""

    model: type[ArchivedModel]
    lookup: tuple[tuple[str, Any], ...]
    title: str

    @property
    def name(self) -> str:
        """The model's name in addresses."""
        return self.model._meta.model_name or ""

    @property
    def userdata(self) -> bool:
        """Whether the records are userdata."""
        return bool(self.model.archive_meta.userdata)

    def rows(self) -> QuerySet[Any]:
        """Return the records, ordered by id."""
        return self.model._base_manager.filter(**dict(self.lookup)).order_by("pk")

    def seen(self, *, people: bool) -> QuerySet[Any]:
        """Return the records that a reader may see; of userdata without `people`, only rows that belong to nobody."""
        rows = self.rows()
        if self.model is File:
            return readable(rows.exclude(filename="."), people=people)
        if people or not self.userdata:
            return rows
        person = self.model.archive_meta.person
        return rows.filter(**{f"{person}__isnull": True}) if person else rows.none()


def record_groups(owner: Activity | Course, content: ArchivedModel | None = None) -> list[RecordGroup]:
    """Return the record groups inside an activity (`content` is its type's own record) or a course, in the archive's order."""
    found: dict[type[ArchivedModel], RecordGroup] = {}
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
    in_context = {"contextid": owner.contextid}
    found[File] = RecordGroup(File, tuple(in_context.items()), "Files")
    if isinstance(owner, Course):
        found[Section] = RecordGroup(Section, (("course_id", owner.pk),), "Sections")
        for child in structure.element(Section).children():
            _add(found, child, {"section__course_id": owner.pk}, "", "")
    return list(found.values())


def with_counts(groups: Sequence[RecordGroup]) -> list[tuple[RecordGroup, int]]:
    """Return each record group with its number of records; one query for all."""
    asked = {
        f"n{position}": Subquery(
            one.rows().order_by().annotate(total=Func(F("pk"), function="count")).values("total")
        )
        for position, one in enumerate(groups)
    }
    row = Course.objects.order_by("pk").values_list(*asked.values())[:1].get() if asked else ()
    return list(zip(groups, row, strict=True))


def _add(found: dict[Any, RecordGroup], one: Element, lookup: dict[str, Any], path: str, prefix: str) -> None:
    names = {f"{path}{key.removesuffix('_id') if path else key}": value for key, value in lookup.items()}
    filters = tuple(
        (f"{key}__isnull", True) if value is None else (key, value) for key, value in names.items()
    )
    found.setdefault(one.model, RecordGroup(one.model, filters, list_title(one.model, prefix)))
    for child in one.children():
        link = next((f for f in child.model._meta.concrete_fields if f.column == child.column), None)
        if isinstance(link, ForeignKey):
            _add(found, child, lookup, f"{link.name}__{path}", prefix)


def opaque_sizes(model: type[ArchivedModel], rows: Iterable[Any]) -> dict[int, int]:
    """Return the size of the opaque elements of each record, in characters, by record id."""
    found = OpaqueElement.objects.filter(
        item_type=structure.element(model).item_type, record__in=[row.pk for row in rows]
    )
    return dict(found.values_list("record").annotate(held=Sum(Length("xml"))).order_by())


def fields_of(model: type[ArchivedModel]) -> list[Any]:
    """Return the fields of a model that readers understand; never secret ones."""
    return [
        one
        for one in model._meta.concrete_fields
        if isinstance(one, ArchiveField)
        and (not one.omit or one.name == "title")
        and not one.secret
        and not is_secret(one.name)
        and not words.INTERNAL.search(one.name)
        and not (one.get_internal_type() == "BigIntegerField" and one.name.endswith("format"))
    ]


def excerpt(model: type[ArchivedModel], rows: Sequence[Any]) -> list[Any]:
    """Return the few fields that say most about these rows, for a table: people, texts and dates first."""
    fields = [one for one in fields_of(model) if any(getattr(row, one.attname) for row in rows)]
    best = sorted(fields, key=_sort_key)[:EXCERPT]
    return [one for one in fields if one in best]


def _sort_key(one: Any) -> int:
    """Return the sort key of a field for tables: the lower, the more it says."""
    if one.name in INFORMATIVE:
        return 1
    if isinstance(one, UserRef):
        return 0 if one.name == "userid" else 7
    if isinstance(one, Moment):
        return 3 if re.search(r"(created|modified|due|start|finish|added)", one.name) else 5
    if isinstance(one, Text | RichText):
        return 1 if isinstance(one, RichText) else 4
    return 2 if isinstance(one, LongText) else 6


def record_table(page: PageContext, model: type[ArchivedModel], rows: list[Any]) -> Table:
    """Return the records as a table of the columns that say most."""
    columns = excerpt(model, rows)
    return Table(
        columns=tuple(words.label(one.name) for one in columns),
        rows=tuple(tuple(_cell(page, row, one) for one in columns) for row in rows),
        numeric=frozenset(n for n, one in enumerate(columns) if isinstance(one, Number | Real)),
    )


def _cell(page: PageContext, row: Any, one: Any) -> Value:
    """Return a value for a table; a file's name links to the file, a secret is withheld."""
    if _hidden(row, one):
        return Value(words.label(one.name), WITHHELD)
    if isinstance(row, File) and one.name == "filename":
        return Value(words.label(one.name), (row,), "files")
    return value_of(page, row, one)


def record_entries(
    page: PageContext, model: type[ArchivedModel], rows: Iterable[Any], *, titled: bool = True
) -> Iterator[Entry]:
    """Yield an entry for each record with all its values; empty values are left out."""
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
    """Whether the value is a secret because of the row's `name`, such as the password of an external tool."""
    return one.name == "value" and is_secret("value", of=str(getattr(row, "name", "")))


def value_of(page: PageContext, row: Any, one: Any) -> Value:
    """Return a column's value for readers: ids become names, rich text is marked to be cleaned, moments are dates."""
    raw = getattr(row, one.attname)
    label = words.label(one.name)
    if said := codes.meaning(str(row._meta.model_name), one.name, raw):
        return Value(label, said)
    column = f"{row._meta.model_name}.{one.name}"
    if isinstance(one, Moment) or column in codes.MOMENTS:
        return Value(label, raw, "moment")
    if column in codes.MARKED:
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
    """Return a serialised list or record on one line."""
    if isinstance(value, dict):
        return ", ".join(f"{words.label(str(name))}: {_unpacked(inner)}" for name, inner in value.items())
    return "" if value is None else str(value)
