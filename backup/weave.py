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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple, Self

from backup.render import XML_COLUMN, Batch, Query
from courses import bulk, links
from courses.structure import Element, Wrapper

TICK = 2000
"""Records after which `Weaver.write` yields, so that progress is written and a cancellation is noticed."""

FLUSH = 256 * 1024
"""Characters that an `Output` collects before it encodes and sends them."""

REMOVED = bytes([*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F])
"""The control characters that XML 1.0 cannot hold, and DEL, which Moodle's `xml_writer` removes too; in UTF-8 each is a byte
of its own."""

NO_CHARACTERS = dict.fromkeys((0xFFFE, 0xFFFF))
"""The code points that are no characters and that XML 1.0 cannot hold (production `Char`)."""

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

Hide = Callable[[Query, Sequence[str]], Sequence[str]]
"""Replaces the details of people in the rows of a query."""

Run = tuple[Batch, int, int]
"""Rows of one parent that follow one another: the rows from the second value up to, not including, the third."""


def written_key(item_type: str) -> str:
    """Return the key in `References` of the ids that were written of an item type."""
    return f"written {item_type}"


class Output:
    """Collect the text of one member, clean it, encode its links as tokens, and write it to a binary stream in blocks."""

    def __init__(self, stream: BinaryIO, *, root: str) -> None:
        self._stream = stream
        self._root = root
        self._parts: list[str] = []
        self._size = 0

    def write(self, text: str) -> None:
        """Add text. It must not end inside a value: links are found block by block."""
        self._parts.append(text)
        self._size += len(text)
        if self._size > FLUSH:
            self.flush()

    def flush(self) -> None:
        """Send the collected text as UTF-8."""
        text = links.encode("".join(self._parts), root=self._root)
        self._parts, self._size = [], 0
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        if "\uffff" in text or "\ufffe" in text:
            text = text.translate(NO_CHARACTERS)
        self._stream.write(text.encode("utf-8", "ignore").translate(None, REMOVED))


class Rows:
    """The rows of one query, read once from first to last, parent by parent.

    The query runs when its first row is asked for: elements whose parents do not exist cost nothing.
    """

    def __init__(self, query: Query, parameters: Mapping[str, Any], hide: Hide | None = None) -> None:
        self.query = query
        self._hide = hide
        self._batches = bulk.stream(query.sql, dict(parameters), weight=XML_COLUMN)
        self._batch = query.batch([])
        self._next = 0
        self._end = 0
        self._started = False

    def has(self, parent: int) -> bool:
        """True if the next row belongs to `parent`."""
        return self._fetch() and bool(self._batch.parent_ids[self._next] == parent)

    def runs(self, parent: int) -> Iterator[Run]:
        """Take the next rows as long as they belong to `parent`: one run for each batch that holds such rows."""
        while self._fetch():
            batch, first, end = self._batch, self._next, self._end
            parent_ids, last = batch.parent_ids, first
            while last < end and parent_ids[last] == parent:
                last += 1
            if last == first:
                return
            self._next = last
            yield batch, first, last
            if last < end:
                return

    def has_untaken(self) -> bool:
        """True if the query ran and rows of it were not taken."""
        return self._started and self._fetch()

    def close(self) -> None:
        """Close the server's cursor."""
        self._batches.close()

    def _fetch(self) -> bool:
        """Fetch the next batch if this one is used up; False when there are no more rows."""
        if self._next == self._end:
            self._started = True
            rows = next(self._batches, [])
            batch = self.query.batch(rows)
            if self._hide is not None and rows:
                batch = batch._replace(xml=self._hide(self.query, batch.xml))
            self._batch, self._next, self._end = batch, 0, len(rows)
        return self._end > 0


