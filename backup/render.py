"""Rendering: PostgreSQL writes the XML of the records; the SQL that makes it is compiled from the elements.

A record is rendered up to the elements that nest in it. Each kind of record of a member is one query, whatever the number
of records, and all queries of a member run through the same order of ids, so that one pass weaves them together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from backup.anonymise import personal_sql
from courses import structure
from courses.fields import NULL, Echo, Kind, Ref, Rendering, ScaleOrMaximum
from courses.models import User
from courses.structure import Chain, Element, Wrapper

ARGUMENTS = 80
"""PostgreSQL's functions take 100 arguments."""

LISTED = frozenset({"user", "group", "grouping", "role", "scale", "outcome", "grade_item", "enrol", "question_category"})
"""The kinds whose references the rows tell, for `inforef.xml` and to know who and what must come along."""


@dataclass(frozen=True, slots=True)
class Query:
    """The query of one kind of record. Its rows are: the parent's id, the record's id, the XML up to what nests in it, what was
    kept besides (or NULL), and the values of `references`, fields by kind."""

    element: Element
    sql: str
    references: tuple[str, ...]
    close: str


def literal(text: str) -> str:
    """An SQL literal in a query with parameters."""
    return "'" + text.replace("'", "''").replace("%", "%%") + "'"


def queries(
    body: Iterable[Wrapper | Element],
    *,
    owner: Element | None,
    rendering: Rendering,
    kept: frozenset[str],
    depth: int = 1,
    listed: bool = False,
    only: Mapping[str, str] = MappingProxyType({}),
    skipped: frozenset[str] = frozenset(),
) -> Iterator[Query]:
    """The queries of a member's body and of all that nests in it.

    `owner` is the element whose ids `%(all)s` and, for people's work, `%(people)s` list; without one the records of the body
    are listed themselves, each a parent of its own, or all of one parent 0 when they are `listed` in one member. `kept` are
    the kinds of which something undescribed was kept; `depth` is the indentation of the body; `only` are further SQL
    conditions by the tag of the body's elements, `skipped` the options that are off.
    """
    for node in body:
        if isinstance(node, Wrapper):
            yield from queries(
                node.body,
                owner=owner,
                rendering=rendering,
                kept=kept,
                depth=depth + 1,
                listed=listed,
                only=only,
                skipped=skipped,
            )
            continue
        for chain in structure.chains(node):
            indent = depth + sum(len(element.path) for element in chain[1:])
            whole = (owner, *chain) if owner else chain
            parent = f"t{len(whole) - 2}.id" if len(whole) > 1 else "0" if listed else "t0.id"
            condition = _condition(whole, rendering, skipped)
            if node.tag in only:
                condition += f" AND ({only[node.tag]})"
            yield _query(whole, parent, condition, rendering=rendering, kept=kept, depth=indent)


def _query(
    chain: Chain, parent: str, condition: str, *, rendering: Rendering, kept: frozenset[str], depth: int
) -> Query:
    element, row = chain[-1], f"t{len(chain) - 1}"
    references = [f for f in (*element.attributes, *element.leaves) if _listed(f)]
    # What is kept of a person no declaration calls harmless: it goes with the name.
    told = frozenset() if element.model is User and rendering.anonymize else kept
    columns = [parent, f"{row}.id", _head(element, row, parent, rendering, depth), _kept(element, row, told)]
    columns += [field.reference_sql(_column(field, row)) for field in references]
    order = ", ".join(f"t{index}.id" for index in range(len(chain)))
    sql = (
        f"SELECT {', '.join(columns)} FROM {structure.source(chain)}"
        f" WHERE {condition} ORDER BY {order}"
    )
    return Query(element, sql, tuple(f.refers or "" for f in references), f"{'  ' * depth}</{element.tag}>\n")


def _listed(field: Kind) -> bool:
    return isinstance(field, Ref | ScaleOrMaximum) and field.refers in LISTED


