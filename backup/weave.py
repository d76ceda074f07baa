"""Weave the rows of several queries into one XML member, in one pass and in constant memory.

`backup/render.py` compiles one query for each element of a member. Each of its rows is one record, already rendered as XML
up to the elements that nest in it. All queries of a member are ordered by the same ids: owner first, then each record around
the row, then the row's own. So each query is read once, from its first row to its last, while the others wait.

A forum (id 7) with two discussions (11 and 12) and three posts (21, 22 and 23). The rows (see `Batch` in `backup/render.py`):

    query of       parent_id   record_id   xml
    forum              7           7       <forum id="7"> <name>News</name>
    discussion         7          11       <discussion id="11"> <name>Hello</name>
                       7          12       <discussion id="12"> <name>Bye</name>
    post              11          21       <post id="21"> <subject>Hi</subject> </post>
                      11          22       <post id="22"> <subject>Re: Hi</subject> </post>
                      12          23       <post id="23"> <subject>So long</subject> </post>

What `Weaver.write(7, ...)` does with them, and the member that comes out:

    level               takes the rows                 writes
    records: forum      whose parent_id is 7           <forum id="7"> <name>News</name>
    wrapper             -                                <discussions>
    records: discussion whose parent_id is 7               <discussion id="11"> <name>Hello</name>
    wrapper             -                                    <posts>
    records: post       whose parent_id is 11                  <post id="21"> <subject>Hi</subject> </post>
                                                               <post id="22"> <subject>Re: Hi</subject> </post>
    wrapper             -                                    </posts>
    records: discussion `Query.close`                      </discussion>
    records: discussion the next one                       <discussion id="12"> <name>Bye</name>
    ...                 whose parent_id is 12                ... <post id="23"> ...
                                                         </discussions>
                                                       </forum>

A query never looks back: when its next row belongs to another parent, this parent has no more records. A row that nobody took
when the member is complete is a fault of the program, and an error.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import chain, groupby
from operator import itemgetter
from types import TracebackType
from typing import Any, NamedTuple, Self

from backup.first_rows import FirstRows
from backup.output import Output
from backup.render import Batch, Query
from backup.rows import Hide, Rows
from courses.structure import Element, Wrapper

TICK = 2000
"""Records after which `Weaver.write` yields, so that progress is written and a cancellation is noticed."""

NOTED = frozenset({"grade_item", "question_category"})
"""Item types whose written ids are recorded, because more are referenced than exported."""

References = defaultdict[str, set[int]]
"""The ids that records refer to, by item type; under `written_key(item_type)`, the ids of the records that were written."""


class OpaqueXml(NamedTuple):
    """The XML of a record's opaque elements, ready for an archive: its `leaves`, one below the other, and those with elements
    inside (`nested`).

    Leaves stand before the first nested element of their record: a leaf behind one is a new record with nothing else in it to
    Moodle, which publishes what it has read of a record as soon as a deeper element starts (`progressive_parser::start_tag`).
    """

    leaves: str = ""
    nested: str = ""


Rewrite = Callable[[str, References, bool], OpaqueXml]
"""Make the XML of opaque elements ready for an archive: takes the stored XML, the references to add to, and whether userdata
is exported."""


def written_key(item_type: str) -> str:
    """Return the key in `References` of the ids that were written of an item type."""
    return f"written {item_type}"


class Parents(NamedTuple):
    """Records that follow one another in a run: their ids in ascending order, and the same as a set."""

    ids: Sequence[int]
    among: frozenset[int]


class Texts(NamedTuple):
    """The texts inside parents, one for each in their order, and the ids of the parents that have records there."""

    texts: Sequence[bytes]
    having: Container[int]


class _WrapperLevel:
    """A wrapper of the body with the levels inside it. `flat` is True if no record inside has levels of its own.

    `sparse` says that the wrapper of a parent is written only if there is a record in it.
    """

    def __init__(self, tag: str, depth: int, inside: list[Level], *, sparse: bool) -> None:
        pad = "  " * depth
        self.start = f"{pad}<{tag}>\n".encode()
        self.end = f"{pad}</{tag}>\n".encode()
        self.inside = inside
        self.sparse = sparse
        self.flat: bool = all(level.flat for level in inside)

    def write(self, parent: int, weaver: Weaver) -> Iterator[int]:
        """Write the wrapper of one parent with all records in it; yield as `Weaver.write` does."""
        if self.sparse and not any(rows.has(parent) for rows in self.own_rows()):
            return
        weaver.output.extend((self.start,))
        for level in self.inside:
            yield from level.write(parent, weaver)
        weaver.output.extend((self.end,))

    def texts(self, parents: Parents, weaver: Weaver) -> Texts:
        """Return the wrapper of each parent, all of whose rows are here; only for `flat` levels."""
        start, end = self.start, self.end
        inner, having = _joined([level.texts(parents, weaver) for level in self.inside], parents)
        if not self.sparse:
            return Texts([start + text + end for text in inner], having)
        texts = zip(parents.ids, inner, strict=True)
        return Texts([start + text + end if one in having else b"" for one, text in texts], having)

    def own_rows(self) -> Iterator[Rows]:
        """Yield the rows of the records that stand in this wrapper, not of those in them."""
        for level in self.inside:
            yield from level.own_rows()


class _RecordLevel:
    """The records of one element with the levels inside each. `flat` is True if there are none."""

    def __init__(self, rows: Rows, depth: int, inside: list[Level]) -> None:
        element = rows.query.element
        self.rows = rows
        self.inside = inside
        self.flat = not inside
        self.together = all(level.flat for level in inside)
        self.rows_inside = [rows for level in inside for rows in level.own_rows()]
        self.opaque_pad = "  " * (depth + 1)
        self.close = rows.query.close.encode()
        self.written_as = written_key(element.item_type) if element.item_type in NOTED else ""
        # What is only shown, such as the category that a course is in, is no record of the archive.
        self.counts = not element.shown

    def write(self, parent: int, weaver: Weaver) -> Iterator[int]:
        """Write the records of one parent, each with the levels inside it; yield as `Weaver.write` does.

        Many records are put together at once if all that stands in them is here.
        """
        reported = weaver.records
        for batch, first, last in self.rows.runs(parent):
            self._note(batch, first, last, weaver)
            while first < last:
                if complete := self._complete(batch.record_ids[first:last]):
                    self._write_together(batch, first, first + complete, weaver)
                else:
                    yield from self._write_one(batch, first, weaver)
                first += complete or 1
                if weaver.records - reported >= TICK:
                    yield weaver.records
                    reported = weaver.records

    def texts(self, parents: Parents, weaver: Weaver) -> Texts:
        """Return the records of each parent, all of whose rows are here; only for `flat` levels."""
        batch, first, last = self.rows.take(parents.among)
        if first == last:
            return Texts([b""] * len(parents.ids), ())
        self._note(batch, first, last, weaver)
        columns = self._columns(batch, first, last, weaver)
        whole = columns[0] if len(columns) == 1 else list(map(b"".join, zip(*columns, strict=True)))
        found = _by_parent(batch.parent_ids[first:last], whole)
        return Texts([found.get(parent, b"") for parent in parents.ids], found)

    def own_rows(self) -> Iterator[Rows]:
        """Yield the rows of these records."""
        yield self.rows

    def _complete(self, ids: Sequence[int]) -> int:
        """Return how many of the first of these records can be written together; 0 if the first cannot."""
        if not self.together:
            return 0
        return min((rows.complete(ids) for rows in self.rows_inside), default=len(ids))

    def _write_together(self, batch: Batch, first: int, last: int, weaver: Weaver) -> None:
        """Write records with all that stands in them."""
        ids = batch.record_ids[first:last]
        columns = self._columns(batch, first, last, weaver, Parents(ids, frozenset(ids)))
        weaver.output.extend([*chain.from_iterable(zip(*columns, strict=True))])

    def _columns(
        self, batch: Batch, first: int, last: int, weaver: Weaver, parents: Parents | None = None
    ) -> list[Iterable[bytes]]:
        """Return the parts of records as columns: their XML, what stands in them, and what follows it."""
        columns: list[Iterable[bytes]] = [batch.xml[first:last]]
        stored = batch.opaque[first:last]
        opaque = [self._opaque(text, weaver) for text in stored] if any(stored) else []
        if opaque:
            columns.append([leaves for leaves, _ in opaque])
        if parents is not None:
            columns += [level.texts(parents, weaver).texts for level in self.inside]
        if opaque:
            columns.append([nested for _, nested in opaque])
        if self.close:
            columns.append([self.close] * (last - first))
        return columns

    def _write_one(self, batch: Batch, row: int, weaver: Weaver) -> Iterator[int]:
        """Write one record, level by level; yield as `Weaver.write` does."""
        leaves, nested = self._opaque(batch.opaque[row], weaver)
        weaver.output.extend((batch.xml[row], leaves))
        for level in self.inside:
            yield from level.write(batch.record_ids[row], weaver)
        weaver.output.extend((nested, self.close))

    def _note(self, batch: Batch, first: int, last: int, weaver: Weaver) -> None:
        """Count the records of a run and note the ids that they refer to; 0 and NULL refer to nothing."""
        references = weaver.references
        if self.counts:
            weaver.records += last - first if batch.counts is None else sum(batch.counts[first:last])
        if self.written_as:
            references[self.written_as].update(batch.record_ids[first:last])
        for item_type, ids in batch.references:
            if found := {*filter(None, ids[first:last])}:
                references[item_type].update(found)
        for item_type, texts in batch.lists:
            joined = b",".join({*filter(None, texts[first:last])})
            if listed := {*joined.split(b",")} - {b"", b"0"}:
                references[item_type].update(map(int, listed))

    def _opaque(self, stored: bytes | None, weaver: Weaver) -> tuple[bytes, bytes]:
        """Return the opaque elements of a record as they are written: the leaves, and the others."""
        if stored is None:
            return b"", b""
        found = weaver.rewrite(stored.decode(), weaver.references, weaver.userdata)
        leaves, nested = (f"{self.opaque_pad}{text}\n".encode() if text else b"" for text in found)
        return leaves, nested


def _joined(found: Sequence[Texts], parents: Parents) -> Texts:
    """Return texts of the same parents as one: joined, with the parents that have records in any of them."""
    if len(found) == 1:
        return found[0]
    texts = [b"".join(row) for row in zip(*(one.texts for one in found), strict=True)]
    return Texts(texts, {one for one in parents.ids if any(one in part.having for part in found)})


def _by_parent(parent_ids: Sequence[int], texts: Iterable[bytes]) -> dict[int, bytes]:
    """Return the texts of each parent, joined; the rows of a parent follow one another."""
    pairs = zip(parent_ids, texts, strict=True)
    return {parent: b"".join([text for _, text in rows]) for parent, rows in groupby(pairs, itemgetter(0))}


Level = _WrapperLevel | _RecordLevel


class Weaver:
    """Write the records of a member's body, owner by owner in ascending order of their ids.

    `queries` are those of `backup.render.queries()` for `body`, `parameters` their parameters, `opaque` what makes opaque
    elements ready for the archive, `depth` the indentation of the body in steps of two spaces, `hide` what replaces the
    details of people in an anonymous archive. A context manager: it closes the cursors and raises RuntimeError if rows were
    left that belong to no written record.
    """

    output: Output
    references: References
    userdata: bool

    def __init__(
        self,
        queries: Iterable[Query],
        *,
        body: tuple[Wrapper | Element, ...],
        parameters: Mapping[str, Any],
        opaque: Rewrite,
        depth: int = 1,
        hide: Hide | None = None,
    ) -> None:
        self._open = ExitStack()
        self.rows: dict[int, Rows] = {}
        """The rows of each element, by its `id()`: elements are compared by identity."""
        asked = tuple(queries)
        first_rows = FirstRows(asked, parameters)
        for number, query in enumerate(asked):
            rows = Rows(query, parameters, first_rows, number, hide)
            self._open.callback(rows.close)
            self.rows[id(query.element)] = rows
        self._levels = [self._level(node, depth) for node in body]
        self.records = 0
        self.rewrite = opaque

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, item_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._open:
            left = (
                []
                if error
                else [rows.query.element.table for rows in self.rows.values() if rows.has_untaken()]
            )
        if left:
            raise RuntimeError(f"Rows of {', '.join(left)} belong to no record that was written.")

    def write(self, owner: int, output: Output, references: References, *, people: bool) -> Iterator[int]:
        """Write the records of one owner; yield the number of records so far, of all owners, about every 2,000 records.

        `references` gets the ids that the records refer to. Opaque elements are written with userdata if `people`.
        """
        self.output, self.references, self.userdata = output, references, people
        for level in self._levels:
            yield from level.write(owner, self)

    def _level(self, node: Wrapper | Element, depth: int) -> Level:
        """Return the level of a node of the body, with those inside: compiled once, not looked up for each record."""
        if isinstance(node, Wrapper):
            inside = [self._level(inner, depth + 1) for inner in node.body]
            return _WrapperLevel(node.tag, depth, inside, sparse=node.sparse)
        rows = self.rows[id(node)]
        return _RecordLevel(rows, depth, [self._level(inner, depth + 1) for inner in rows.query.body])
