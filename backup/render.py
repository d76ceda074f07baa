"""Compile the SQL by which PostgreSQL writes the XML of the records.

One query for each element of a member, whatever the number of records. A record is rendered up to the elements that nest in it;
all queries of a member have the same order of ids, so that `backup/weave.py` puts records into records in one pass. Models
that are `inline` have no query: their records are rendered inside their parent's row.

A course with one forum, with two discussions and their posts; and a quiz whose attempts have inline steps:

    element        query                                            a row of it
    forum          SELECT parent_id, id, concat('<forum id="', ...  (7, 7, '<forum id="7"> <name>News</name>', NULL)
      discussion   SELECT ... WHERE t0.id = ANY(%(all)s)            (7, 11, '<discussion id="11"> ...', NULL, 31)
        post       SELECT ... ORDER BY t0.id, t1.id, t2.id          (11, 21, '<post id="21"> ... </post>', NULL, 31)
    quiz           SELECT ...                                       (8, 8, '<quiz id="8"> ...', NULL)
      attempt      SELECT ..., f0.xml, ... CROSS JOIN LATERAL (     (8, 41, '<attempt id="41"> ... <steps> <step id="51"> ...
                     SELECT string_agg(..., '' ORDER BY t2.id)         </step> </steps> </attempt>', NULL, 31, '31,32', 3)
        step         ...) f0

The 31 is the user whom the record refers to (`Query.references`), '31,32' those whom its inline records refer to
(`Query.lists`), 3 the number of records in the row: the attempt and two steps.

In the SQL, `t0` is the row of the owner, `t1` the row in it, and so on down the chain of elements; `f0`, `f1`, ... are the
lateral subqueries of inline elements.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count, dropwhile
from types import MappingProxyType
from typing import Any, NamedTuple

from archive.references import OWNING
from backup.expressions import (
    column_of,
    comments_on_owned,
    concat,
    joined_ids,
    literal,
    opaque_xml,
    record_head,
    sum_of,
)
from courses import ownership, structure
from courses.fields import ArchiveField, Ref, Rendering, ScaleOrMaximum
from courses.models import User
from courses.structure import Chain, Element, Wrapper

LISTED = frozenset(
    {"user", "group", "grouping", "role", "scale", "outcome", "grade_item", "enrol", "question_category"}
)
"""Item types whose referenced ids are columns of the rows: `inforef.xml` lists them (in Moodle
`backup_nested_element::annotate_ids`), and the members of the whole archive export what is referenced."""

Body = tuple[Wrapper | Element, ...]


class Batch(NamedTuple):
    """Rows of one query as columns of equal length, so that they have names and are not made into objects one by one.

    `references` are pairs of an item type and the ids of that type, one for each row (0 or None: none). `lists` are pairs of
    an item type and texts of ids with commas between them, those of all inline records of each row (None: none). `counts` is
    the number of records in each row; None if it is one for every row. Texts are in UTF-8, as the server sends them: they are
    only put together.
    """

    parent_ids: Sequence[int] = ()
    record_ids: Sequence[int] = ()
    xml: Sequence[bytes] = ()
    """The record up to what nests in it; up to its end tag if `Query.close` is empty."""

    opaque: Sequence[bytes | None] = ()
    """The stored XML of the record's opaque elements; None if it has none."""

    references: Sequence[tuple[str, Sequence[int | None]]] = ()
    lists: Sequence[tuple[str, Sequence[bytes | None]]] = ()
    counts: Sequence[int] | None = None


XML_COLUMN = Batch._fields.index("xml")
"""The position of the XML in a row of a query: the column by whose length `cursors.stream` decides how many rows it fetches."""


ID, TEXT = "bigint", "text"
"""The SQL types of the columns of queries."""


