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

FLUSH = 256 * 1024
REMOVED = bytes([*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F])
"""The control characters that XML cannot hold; each is a byte of its own in UTF-8."""

NO_CHARACTERS = dict.fromkeys((0xFFFE, 0xFFFF))
"""The numbers that are no characters and that XML cannot hold either."""

NAMED_BY_OWNER = frozenset({"grade_item"})
"""The kinds of records that the list of references of their own activity names."""

References = defaultdict[str, set[int]]
Rewrite = Callable[[str], str]


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
    """The rows of one query, one at a time, and the references that they told."""

    def __init__(self, query: Query, parameters: Mapping[str, Any]) -> None:
        self.query = query
        self._batches = bulk.stream(query.sql, dict(parameters))
        self._batch: Iterator[tuple[Any, ...]] = iter(())
        self.row: tuple[Any, ...] | None = None
        self.advance()

    def advance(self) -> None:
        """Goes to the next row; `row` is None after the last."""
        row = next(self._batch, None)
        if row is None:
            self._batch = iter(next(self._batches, ()))
            row = next(self._batch, None)
        self.row = row

    def close(self) -> None:
        """Lets go of the server's cursor."""
        self._batches.close()  # type: ignore[attr-defined]


class Weaver:
    """Writes the records of a member's body, owner by owner in the order of their ids."""

    def __init__(
        self,
        queries: Iterable[Query],
        *,
        body: tuple[Wrapper | Element, ...],
        parameters: Mapping[str, Any],
        kept: Rewrite,
        depth: int = 1,
    ) -> None:
        self._open = ExitStack()
        self.rows: dict[int, _Rows] = {}
        for query in queries:
            rows = _Rows(query, parameters)
            self._open.callback(rows.close)
            self.rows[id(query.element)] = rows
        self.body = body
        self._inside: dict[str, list[_Rows]] = {}
        self.records = 0
        self._kept = kept
        self._depth = depth

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()
        left = [rows.query.element.table for rows in self.rows.values() if rows.row is not None]
        if left and error is None:
            raise RuntimeError(f"Rows of {', '.join(left)} belong to no record that was written.")

    def write(self, owner: int, output: Output, references: References) -> Iterator[int]:
        """Writes the records of one owner, notes what they refer to, and tells their number every so often."""
        for node in self.body:
            yield from self._node(node, owner, self._depth, output, references)

    def _element(
        self, element: Element, parent: int, depth: int, output: Output, references: References
    ) -> Iterator[int]:
        rows = self.rows[id(element)]
        row = rows.row
        kinds, close, body = rows.query.references, rows.query.close, element.body
        own = references[element.kind] if element.kind in NAMED_BY_OWNER else None
        while row is not None and row[0] == parent:
            output.write(row[2])
            if own is not None:
                own.add(row[1])
            for kind, value in zip(kinds, row[4:], strict=True):
                if value:
                    references[kind].add(value)
            for node in body:
                yield from self._node(node, row[1], depth + 1, output, references)
            if row[3] is not None:
                output.write(f"{'  ' * (depth + 1)}{self._kept(row[3])}\n")
            output.write(close)
            self.records += 1
            if self.records % 2000 == 0:
                yield self.records
            rows.advance()
            row = rows.row

    def _node(
        self, node: Wrapper | Element, parent: int, depth: int, output: Output, references: References
    ) -> Iterator[int]:
        if isinstance(node, Wrapper):
            if node.sparse and not self._filled(node, parent):
                return
            pad = "  " * depth
            output.write(f"{pad}<{node.tag}>\n")
            for inner in node.body:
                yield from self._node(inner, parent, depth + 1, output, references)
            output.write(f"{pad}</{node.tag}>\n")
        else:
            yield from self._element(node, parent, depth, output, references)

    def _filled(self, wrapper: Wrapper, parent: int) -> bool:
        """Whether a wrapper has anything to hold for a record: each query stands at its next row."""
        waiting = self._inside.get(wrapper.tag)
        if waiting is None:
            waiting = self._inside[wrapper.tag] = [self.rows[id(element)] for element in wrapper.elements()]
        return any(rows.row is not None and rows.row[0] == parent for rows in waiting)
