"""Weaving: the rows of several queries become one member, records within records, in one pass and constant memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Any, BinaryIO, Self

from backup.render import Query
from courses import bulk, links
from courses.structure import Element, Wrapper

TICK = 2000
FLUSH = 256 * 1024
REMOVED = bytes([*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F])
"""The control characters that XML cannot hold; each is a byte of its own in UTF-8."""

NO_CHARACTERS = dict.fromkeys((0xFFFE, 0xFFFF))
"""The numbers that are no characters and that XML cannot hold either."""

NOTED = frozenset({"grade_item", "question_category"})
"""The kinds of records of which it is noted, with the references of their owner, that they were written: more of them are
referred to than come along."""

XML, OTHER = 2, 4
"""Where a row's XML stands, and what comes after what was kept."""

Row = tuple[Any, ...]
References = defaultdict[str, set[int]]
Rewrite = Callable[[str, References, bool], str]
"""What was kept as XML, as an archive shows it: whose references are noted where, and whether people's work comes."""


def written(item_type: str) -> str:
    """Under which name it is noted among references what was written of a kind."""
    return f"written {item_type}"


class Output:
    """A member that is written: text is collected, cleaned, its links made tokens, and sent in blocks."""

    def __init__(self, stream: BinaryIO, *, root: str) -> None:
        self._stream = stream
        self._root = root
        self._parts: list[str] = []
        self._size = 0

    def write(self, text: str) -> None:
        """Adds text."""
        self._parts.append(text)
        self._size += len(text)
        if self._size > FLUSH:
            self.flush()

    def flush(self) -> None:
        """Sends what was collected. Values are never cut here: every part is whole elements."""
        text = links.encode("".join(self._parts), root=self._root)
        self._parts, self._size = [], 0
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        if "\uffff" in text or "\ufffe" in text:
            text = text.translate(NO_CHARACTERS)
        self._stream.write(text.encode("utf-8", "ignore").translate(None, REMOVED))


class _Rows:
    """The rows of one query, run by run, and the references that they tell.

    The query is asked when its first row is looked for: what nests in records that are not there costs nothing.
    """

    def __init__(self, query: Query, parameters: Mapping[str, Any]) -> None:
        self.query = query
        self._batches = bulk.stream(query.sql, dict(parameters), weight=XML)
        self._batch: list[Row] = []
        self._next = 0
        self._begun = False

    def waits(self, parent: int) -> bool:
        """Whether the next row is a parent's."""
        return self._some() and bool(self._batch[self._next][0] == parent)

    def runs(self, parent: int) -> Iterator[list[Row]]:
        """The next rows that are a parent's, as many at a time as there are at hand."""
        while self._some():
            batch, first = self._batch, self._next
            last, end = first, len(batch)
            while last < end and batch[last][0] == parent:
                last += 1
            if last == first:
                return
            self._next = last
            yield batch[first:last]
            if last < end:
                return

    def left(self) -> bool:
        """Whether rows were asked for and not taken."""
        return self._begun and self._some()

    def close(self) -> None:
        """Lets go of the server's cursor."""
        self._batches.close()

    def _some(self) -> bool:
        """Whether there is a next row, now at hand."""
        if self._next == len(self._batch):
            self._begun = True
            self._batch, self._next = next(self._batches, []), 0
        return bool(self._batch)


class _Level:
    """A wrapper, or an element with its rows. It is `shallow` when no record in it holds others."""

    def __init__(
        self,
        rows: _Rows | None,
        inside: list[_Level],
        open_: str,
        close: str,
        *,
        waiting: list[_Rows] | None = None,
        named: str = "",
    ) -> None:
        self.rows = rows
        self.inside = inside
        self.open = open_
        self.close = close
        self.waiting = waiting
        self.named = named
        self.shallow: bool = all(inner.shallow for inner in inside) if rows is None else not inside
        query = rows.query if rows else None
        self.ids = tuple(enumerate(query.references, OTHER)) if query else ()
        self.lists = tuple(enumerate(query.lists, OTHER + len(self.ids))) if query else ()
        self.inline = bool(query and query.inline)
        # What is only shown, as the category that a course is in, is no record of the archive.
        self.counts = bool(query and not query.element.shown)