class _WrapperLevel:
    """A wrapper of the body with the levels inside it. `flat` is True if no record inside has levels of its own.

    `needed` are the rows of which one parent needs at least one for its wrapper to be written; None if it always is.
    """

    def __init__(self, tag: str, depth: int, inside: list[Level], needed: list[Rows] | None) -> None:
        pad = "  " * depth
        self.start = f"{pad}<{tag}>\n"
        self.end = f"{pad}</{tag}>\n"
        self.inside = inside
        self.needed = needed
        self.flat: bool = all(level.flat for level in inside)

    def write(self, parent: int, weaver: Weaver) -> Iterator[int]:
        """Write the wrapper of one parent with all records in it; yield as `Weaver.write` does."""
        if self._is_empty(parent):
            return
        weaver.output.write(self.start)
        for level in self.inside:
            yield from level.write(parent, weaver)
        weaver.output.write(self.end)

    def write_flat(self, parent: int, weaver: Weaver) -> None:
        """Do the same without a generator for each parent; only for `flat` levels."""
        if self._is_empty(parent):
            return
        weaver.output.write(self.start)
        for level in self.inside:
            level.write_flat(parent, weaver)
        weaver.output.write(self.end)

    def _is_empty(self, parent: int) -> bool:
        return self.needed is not None and not any(rows.has(parent) for rows in self.needed)


class _RecordLevel:
    """The records of one element with the levels inside each. `flat` is True if there are none."""

    def __init__(self, rows: Rows, depth: int, inside: list[Level]) -> None:
        element = rows.query.element
        self.rows = rows
        self.inside = inside
        self.flat = not inside
        self.opaque_pad = "  " * (depth + 1)
        self.close = rows.query.close
        self.written_as = written_key(element.item_type) if element.item_type in NOTED else ""
        # What is only shown, such as the category that a course is in, is no record of the archive.
        self.counts = not element.shown

    def write(self, parent: int, weaver: Weaver) -> Iterator[int]:
        """Write the records of one parent, each with the levels inside it; yield as `Weaver.write` does."""
        output, reported = weaver.output, weaver.records
        for batch, first, last in self.rows.runs(parent):
            self._note(batch, first, last, weaver)
            for record_id, xml, opaque in batch.records(first, last):
                output.write(xml)
                nested = self._write_leaves(opaque, weaver)
                for level in self.inside:
                    if level.flat:
                        level.write_flat(record_id, weaver)
                    else:
                        yield from level.write(record_id, weaver)
                self._finish(nested, weaver)
                if weaver.records - reported >= TICK:
                    yield weaver.records
                    reported = weaver.records

    def write_flat(self, parent: int, weaver: Weaver) -> None:
        """Write the records of one parent without a generator; only for `flat` levels."""
        output = weaver.output
        for batch, first, last in self.rows.runs(parent):
            self._note(batch, first, last, weaver)
            if not self.close:  # the XML of each row is the whole record
                for xml in batch.xml[first:last]:
                    output.write(xml)
                continue
            for _, xml, opaque in batch.records(first, last):
                output.write(xml)
                self._finish(self._write_leaves(opaque, weaver), weaver)

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
            joined = ",".join({*filter(None, texts[first:last])})
            if listed := {*joined.split(",")} - {"", "0"}:
                references[item_type].update(map(int, listed))

    def _write_leaves(self, opaque: str | None, weaver: Weaver) -> str:
        """Write the opaque leaves of a record; return the XML of its other opaque elements."""
        if opaque is None:
            return ""
        leaves, nested = weaver.rewrite(opaque, weaver.references, weaver.userdata)
        if leaves:
            weaver.output.write(f"{self.opaque_pad}{leaves}\n")
        return nested

    def _finish(self, nested: str, weaver: Weaver) -> None:
        """Write what follows the nested records: the other opaque elements and the record's end tag."""
        if nested:
            weaver.output.write(f"{self.opaque_pad}{nested}\n")
        weaver.output.write(self.close)


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
        for query in queries:
            rows = Rows(query, parameters, hide)
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
            needed = [self.rows[id(element)] for element in node.elements()] if node.sparse else None
            return _WrapperLevel(node.tag, depth, inside, needed)
        rows = self.rows[id(node)]
        return _RecordLevel(rows, depth, [self._level(inner, depth + 1) for inner in rows.query.body])