@dataclass(frozen=True, slots=True)
class Query:
    """The query of one element, with all that is rendered inline in its rows.

    Its columns are, in order: the parent's id, the record's id, the XML, the opaque XML, one id for each item type of
    `references`, one text of ids for each item type of `lists`, and the number of records if anything is `inline`. Use
    `batch()` to read rows by name. `body` holds the nested elements that have queries of their own; `close` is the record's
    end tag, or empty if the row's XML already has it.
    """

    element: Element
    sql: str
    body: Body
    references: tuple[str, ...]
    lists: tuple[str, ...]
    inline: bool
    close: str

    @property
    def types(self) -> list[str]:
        """The SQL types of its columns."""
        ids = [ID] * len(self.references)
        return [ID, ID, TEXT, TEXT, *ids, *[TEXT] * len(self.lists), *[ID] * self.inline]

    def batch(self, rows: Sequence[tuple[Any, ...]]) -> Batch:
        """Return rows of this query as named columns."""
        return self.named([*zip(*rows, strict=True)])

    def named(self, columns: Sequence[Sequence[Any]]) -> Batch:
        """Return the columns of rows of this query with their names; no columns are no rows."""
        if not columns:
            return Batch()
        parent_ids, record_ids, xml, opaque, *others = columns
        own, inline = others[: len(self.references)], others[len(self.references) :]
        return Batch(
            parent_ids,
            record_ids,
            xml,
            opaque,
            references=tuple(zip(self.references, own, strict=True)),
            lists=tuple(zip(self.lists, inline, strict=False)),
            counts=inline[-1] if self.inline else None,
        )


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
    of_people: bool = False,
) -> Iterator[Query]:
    """Compile the queries of a member's body, parents first, for `Weaver`.

    `owner` is the element in whose records the body stands. The queries take the parameters `%(all)s`, the ids of the owners,
    `%(people)s`, the ids of those of them whose userdata is exported, and `%(skip)s`, how many of the first rows are left out.
    Without an owner the records of the body are their own owners, and `all` lists them: each is its own parent, or all have the
    parent 0 if they are `listed` in one member.

    `opaque` are the item types with stored opaque elements; `depth` is the indentation of the body in steps of two spaces;
    `only` are further SQL conditions by the tag of the body's elements; `skipped` are the options that are off. With
    `of_people`, records of people are those of `%(needed_people)s`.
    """
    renderer = _Renderer(rendering, opaque, skipped, of_people)
    for node, indent in _elements(body, depth):
        chain = (owner, node) if owner else (node,)
        yield from renderer.below(chain, indent, only.get(node.tag, ""), listed=listed)


def _elements(body: Iterable[Wrapper | Element], depth: int) -> Iterator[tuple[Element, int]]:
    """Yield the elements of a body and of its wrappers, each with its depth."""
    for node in body:
        if isinstance(node, Wrapper):
            yield from _elements(node.body, depth + 1)
        else:
            yield node, depth


@dataclass(frozen=True, slots=True)
class _Inline:
    """SQL of what is rendered inside a row: expressions of its XML, in order, and the lateral joins that they need.

    `references` are expressions of the ids that it refers to, by item type; `counts` are expressions of its numbers of
    records.
    """

    xml: list[str] = field(default_factory=list)
    joins: list[str] = field(default_factory=list)
    references: dict[str, list[str]] = field(default_factory=dict)
    counts: list[str] = field(default_factory=list)

    def refer(self, item_type: str, *expressions: str) -> None:
        """Add expressions of ids."""
        self.references.setdefault(item_type, []).extend(expressions)

    def add(self, other: _Inline) -> None:
        """Add all SQL of another one after this one's."""
        self.xml.extend(other.xml)
        self.joins.extend(other.joins)
        self.counts.extend(other.counts)
        for item_type, expressions in other.references.items():
            self.refer(item_type, *expressions)


