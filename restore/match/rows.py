"""What a course that exists has already: groups, scales and the like that an archive brings again are taken for the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from archive import xml
from courses import structure
from courses.fields import NULL, Kind
from courses.structure import Element, Wrapper
from restore.context import Restoration

Same = set[tuple[str, int]]


def find_same(restoration: Restoration, member: str, body: Iterable[Wrapper | Element]) -> Same:
    """The top records of a member that the target has, as kind and old id; their ids are given to the map.

    Two records are the same when the columns that their model names in `Traits.same` say the same.
    """
    found: Same = set()
    if restoration.target.course is None:
        return found
    for element in structure.elements_of(body):
        if element.model.traits.same:
            found |= _same(restoration, member, element)
    return found


def _same(restoration: Restoration, member: str, element: Element) -> Same:
    fields = [field for field in element.leaves if field.name in element.model.traits.same]  # type: ignore[attr-defined]
    columns = [field.column for field in fields]  # type: ignore[attr-defined]
    own = cast(Any, element.model._default_manager).filter(course=restoration.target.course)
    there = {tuple(row[1:]): row[0] for row in own.order_by("-pk").values_list("pk", *columns)}
    found: dict[int, int | None] = {}
    with restoration.archive.open(member) as stream:
        for record in xml.records(stream, member=member, tags=(element.tag,)):
            key = tuple(_value(field, record.findtext(field.tag)) for field in fields)
            number = record.get("id", "")
            if key in there and number.isdigit():
                found[int(number)] = there[key]
    restoration.ids.give(element.kind, found)
    return {(element.kind, old) for old in found}


def _value(field: Kind, text: str | None) -> str | None:
    return None if text == NULL and field.null else text or ""  # type: ignore[attr-defined]