def _condition(chain: Chain, rendering: Rendering, skipped: frozenset[str]) -> str:
    """The rows that come: all of the owners', and people's work of those whose people come."""
    conditions = []
    for index, element in enumerate(chain):
        row, traits = f"t{index}", element.model.traits
        if element.where:
            conditions.append(element.where.format(row=row, parent=f"t{index - 1}"))
        if traits.option in skipped or (traits.personal and rendering.anonymize):
            return "false"
        if traits.userdata:
            alone = f' OR coalesce({row}."{traits.person}", 0) = 0' if traits.person else ""
            conditions.append(f"(t0.id = ANY(%(people)s){alone})")
    return " AND ".join(["t0.id = ANY(%(all)s)", *conditions])


def _head(element: Element, row: str, parent: str, rendering: Rendering, depth: int) -> str:
    """An expression of the record's XML, up to what nests in it."""
    pad, inner = "  " * depth, "  " * (depth + 1)
    person = f"{row}.id"
    pieces = [literal(f"{pad}<{element.tag}")]
    if element.model.traits.numbered:
        number = rendering.pseudonym(person) if element.model is User and rendering.anonymize else person
        pieces += [literal(' id="'), number, literal('"')]
    for field in element.attributes:
        value = field.sql(_column(field, row), rendering)
        if element.model is User and rendering.anonymize:
            value = rendering.pseudonym(_column(field, row))
        pieces += [literal(f' {field.tag}="'), value, literal('"')]
    pieces.append(literal(">\n"))
    leaves: tuple[Kind | Echo, ...] = (*element.leaves, *element.echoes)
    for leaf in leaves:
        start, end = _start(leaf, row, inner), literal(f"</{leaf.tag}>\n")
        value = _value(leaf, row, parent, rendering)
        if isinstance(leaf, Kind) and leaf.optional:
            pieces.append(f"(CASE WHEN {_column(leaf, row)} IS NOT NULL THEN {start} || {value} || {end} END)")
        else:
            pieces += [start, value, end]
    return _concat(pieces)


def _start(leaf: Kind | Echo, row: str, inner: str) -> str:
    """The start tag of a value's element."""
    marks = leaf.marks(_column(leaf, row)) if isinstance(leaf, Kind) else ""
    if not marks:
        return literal(f"{inner}<{leaf.tag}>")
    return f"concat({literal(f'{inner}<{leaf.tag}')}, {marks}, '>')"


def _value(leaf: Kind | Echo, row: str, parent: str, rendering: Rendering) -> str:
    if isinstance(leaf, Echo):
        value = f"({leaf.expression.format(row=row)})::text" if leaf.expression else f"{parent}::text"
        return f"coalesce({value}, '{NULL}')" if leaf.null else value
    if leaf.personal and rendering.anonymize:
        return personal_sql(leaf, person=f"{row}.id", rendering=rendering)
    return leaf.sql(_column(leaf, row), rendering)


def _column(field: Kind, row: str) -> str:
    return f'{row}."{field.column}"'  # type: ignore[attr-defined]


def _concat(pieces: list[str]) -> str:
    """One text of all pieces; literals that follow one another become one."""
    merged: list[str] = []
    for piece in pieces:
        if merged and _is_literal(merged[-1]) and _is_literal(piece):
            merged[-1] = merged[-1][:-1] + piece[1:]
        else:
            merged.append(piece)
    while len(merged) > ARGUMENTS:
        merged = [f"concat({', '.join(merged[i : i + ARGUMENTS])})" for i in range(0, len(merged), ARGUMENTS)]
    return f"concat({', '.join(merged)})"


def _is_literal(piece: str) -> bool:
    return piece[0] == "'" and "'" not in piece[1:-1].replace("''", "") and piece.endswith("'")


def _kept(element: Element, row: str, kept: frozenset[str]) -> str:
    if element.kind not in kept:
        return "NULL"
    return (
        f"(SELECT string_agg(xml, E'\\n' ORDER BY id) FROM courses_keptelement"
        f" WHERE kind = {literal(element.kind)} AND record = {row}.id)"
    )
