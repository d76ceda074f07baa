"""A set of ids in eight bytes for each, since a member of a gigabyte holds millions."""

from __future__ import annotations

from array import array
from bisect import bisect_left

from archive.errors import HostileArchive
from archive.numbers import natural

RUN = 1 << 16
"""Ids that are sorted together."""

MOST = 20_000_000
"""Ids in a set, at most."""


class IdSet:
    """Ids of records, as sorted runs. Ids mostly come in ascending order, so that few runs can hold a given one."""

    def __init__(self) -> None:
        self._runs: list[array[int]] = []
        self._latest: set[int] = set()

    def add(self, text: str) -> None:
        """Add the id that a text stands for, if it is one. Raises HostileArchive when there are too many."""
        if (number := natural(text)) is None:
            return
        self._latest.add(number)
        if len(self._latest) >= RUN:
            self._runs.append(array("q", sorted(self._latest)))
            self._latest = set()
            if len(self._runs) * RUN > MOST:
                raise HostileArchive(f"A member holds more than {MOST:,} records.")

    def __contains__(self, number: int) -> bool:
        return number in self._latest or any(_holds(run, number) for run in self._runs)

    def __bool__(self) -> bool:
        return bool(self._latest or self._runs)


def _holds(run: array[int], number: int) -> bool:
    if not run[0] <= number <= run[-1]:
        return False
    position = bisect_left(run, number)
    return run[position] == number