class Weaver:
    """Writes the records of a member's body, owner by owner in the order of their ids."""

    def __init__(
        self,
        queries: Iterable[Query],
        *,
        body: tuple[Wrapper | Element, ...],
        parameters: Mapping[str, Any],
        opaque: Rewrite,
        depth: int = 1,
    ) -> None:
        self._open = ExitStack()
        self.rows: dict[int, _Rows] = {}
        for query in queries:
            rows = _Rows(query, parameters)
            self._open.callback(rows.close)
            self.rows[id(query.element)] = rows
        self._levels = [self._level(node, depth) for node in body]
        self.records = 0
        self._rewrite = opaque
        self._people = False
        self._references: References = defaultdict(set)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, item_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._open:
            left = [] if error else [rows.query.element.table for rows in self.rows.values() if rows.left()]
        if left:
            raise RuntimeError(f"Rows of {', '.join(left)} belong to no record that was written.")

    def write(self, owner: int, output: Output, references: References, *, people: bool) -> Iterator[int]:
        """Writes the records of one owner, notes what they refer to, and tells their number every so often.

        What was kept in them goes with people's work or, without `people`, without it.
        """
        self._people, self._references = people, references
        for level in self._levels:
            yield from self._deep(level, owner, output, references)

    def _level(self, node: Wrapper | Element, depth: int) -> _Level:
        """A node of the body with all that its records need, found once and not for each of them."""
        if isinstance(node, Wrapper):
            inside = [self._level(inner, depth + 1) for inner in node.body]
            pad = "  " * depth
            waiting = [self.rows[id(element)] for element in node.elements()] if node.sparse else None
            return _Level(None, inside, f"{pad}<{node.tag}>\n", f"{pad}</{node.tag}>\n", waiting=waiting)
        rows = self.rows[id(node)]
        inside = [self._level(inner, depth + 1) for inner in rows.query.body]
        named = written(node.item_type) if node.item_type in NOTED else ""
        return _Level(rows, inside, "  " * (depth + 1), rows.query.close, named=named)

    def _deep(self, level: _Level, parent: int, output: Output, references: References) -> Iterator[int]:
        """Writes a level for a parent; tells the records now and then."""
        rows = level.rows
        if rows is None:
            if level.waiting is None or any(row.waits(parent) for row in level.waiting):
                output.write(level.open)
                for inner in level.inside:
                    yield from self._deep(inner, parent, output, references)
                output.write(level.close)
            return
        told = self.records
        for run in rows.runs(parent):
            self._note(level, run, references)
            for row in run:
                output.write(row[XML])
                for inner in level.inside:
                    if inner.shallow:
                        self._shallow(inner, row[1], output, references)
                    else:
                        yield from self._deep(inner, row[1], output, references)
                self._end(level, row, output)
                if self.records - told >= TICK:
                    yield self.records
                    told = self.records

    def _shallow(self, level: _Level, parent: int, output: Output, references: References) -> None:
        """Writes a level whose records hold no others, in one go."""
        rows = level.rows
        if rows is None:
            if level.waiting is None or any(row.waits(parent) for row in level.waiting):
                output.write(level.open)
                for inner in level.inside:
                    self._shallow(inner, parent, output, references)
                output.write(level.close)
            return
        for run in rows.runs(parent):
            self._note(level, run, references)
            for row in run:
                output.write(row[XML])
                self._end(level, row, output)

    def _note(self, level: _Level, run: list[Row], references: References) -> None:
        """Notes the records of a run and what they refer to."""
        if level.counts:
            self.records += sum([row[-1] for row in run]) if level.inline else len(run)
        if level.named:
            references[level.named].update([row[1] for row in run])
        for index, item_type in level.ids:
            if told := [row[index] for row in run if row[index]]:
                references[item_type].update(told)
        for index, item_type in level.lists:
            texts = {row[index] for row in run if row[index]}
            if told := [int(number) for text in texts for number in text.split(",") if number != "0"]:
                references[item_type].update(told)

    def _end(self, level: _Level, row: Row, output: Output) -> None:
        if row[3] is not None:
            output.write(f"{level.open}{self._rewrite(row[3], self._references, self._people)}\n")
        if level.close:
            output.write(level.close)
