"""Find records of an archive that an existing course already has, such as groups and scales, by their natural keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from archive import xml
from archive.numbers import whole_or
from courses import structure
from courses.fields import NULL, ArchiveField
from courses.structure import Element, Wrapper
from restore.context import RestoreContext

Same = set[tuple[str, int]]


def find_same(context: RestoreContext, member: str, body: Iterable[Wrapper | Element]) -> Same:
    """Return the top records of a member that the target has, as (item type, old id), and give their ids to the id map.

    Two records are the same if the columns of the model's `ArchiveMeta.natural_key` are equal.
    """
    found: Same = set()
    if context.target.course is None:
        return found
    for element in structure.elements_of(body):
        if element.model.archive_meta.natural_key:
            found |= _same_of(context, member, element)
    return found


def _same_of(context: RestoreContext, member: str, element: Element) -> Same:
    """Return the records of one element that the target has."""
    fields = [field for field in element.leaves if field.name in element.model.archive_meta.natural_key]
    columns = [field.column for field in fields]
    own = cast(Any, element.model._default_manager).filter(course=context.target.course)
    there = {tuple(row[1:]): row[0] for row in own.order_by("-pk").values_list("pk", *columns)}
    found: dict[int, int | None] = {}
    with context.archive.open(member) as stream:
        for record in xml.records(stream, member=member, tags=(element.tag,)):
            key = tuple(_value(field, record.findtext(field.tag)) for field in fields)
            number = record.get("id", "")
            if key in there and xml.is_id(number):
                found[whole_or(number)] = there[key]
    context.ids.give(element.item_type, found)
    return {(element.item_type, old) for old in found}


def _value(field: ArchiveField, text: str | None) -> str | None:
    """Return the column's value of an XML text."""
    return None if text == NULL and field.null else text or ""
