"""Rows of the target course by what is compared, so that the one for a record of the archive is found without a search."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from restore.match.compared import Row

PORTION = 500
"""So many rows are compared between two moments at which a job can be cancelled."""

Record = TypeVar("Record", bound=Hashable)


class Pauses:
    """Count what is done, and say when a job has to get the chance to stop."""

    def __init__(self) -> None:
        self._done = 0

    def due(self) -> bool:
        """Count one more row; whether it is time to yield."""
        self._done += 1
        return self._done % PORTION == 0


class Candidates:
    """Rows by a value, in the order in which they were added; each is taken once.

    Indexes that share `taken` are about the same rows: a row that one of them gives, no other gives again.
    """

    def __init__(self, taken: set[int]) -> None:
        self._taken = taken
        self._rows: defaultdict[Hashable, deque[Row]] = defaultdict(deque)

    def add(self, value: Hashable, row: Row) -> None:
        """Add a row under a value."""
        self._rows[value].append(row)

    def take(self, value: Hashable) -> Row | None:
        """Take the first row of a value that is not taken yet; None if there is none."""
        rows = self._rows.get(value)
        while rows:
            row = rows.popleft()
            if id(row) not in self._taken:
                self._taken.add(id(row))
                return row
        return None

    def __contains__(self, value: Hashable) -> bool:
        """Whether a row had this value at first."""
        return value in self._rows


def outer_first(records: Iterable[Record], outer: Callable[[Record], Record | None]) -> list[Record]:
    """Return records so that each comes after the one that `outer` gives for it; those of a circle come too."""
    ordered: list[Record] = []
    seen: set[Record] = set()
    for record in records:
        chain: list[Record] = []
        above: Record | None = record
        while above is not None and above not in seen:
            seen.add(above)
            chain.append(above)
            above = outer(above)
        ordered += reversed(chain)
    return ordered