@dataclass(frozen=True, slots=True)
class _Renderer:
    """Compile queries for one rendering, one set of opaque item types and one set of options that are off."""

    rendering: Rendering
    opaque: frozenset[str]
    skipped: frozenset[str]
    of_people: bool = False
    numbers: Iterator[int] = field(default_factory=count)

    def below(self, chain: Chain, depth: int, only: str, *, listed: bool = False) -> Iterator[Query]:
        """Yield the queries of the last element of a chain and of all that nests in it and is not inline.

        The records of the last element have the parent 0 if they are `listed`.

        XML is written in order, so only the first nodes of a body can be inline: up to the first that is not. Opaque leaves
        stand before all of them, and Python writes those: then none is inline.
        """
        body = chain[-1].body
        rest = body if self._exports_opaque(chain) else tuple(dropwhile(self._is_inline, body))
        yield self._query(chain, depth, only, rest, listed=listed and len(chain) == 1)
        for node, indent in _elements(rest, depth + 1):
            yield from self.below((*chain, node), indent, only)

    def _is_inline(self, node: Wrapper | Element) -> bool:
        """True if a node, with all that nests in it, is rendered in its parent's row.

        Opaque elements are rewritten by Python, so records that have some need rows of their own.
        """
        if isinstance(node, Wrapper):
            return all(map(self._is_inline, node.body))
        return (
            node.model.archive_meta.inline
            and node.item_type not in self.opaque
            and all(map(self._is_inline, node.body))
        )

    def _query(self, chain: Chain, depth: int, only: str, rest: Body, *, listed: bool) -> Query:
        """Return the query of the last element of a chain; `rest` are the nested elements that have queries of their own."""
        element, row = chain[-1], f"t{len(chain) - 1}"
        parent = "0" if listed else f"{row}.{_ancestor(max(0, len(chain) - 2))}"
        opaque = self._exports_opaque(chain)
        first = element.body[: len(element.body) - len(rest)]
        inline = self._inline(first, len(chain), f"{row}.{_ancestor(0)}", depth + 1)
        close = f"{'  ' * depth}</{element.tag}>\n"
        pieces = [*record_head(element, row, parent, self.rendering, depth), *inline.xml]
        if not rest and not opaque:
            pieces.append(literal(close))
            close = ""
        own = _listed(element)
        columns = [
            parent,
            f"{row}.id",
            concat(pieces),
            opaque_xml(element, row) if opaque else "NULL",
            *(reference.reference_sql(column_of(reference, row)) for reference in own),
            *map(joined_ids, inline.references.values()),
        ]
        if inline.counts:
            columns.append(f"1 + {' + '.join(inline.counts)}")
        rows = f"{self._rows(chain, only)} OFFSET %(skip)s"
        return Query(
            element,
            f"SELECT {', '.join(columns)} FROM ({rows}) {row} {' '.join(inline.joins)}",
            rest,
            references=tuple(reference.refers or "" for reference in own),
            lists=tuple(inline.references),
            inline=bool(inline.counts),
            close=close,
        )

    def _exports_opaque(self, chain: Chain) -> bool:
        """True if opaque elements of the last element of a chain are exported.

        Nobody knows what an opaque element says, so an anonymised archive has none of people's records.
        """
        hidden = self.rendering.anonymize and any(map(bares_people, chain))
        return chain[-1].item_type in self.opaque and not hidden

    def _rows(self, chain: Chain, only: str) -> str:
        """Return the subquery of the rows of a chain's last element, in the order of the member, with `_ancestor` columns.

        It holds the rows of all owners, but userdata only of the owners in `%(people)s`. The rows are sorted before they are
        rendered, as they are shorter than their XML: the planner does so if an OFFSET follows, be it 0.
        """
        if len(chain) > 2 and chain[-1].model.archive_meta.userdata:
            return self._rows_of_people(chain, only)
        conditions = ["t0.id = ANY(%(all)s)"]
        for index, element in enumerate(chain):
            conditions += self._conditions(element, f"t{index}", f"t{index - 1}", "t0.id")
        if only:
            conditions.append(f"({only})")
        row, ids = f"t{len(chain) - 1}", [f"t{index}.id" for index in range(len(chain))]
        named = ", ".join(f"{number} AS {_ancestor(index)}" for index, number in enumerate(ids[:-1] or ids))
        return (
            f"SELECT {row}.*, {named} FROM {structure.source(chain)}"
            f" WHERE {' AND '.join(conditions)} ORDER BY {', '.join(ids)}"
        )

    def _rows_of_people(self, chain: Chain, only: str) -> str:
        """Return the subquery of userdata that stands two or more levels below its owner.

        There may be hundreds of thousands of such rows. The rows around them come sorted, and for each of those LATERAL finds
        the ones inside, by the index of their foreign key: so a few are sorted at a time, and the first is there at once. What
        people did not make is less, but of many kinds, as the parts of questions are: for these the server plans the joins.
        """
        element, inner, outer = chain[-1], f"t{len(chain) - 1}", f"t{len(chain) - 2}"
        ids = [*(f"{outer}.{_ancestor(index)}" for index in range(len(chain) - 2)), f"{outer}.id"]
        conditions = [
            f'{inner}."{element.column}" = {outer}."{element.parent_column}"',
            *self._conditions(element, inner, outer, ids[0]),
        ]
        inside = f'SELECT * FROM "{element.table}" {inner} WHERE {" AND ".join(conditions)} OFFSET 0'
        named = ", ".join(f"{number} AS {_ancestor(index)}" for index, number in enumerate(ids))
        return (
            f"SELECT {inner}.*, {named} FROM ({self._rows(chain[:-1], only)} OFFSET 0) {outer}"
            f" CROSS JOIN LATERAL ({inside}) {inner} ORDER BY {', '.join([*ids, f'{inner}.id'])}"
        )

    def _conditions(self, element: Element, row: str, parent: str, owner: str) -> Iterator[str]:
        """Yield the SQL conditions that decide whether rows of an element are exported."""
        archive_meta = element.model.archive_meta
        if element.where:
            yield element.where.format(row=row, parent=parent)
        if archive_meta.option in self.skipped or (archive_meta.personal and self.rendering.anonymize):
            yield "false"
        for group in ownership.owner_fields(element.model):
            if ownership.option_of(group.refers or "") in self.skipped:
                yield f"coalesce({column_of(group, row)}, 0) <= 0"
        if any(ownership.option_of(item_type) in self.skipped for item_type in OWNING):
            for about_owned in comments_on_owned(element.model, row):
                yield f"({about_owned}) IS NOT TRUE"
        if archive_meta.userdata:
            alone = f' OR coalesce({row}."{archive_meta.person}", 0) = 0' if archive_meta.person else ""
            yield f"({owner} = ANY(%(people)s){alone})"
        if archive_meta.userdata and self.of_people and (person := ownership.person_column(element.model)):
            yield f'({row}."{person}" = ANY(%(needed_people)s) OR coalesce({row}."{person}", 0) = 0)'
        if archive_meta.userdata_rows:
            yield f"({owner} = ANY(%(people)s) OR NOT coalesce({archive_meta.userdata_rows.format(row=row)}, false))"
        if archive_meta.personal_rows and self.rendering.anonymize:
            yield f"NOT coalesce({archive_meta.personal_rows.sql.format(row=row)}, false)"

    def _inline(self, body: Body, level: int, owner: str, depth: int) -> _Inline:
        """Return the SQL of a body inside the row `t{level - 1}`, whose nested rows are `t{level}`."""
        found = _Inline()
        for node in body:
            if isinstance(node, Wrapper):
                found.add(self._inline_wrapper(node, level, owner, depth))
            else:
                found.add(self._inline_element(node, level, owner, depth))
        return found

    def _inline_wrapper(self, wrapper: Wrapper, level: int, owner: str, depth: int) -> _Inline:
        """Return the SQL of a wrapper and its body; a sparse wrapper is written only if records are in it."""
        inner = self._inline(wrapper.body, level, owner, depth + 1)
        pad = "  " * depth
        xml = [literal(f"{pad}<{wrapper.tag}>\n"), *inner.xml, literal(f"{pad}</{wrapper.tag}>\n")]
        if wrapper.sparse:
            xml = [f"CASE WHEN {' + '.join(inner.counts)} > 0 THEN {concat(xml)} END"]
        return replace(inner, xml=xml)

    def _inline_element(self, element: Element, level: int, owner: str, depth: int) -> _Inline:
        """Return the SQL of the records of an element, joined to one text by a lateral subquery.

        The subquery finds the rows by the index of their parent, so nothing is sorted or read twice.
        """
        row, above, name = f"t{level}", f"t{level - 1}", f"f{next(self.numbers)}"
        inner = self._inline(element.body, level + 1, owner, depth + 1)
        for reference in _listed(element):
            inner.refer(reference.refers or "", reference.reference_sql(column_of(reference, row)))
        head = record_head(element, row, f"{above}.id", self.rendering, depth)
        text = concat([*head, *inner.xml, literal(f"{'  ' * depth}</{element.tag}>\n")])
        columns = [
            f"string_agg({text}, '' ORDER BY {row}.id) AS xml",
            f"{' + '.join(('count(*)', *map(sum_of, inner.counts)))} AS records",
            *(f"string_agg({joined_ids(ids)}, ',') AS \"{key}\"" for key, ids in inner.references.items()),
        ]
        condition = f'{row}."{element.column}" = {above}."{element.parent_column}"'
        conditions = " AND ".join([condition, *self._conditions(element, row, above, owner)])
        source = f'"{element.table}" {row} {" ".join(inner.joins)}'
        select = f"SELECT {', '.join(columns)} FROM {source} WHERE {conditions}"
        return _Inline(
            xml=[f"{name}.xml"],
            joins=[f"CROSS JOIN LATERAL ({select}) {name}"],
            references={item_type: [f'{name}."{item_type}"'] for item_type in inner.references},
            counts=[f"{name}.records"],
        )


def _ancestor(index: int) -> str:
    """Return the column, in the subquery of the rows, of the id of a record around a row: the owner is 0, and so on down."""
    return f'"^{index}"'


def bares_people(element: Element) -> bool:
    """True if records of an element say something about people that no pseudonym hides."""
    return element.model is User or element.model.archive_meta.personal


def _listed(element: Element) -> list[ArchiveField]:
    """Return the fields of an element whose referenced ids are columns of its rows."""
    return [
        own
        for own in (*element.attributes, *element.leaves)
        if isinstance(own, Ref | ScaleOrMaximum) and own.refers in LISTED
    ]
