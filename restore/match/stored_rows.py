"""Read the records that the target has, as rows that can be compared with those of an archive: a query for each table."""

from __future__ import annotations

from collections.abc import Generator, Iterator

from django.db import connection

from archive import xml
from archive.numbers import whole_or
from courses.models import Course, OpaqueElement
from courses.structure import Chain, Element, chains, source
from restore.match.archived_rows import without_its_ids
from restore.match.candidates import Pauses
from restore.match.compared import Row, resolved_here
from restore.match.values import ComparedColumns, copied

BATCH = 2000

Opaque = dict[tuple[str, int], list[str]]
"""What the opaque elements of records say, by item type and id."""


def stored_rows(
    course: Course, top: Element, columns: dict[Element, ComparedColumns], pauses: Pauses
) -> Generator[int, None, list[Row]]:
    """Return the rows of a course for a top element, in the order of their ids, with those inside them.

    Yields 0 when `pauses` says so.
    """
    opaque = yield from _opaque_elements(course, columns, pauses)
    by_id: dict[str, dict[int, Row]] = {}
    tops: list[Row] = []
    for chain in chains(top):
        element = chain[-1]
        if element.table in by_id:
            continue  # the same rows, at another path
        there = by_id[element.table] = {}
        for row, owner in _rows(course, chain, columns[element], opaque):
            there[whole_or(row.number)] = row
            if len(chain) == 1:
                tops.append(row)
            elif outer := by_id[chain[-2].table].get(owner):
                outer.inside.setdefault(element.table, []).append(row)
            if pauses.due():
                yield 0
    return tops


def _rows(
    course: Course, chain: Chain, columns: ComparedColumns, opaque: Opaque
) -> Iterator[tuple[Row, int]]:
    """Yield the rows at the end of a chain of elements, each with the id of the row around it."""
    fields = (*chain[-1].attributes, *chain[-1].leaves)
    tags, names = [field.tag for field in fields], [field.name for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(
            _query(chain), [course.contextid if chain[0].parent_column == "contextid" else course.pk]
        )
        while batch := cursor.fetchmany(BATCH):
            for number, outer, *found in batch:
                texts = [None if value is None else str(value) for value in found]
                row = Row(columns, 0, str(number))
                values = columns.values(
                    dict(zip(tags, texts, strict=True)),
                    {name: copied(text) for name, text in zip(names, texts, strict=True)},
                )
                row.say(values, sorted(opaque.get((chain[-1].item_type, number), ())), resolved_here)
                yield row, whole_or(outer)


def _query(chain: Chain) -> str:
    """Return the SQL query of the rows at the end of a chain; its parameter is what the top rows belong to."""
    element, depth = chain[-1], len(chain) - 1
    fields = (*element.attributes, *element.leaves)
    wanted = [f't{depth}."id"', f't{depth - 1}."id"' if depth else "0"]
    wanted += [f't{depth}."{field.column}"' for field in fields]
    conditions = [f't0."{chain[0].column}" = %s']
    if chain[0].where:
        conditions.append(chain[0].where.format(row="t0", parent="NULL"))
    return f"SELECT {', '.join(wanted)} FROM {source(chain)} WHERE {' AND '.join(conditions)} ORDER BY 1"


def _opaque_elements(
    course: Course, columns: dict[Element, ComparedColumns], pauses: Pauses
) -> Generator[int, None, Opaque]:
    """Return what the opaque elements of the compared records say, by item type and id of the record."""
    found: Opaque = {}
    roots = next(iter(columns.values())).roots
    item_types = {element.item_type for element in columns}
    rows = OpaqueElement.objects.filter(course=course, item_type__in=item_types)
    for item_type, record, text in rows.values_list("item_type", "record", "xml").iterator():
        element = xml.parse(text.encode(), member="an opaque element")
        said = without_its_ids(element, item_type, str(record), roots)
        found.setdefault((item_type, record), []).append(said)
        if pauses.due():
            yield 0
    return found
