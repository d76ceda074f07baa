"""Read the rows of one query in step with the records that they stand in: parent by parent, or for many parents at once."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Container, Generator, Iterator, Mapping, Sequence
from typing import Any

from backup.first_rows import FirstRows
from backup.render import XML_COLUMN, Batch, Query
from courses import cursors

Hide = Callable[[Query, Sequence[str]], Sequence[str]]
"""Replaces the details of people in the rows of a query."""

Run = tuple[Batch, int, int]
"""Rows of a batch that follow one another: those from the second value up to, not including, the third."""


class Rows:
    """The rows of one query, read once from first to last, parent by parent.

    The first ones are in `first_rows`, at the position `number`. If there may be more, the query itself runs.
    """

    def __init__(
        self,
        query: Query,
        parameters: Mapping[str, Any],
        first_rows: FirstRows,
        number: int,
        hide: Hide | None = None,
    ) -> None:
        self.query = query
        self._parameters = parameters
        self._hide = hide
        self._batches = self._read(first_rows, number)
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

    def complete(self, parents: Sequence[int]) -> int:
        """Return how many of the first of `parents`, in ascending order, have all their rows in the batch that is here."""
        if not self._fetch():
            return len(parents)
        # The next batch may begin with more rows of the parent with which this one ends.
        last = self._batch.parent_ids[self._end - 1]
        position = bisect_left(parents, last)
        return position if position < len(parents) and parents[position] == last else len(parents)

    def take(self, parents: Container[int]) -> Run:
        """Take the next rows of the batch that is here as long as they belong to `parents`."""
        batch, first, last, end = self._batch, self._next, self._next, self._end
        parent_ids = batch.parent_ids
        while last < end and parent_ids[last] in parents:
            last += 1
        self._next = last
        return batch, first, last

    def has_untaken(self) -> bool:
        """True if the query ran and rows of it were not taken."""
        return self._started and self._fetch()

    def close(self) -> None:
        """Close the server's cursor."""
        self._batches.close()

    def _fetch(self) -> bool:
        """Take the next batch if this one is used up; False when there are no more rows."""
        if self._next == self._end:
            self._started = True
            batch = next(self._batches, None) or Batch()
            if self._hide is not None and batch.xml:
                shown = self._hide(self.query, [text.decode() for text in batch.xml])
                batch = batch._replace(xml=[text.encode() for text in shown])
            self._batch, self._next, self._end = batch, 0, len(batch.xml)
        return self._end > 0

    def _read(self, first_rows: FirstRows, number: int) -> Generator[Batch, None, None]:
        """Yield the rows in batches, first those that were read with those of other queries."""
        batch, are_all = first_rows.take(number)
        if batch.xml:
            yield batch
        if are_all:
            return
        lengths = [len(text) for text in batch.xml]
        del batch, first_rows  # They may be large, and there is more to come.
        size = cursors.fitting(lengths) if lengths else 0
        for rows in cursors.stream(
            self.query.sql,
            {**self._parameters, "skip": len(lengths)},
            weight=XML_COLUMN,
            undecoded=True,
            size=size,
        ):
            yield self.query.batch(rows)
