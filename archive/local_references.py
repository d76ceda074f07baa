"""References between records of one member, in eight bytes for each record and for each reference that is still open."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterator

from archive.id_set import IdSet


class LocalReferences:
    """Notes the records of a member and the references to them; finds the references to records that are not there."""

    def __init__(self) -> None:
        self._present: defaultdict[str, IdSet] = defaultdict(IdSet)
        self._open: defaultdict[tuple[tuple[str, ...], str], array[int]] = defaultdict(lambda: array("q"))

    def add_record(self, element: str, identifier: str) -> None:
        """Note a record, by the name of its element and its id."""
        self._present[element].add(identifier)

    def add(self, elements: tuple[str, ...], number: int, place: str) -> None:
        """Note a reference to a record that is called one of `elements`."""
        if not any(number in self._present[element] for element in elements):
            self._open[elements, place].append(number)

    def lost(self) -> Iterator[tuple[tuple[str, ...], str, int]]:
        """Yield (elements, place, number of references) for references to records that are not in the member.

        References to records of which the member has none at all are left out: they are of another member.
        """
        for (elements, place), numbers in self._open.items():
            there = [self._present[element] for element in elements if self._present[element]]
            count = sum(1 for number in numbers if not any(number in ids for ids in there))
            if there and count:
                yield elements, place, count
