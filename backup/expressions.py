"""SQL expressions from which `backup/render.py` builds its queries: the XML of a record, concatenations, sums.

An expression is a text; `row` is the alias of a row in the SQL (`t2`). The only literals are tags and spaces of the format, and
names of areas: expressions hold no values of the database or of the request.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.db.models.expressions import RawSQL

from backup.anonymise import personal_sql
from courses import ownership
from courses.fields import NULL, ArchiveField, Echo, ItemRef, Rendering
from courses.models import User
from courses.structure import Element, Model

NUMBERS = "^[-0-9.,:; ]*$"
"""Texts that are numbers, such as the choice of an answer, and no words."""

CAST_COLUMN = re.compile(r'^(t\d+\."[^"]+")::text$')
"""A column that is cast to text, and nothing else. `concat` makes the same text of it without the cast, but for booleans and
char(n), which no field has."""

ARGUMENTS = 80
"""Arguments of one `concat`: PostgreSQL's functions take 100 at most."""


def literal(text: str) -> str:
    """Quote a text as an SQL literal for a query with parameters: `'` and `%` are doubled."""
    return "'" + text.replace("'", "''").replace("%", "%%") + "'"


def sum_of(number: str) -> str:
    """Return the sum of a number over a group of rows. Of `int`, since PostgreSQL sums `bigint` as slow `numeric`."""
    return f"coalesce(sum({number}::int), 0)"


def joined_ids(expressions: list[str]) -> str:
    """Return a text of the ids of all expressions, with commas between them; NULL if there are none."""
    if len(expressions) == 1:
        return f"{expressions[0]}::text"
    return f"nullif(concat_ws(',', {', '.join(expressions)}), '')"


def record_head(element: Element, row: str, parent: str, rendering: Rendering, depth: int) -> list[str]:
    """Return the pieces of a record's XML up to the elements that nest in it: its start tag and its leaves.

    `parent` is an expression of the id of the record around it, `depth` the indentation in steps of two spaces.
    """
    pieces = _start_tag(element, row, rendering, "  " * depth)
    leaves: tuple[ArchiveField | Echo, ...] = (*element.leaves, *element.echoes)
    for leaf in leaves:
        start, end = _leaf_start(leaf, row, "  " * (depth + 1)), literal(f"</{leaf.tag}>\n")
        value = _value(element, leaf, row, parent, rendering)
        if isinstance(leaf, ArchiveField) and leaf.optional:
            there = f"{column_of(leaf, row)} IS NOT NULL"
            pieces.append(f"(CASE WHEN {there} THEN {start} || {value} || {end} END)")
        else:
            pieces += [start, value, end]
    return pieces


def _start_tag(element: Element, row: str, rendering: Rendering, pad: str) -> list[str]:
    """Return the pieces of a record's start tag; the ids of anonymous users are pseudonyms."""
    hidden = element.model is User and rendering.anonymize
    pieces = [literal(f"{pad}<{element.tag}")]
    if element.model.archive_meta.numbered:
        number = rendering.pseudonym(f"{row}.id") if hidden else f"{row}.id"
        pieces += [literal(' id="'), number, literal('"')]
    for attribute in element.attributes:
        column = column_of(attribute, row)
        value = rendering.pseudonym(column) if hidden else attribute.sql(column, rendering)
        pieces += [literal(f' {attribute.tag}="'), value, literal('"')]
    return [*pieces, literal(">\n")]


def _leaf_start(leaf: ArchiveField | Echo, row: str, inner: str) -> str:
    """Return the start tag of a leaf."""
    marks = leaf.marks(column_of(leaf, row)) if isinstance(leaf, ArchiveField) else ""
    if not marks:
        return literal(f"{inner}<{leaf.tag}>")
    return f"concat({literal(f'{inner}<{leaf.tag}')}, {marks}, '>')"


def _value(element: Element, leaf: ArchiveField | Echo, row: str, parent: str, rendering: Rendering) -> str:
    """Return the XML text of a leaf's value; `parent` is an expression of the id of the record around it."""
    if isinstance(leaf, Echo):
        value = f"({leaf.expression.format(row=row)})::text" if leaf.expression else f"{parent}::text"
        return f"coalesce({value}, '{NULL}')" if leaf.null else value
    if leaf.personal and rendering.anonymize:
        return personal_sql(leaf, person=f"{row}.id", rendering=rendering)
    value = leaf.sql(column_of(leaf, row), rendering)
    if leaf.words and not rendering.texts and element.model.archive_meta.userdata:
        return f"(CASE WHEN {column_of(leaf, row)} ~ '{NUMBERS}' THEN {value} ELSE '' END)"
    return value


def column_of(field: ArchiveField, row: str) -> str:
    """Return the column of a field in a row, qualified and quoted: `t2."name"`."""
    return f'{row}."{field.column}"'


def concat(pieces: list[str]) -> str:
    """Return one text of all pieces; adjacent literals are joined.

    Columns of numbers go in as they are: `concat` makes their texts itself, and those of a cast were copied once more.
    """
    merged: list[str] = []
    for piece in map(_without_cast, pieces):
        if merged and _is_literal(merged[-1]) and _is_literal(piece):
            merged[-1] = merged[-1][:-1] + piece[1:]
        else:
            merged.append(piece)
    while len(merged) > ARGUMENTS:
        merged = [f"concat({', '.join(merged[i : i + ARGUMENTS])})" for i in range(0, len(merged), ARGUMENTS)]
    return f"concat({', '.join(merged)})"


def _without_cast(piece: str) -> str:
    """Return a column that is cast to text, and nothing else, without its cast."""
    return CAST_COLUMN.sub(r"\1", piece)


def _is_literal(piece: str) -> bool:
    """True if an expression is one literal and nothing else."""
    return piece[0] == "'" and "'" not in piece[1:-1].replace("''", "") and piece.endswith("'")


def opaque_xml(element: Element, row: str) -> str:
    """Return the stored opaque elements of a record, one below the other; NULL if it has none."""
    return (
        f"(SELECT string_agg(xml, E'\\n' ORDER BY id) FROM courses_opaqueelement"
        f" WHERE item_type = {literal(element.item_type)} AND record = {row}.id)"
    )


def comments_on_owned(model: Model, row: str) -> Iterator[str]:
    """Yield SQL conditions, one of which is true if a comment is on a record that belongs to a group; none for other models."""
    for column in model._meta.concrete_fields:
        if not isinstance(column, ItemRef) or column.declared_in != "comments":
            continue
        component_column, area_column = (f'{row}."{name}"' for name in column.by)
        number = RawSQL(f'{row}."{column.column}"', ())  # noqa: S611 - a column of our own
        for component, area, item, condition in ownership.owned_items(column.declared_in):
            # Only this record is looked for: all of a site that belong to groups may be many.
            one = item._base_manager.filter(condition, pk=number).values("pk")
            yield (
                f"{component_column} = {literal(component)} AND {area_column} = {literal(area)} AND EXISTS ({one.query})"
            )
