"""Rendering: PostgreSQL writes the XML of the records; the SQL that makes it is compiled from the elements.

A record is rendered up to the elements that nest in it. Each kind of record of a member is one query, whatever the number
of records, and all queries of a member run through the same order of ids, so that one pass weaves them together. Records
that are few in their parent are folded into it: they are rendered in the parent's row, and have no query.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count, dropwhile
from types import MappingProxyType

from backup.anonymise import personal_sql
from courses import structure
from courses.fields import NULL, ArchiveField, Echo, Ref, Rendering, ScaleOrMaximum
from courses.models import User
from courses.structure import Chain, Element, Wrapper

ARGUMENTS = 80
"""PostgreSQL's functions take 100 arguments."""

LISTED = frozenset(
    {"user", "group", "grouping", "role", "scale", "outcome", "grade_item", "enrol", "question_category"}
)
"""The kinds whose references the rows tell, for `inforef.xml` and to know who and what must come along."""


OWNER, PARENT = '"^owner"', '"^parent"'
"""What a row tells besides its columns: the id of the owner, and that of the record in which it stands."""

Body = tuple[Wrapper | Element, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """The query of one kind of record, and of all that is folded into it.

    Its rows are: the parent's id, the record's id, the XML up to what nests in it, what was kept besides (or NULL), an id for
    each of `references`, a text of ids with commas between them for each of `lists`, and, when something is `inline` into the
    record, the number of records. `body` is what nests in the record and has queries of its own; `close` ends the record.
    """

    element: Element
    sql: str
    body: Body
    references: tuple[str, ...]
    lists: tuple[str, ...]
    inline: bool
    close: str


def literal(text: str) -> str:
    """An SQL literal in a query with parameters."""
    return "'" + text.replace("'", "''").replace("%", "%%") + "'"


def queries(
    body: Iterable[Wrapper | Element],
    *,
    owner: Element | None,
    rendering: Rendering,
    opaque: frozenset[str],
    depth: int = 1,
    listed: bool = False,
    only: Mapping[str, str] = MappingProxyType({}),
    skipped: frozenset[str] = frozenset(),
) -> Iterator[Query]:
    """The queries of a member's body and of all that nests in it.

    `owner` is the element whose ids `%(all)s` and, for people's work, `%(people)s` list; without one the records of the body
    are listed themselves, each a parent of its own, or all of one parent 0 when they are `listed` in one member. `opaque` are
    the kinds of which something undescribed was kept; `depth` is the indentation of the body; `only` are further SQL
    conditions by the tag of the body's elements, `skipped` the options that are off.
    """
    renderer = _Renderer(rendering, opaque, skipped)
    for node, indent in _elements(body, depth):
        chain = (owner, node) if owner else (node,)
        parent = "t0.id" if owner or not listed else "0"
        yield from renderer.below(chain, parent, indent, only.get(node.tag, ""))


def _elements(body: Iterable[Wrapper | Element], depth: int) -> Iterator[tuple[Element, int]]:
    """The elements of a body, out of their wrappers, each with its indentation."""
    for node in body:
        if isinstance(node, Wrapper):
            yield from _elements(node.body, depth + 1)
        else:
            yield node, depth


@dataclass(slots=True)
class _Inline:
    """What is folded into a record: its XML, the joins that make it, the ids it tells by kind, and numbers of records."""

    xml: list[str] = field(default_factory=list)
    joins: list[str] = field(default_factory=list)
    told: dict[str, list[str]] = field(default_factory=dict)
    records: list[str] = field(default_factory=list)

    def tell(self, item_type: str, expression: str) -> None:
        """Notes an expression of ids."""
        self.told.setdefault(item_type, []).append(expression)


@dataclass(frozen=True, slots=True)
class _Renderer:
    """Compiles queries for one way of rendering."""

    rendering: Rendering
    opaque: frozenset[str]
    skipped: frozenset[str]
    numbers: Iterator[int] = field(default_factory=count)

    def below(self, chain: Chain, parent: str, depth: int, only: str) -> Iterator[Query]:
        """The queries of the last element of a chain and of all that nests in it and is not folded into it."""
        rest = tuple(dropwhile(self._is_inline, chain[-1].body))
        yield self._query(chain, parent, depth, only, rest)
        for node, indent in _elements(rest, depth + 1):
            yield from self.below((*chain, node), f"t{len(chain) - 1}.id", indent, only)

    def _is_inline(self, node: Wrapper | Element) -> bool:
        """Whether all records of a node are so few in their parent that they are rendered in its row.

        What was kept needs new ids from Python, and so a row of its own.
        """
        if isinstance(node, Wrapper):
            return all(map(self._is_inline, node.body))
        return (
            node.model.archive_meta.inline
            and node.item_type not in self.opaque
            and all(map(self._is_inline, node.body))
        )

    def _query(self, chain: Chain, parent: str, depth: int, only: str, rest: Body) -> Query:
        element, row = chain[-1], f"t{len(chain) - 1}"
        # What is kept of a person no declaration calls harmless: it goes with the name.
        opaque = element.item_type in self.opaque and not (
            self.rendering.anonymize and any(map(bares_people, chain))
        )
        inline = self._inline(
            element.body[: len(element.body) - len(rest)], len(chain), f"{row}.{OWNER}", depth + 1
        )
        close = f"{'  ' * depth}</{element.tag}>\n"
        pieces = [*_head(element, row, f"{row}.{PARENT}", self.rendering, depth), *inline.xml]
        if not rest and not opaque:
            pieces.append(literal(close))
            close = ""
        own = [one for one in (*element.attributes, *element.leaves) if _listed(one)]
        columns = [
            f"{row}.{PARENT}",
            f"{row}.id",
            _concat(pieces),
            _opaque(element, row) if opaque else "NULL",
        ]
        columns += [one.reference_sql(_column(one, row)) for one in own]
        columns += [_joined(expressions) for expressions in inline.told.values()]
        if inline.records:
            columns.append(f"1 + {' + '.join(inline.records)}")
        return Query(
            element,
            f"SELECT {', '.join(columns)} FROM ({self._rows(chain, parent, only)}) {row} {' '.join(inline.joins)}",
            rest,
            references=tuple(one.refers or "" for one in own),
            lists=tuple(inline.told),
            inline=bool(inline.records),
            close=close,
        )

    def _rows(self, chain: Chain, parent: str, only: str) -> str:
        """The rows of the last element, in the order of the member.

        They are those of all owners, and people's work of those whose people come.
        They are put in order before they are rendered (OFFSET 0 keeps it so), as rows are shorter than their XML.
        """
        row = f"t{len(chain) - 1}"
        conditions = ["t0.id = ANY(%(all)s)"]
        for index, element in enumerate(chain):
            conditions += self._conditions(element, f"t{index}", f"t{index - 1}", "t0.id")
        if only:
            conditions.append(f"({only})")
        order = ", ".join(f"t{index}.id" for index in range(len(chain)))
        return (
            f"SELECT {row}.*, t0.id AS {OWNER}, {parent} AS {PARENT} FROM {structure.source(chain)}"
            f" WHERE {' AND '.join(conditions)} ORDER BY {order} OFFSET 0"
        )

    def _conditions(self, element: Element, row: str, parent: str, owner: str) -> Iterator[str]:
        archive_meta = element.model.archive_meta
        if element.where:
            yield element.where.format(row=row, parent=parent)
        if archive_meta.option in self.skipped or (archive_meta.personal and self.rendering.anonymize):
            yield "false"
        if archive_meta.userdata:
            alone = f' OR coalesce({row}."{archive_meta.person}", 0) = 0' if archive_meta.person else ""
            yield f"({owner} = ANY(%(people)s){alone})"

    def _inline(self, body: Body, level: int, owner: str, depth: int) -> _Inline:
        """What stands in a body, for the row `t{level - 1}`: elements are `t{level}`, wrappers surround them."""
        found = _Inline()
        pad = "  " * depth
        for node in body:
            if isinstance(node, Element):
                self._gather(node, level, owner, depth, found)
                continue
            inner = self._inline(node.body, level, owner, depth + 1)
            texts = [literal(f"{pad}<{node.tag}>\n"), *inner.xml, literal(f"{pad}</{node.tag}>\n")]
            if node.sparse:
                texts = [f"CASE WHEN {' + '.join(inner.records)} > 0 THEN {_concat(texts)} END"]
            found.xml += texts
            found.joins += inner.joins
            found.records += inner.records
            for item_type, expressions in inner.told.items():
                found.told.setdefault(item_type, []).extend(expressions)
        return found

    def _gather(self, element: Element, level: int, owner: str, depth: int, into: _Inline) -> None:
        """Joins the records of an element in one row above: the index leads to them, so nothing is sorted or read twice."""
        row, above, name = f"t{level}", f"t{level - 1}", f"f{next(self.numbers)}"
        inner = self._inline(element.body, level + 1, owner, depth + 1)
        for own in (*element.attributes, *element.leaves):
            if _listed(own):
                inner.tell(own.refers or "", own.reference_sql(_column(own, row)))
        head = _head(element, row, f"{above}.id", self.rendering, depth)
        text = _concat([*head, *inner.xml, literal(f"{'  ' * depth}</{element.tag}>\n")])
        columns = [f"string_agg({text}, '' ORDER BY {row}.id) AS xml"]
        columns.append(f"{' + '.join(('count(*)', *map(_summed, inner.records)))} AS records")
        columns += [
            f"string_agg({_joined(told)}, ',') AS \"{item_type}\"" for item_type, told in inner.told.items()
        ]
        joined = f'{row}."{element.column}" = {above}."{element.parent_column}"'
        conditions = " AND ".join([joined, *self._conditions(element, row, above, owner)])
        source = f'"{element.table}" {row} {" ".join(inner.joins)}'
        into.joins.append(
            f"CROSS JOIN LATERAL (SELECT {', '.join(columns)} FROM {source} WHERE {conditions}) {name}"
        )
        into.xml.append(f"{name}.xml")
        into.records.append(f"{name}.records")
        for item_type in inner.told:
            into.tell(item_type, f'{name}."{item_type}"')


def _summed(number: str) -> str:
    """The sum of numbers of records; of short integers, since PostgreSQL adds long ones as decimals."""
    return f"coalesce(sum({number}::int), 0)"


def _joined(expressions: list[str]) -> str:
    """A text of all ids that some expressions tell, with commas between them; NULL when they tell none."""
    if len(expressions) == 1:
        return f"{expressions[0]}::text"
    return f"nullif(concat_ws(',', {', '.join(expressions)}), '')"


def bares_people(element: Element) -> bool:
    """Whether a kind of record says something of people that no pseudonym hides."""
    return element.model is User or element.model.archive_meta.personal


def _listed(field: ArchiveField) -> bool:
    return isinstance(field, Ref | ScaleOrMaximum) and field.refers in LISTED


def _head(element: Element, row: str, parent: str, rendering: Rendering, depth: int) -> list[str]:
    """Expressions of the record's XML, up to what nests in it."""
    pad, inner = "  " * depth, "  " * (depth + 1)
    person = f"{row}.id"
    pieces = [literal(f"{pad}<{element.tag}")]
    if element.model.archive_meta.numbered:
        number = rendering.pseudonym(person) if element.model is User and rendering.anonymize else person
        pieces += [literal(' id="'), number, literal('"')]
    for attribute in element.attributes:
        value = attribute.sql(_column(attribute, row), rendering)
        if element.model is User and rendering.anonymize:
            value = rendering.pseudonym(_column(attribute, row))
        pieces += [literal(f' {attribute.tag}="'), value, literal('"')]
    pieces.append(literal(">\n"))
    leaves: tuple[ArchiveField | Echo, ...] = (*element.leaves, *element.echoes)
    for leaf in leaves:
        start, end = _start(leaf, row, inner), literal(f"</{leaf.tag}>\n")
        value = _value(leaf, row, parent, rendering)
        if isinstance(leaf, ArchiveField) and leaf.optional:
            pieces.append(
                f"(CASE WHEN {_column(leaf, row)} IS NOT NULL THEN {start} || {value} || {end} END)"
            )
        else:
            pieces += [start, value, end]
    return pieces


def _start(leaf: ArchiveField | Echo, row: str, inner: str) -> str:
    """The start tag of a value's element."""
    marks = leaf.marks(_column(leaf, row)) if isinstance(leaf, ArchiveField) else ""
    if not marks:
        return literal(f"{inner}<{leaf.tag}>")
    return f"concat({literal(f'{inner}<{leaf.tag}')}, {marks}, '>')"


def _value(leaf: ArchiveField | Echo, row: str, parent: str, rendering: Rendering) -> str:
    if isinstance(leaf, Echo):
        value = f"({leaf.expression.format(row=row)})::text" if leaf.expression else f"{parent}::text"
        return f"coalesce({value}, '{NULL}')" if leaf.null else value
    if leaf.personal and rendering.anonymize:
        return personal_sql(leaf, person=f"{row}.id", rendering=rendering)
    return leaf.sql(_column(leaf, row), rendering)


def _column(field: ArchiveField, row: str) -> str:
    return f'{row}."{field.column}"'


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


def _opaque(element: Element, row: str) -> str:
    return (
        f"(SELECT string_agg(xml, E'\\n' ORDER BY id) FROM courses_opaqueelement"
        f" WHERE item_type = {literal(element.item_type)} AND record = {row}.id)"
    )
