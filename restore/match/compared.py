"""Rows that are compared: one record of the archive or of this site, with the records inside it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from courses.structure import Element
from restore.match.values import ComparedColumns, ComparedReference, Value

UNKNOWN = "?"
"""The id of a reference to a record that this site does not have."""

SOME = "some"
"""A reference of which it only counts that there is one."""

Resolve = Callable[[Value], str | None]
"""Return the text by which a value is compared: of a reference, the id that it has here."""


@dataclass(slots=True, eq=False)
class Row:
    """A record, with the records inside it by table, in the order of their ids.

    `position` is that of its start tag in its member (`restore.loader.Same`), 0 for a row of this site; `number` is its id.
    `said` is a hash of its values and its opaque elements. The values themselves are held of records with a natural key only,
    and without long texts that are no key: of all others there may be many.
    """

    columns: ComparedColumns
    position: int
    number: str
    values: tuple[Value, ...] = ()
    said: bytes = b""
    inside: dict[str, list[Row]] = field(default_factory=dict)

    @property
    def element(self) -> Element:
        """The element of the record."""
        return self.columns.element

    @property
    def keyed(self) -> bool:
        """Whether the record has a natural key, and is not just a part of what the record around it says."""
        return bool(self.element.model.archive_meta.compared_key)

    def value(self, name: str) -> Value:
        """Return the comparable value of a column. Raises ValueError for one that is not compared."""
        return self.values[self.columns.names.index(name)]

    def say(self, values: tuple[Value, ...], opaque: Iterable[str], resolve: Resolve) -> None:
        """Set what the record says: its values and opaque elements."""
        if self.keyed:
            held = self.columns.held
            self.values = tuple([value if index in held else None for index, value in enumerate(values)])
        own = self.columns.own_keys
        said = [resolve(value) for index, value in enumerate(values) if index not in own]
        self.said = hashed(*said, *opaque)


def hashed(*texts: str | None) -> bytes:
    """Return a hash of texts, each of which may be None."""
    digest = hashlib.sha1(usedforsecurity=False)
    for text in texts:
        digest.update(b"-" if text is None else f"{len(text)}:{text}".encode())
    return digest.digest()


def resolved_here(value: Value) -> str | None:
    """Return a value of this site: the id that it has, if it is a reference."""
    if not isinstance(value, ComparedReference):
        return value
    return str(value.number) if value.compared else SOME


@dataclass
class ComparedSide:
    """One of the two sides of a comparison: how its references are resolved, and which files its records have."""

    resolve: Resolve
    files_of: Callable[[Row], tuple[str, ...]]

    def key(self, row: Row) -> tuple[str | None, ...]:
        """Return the natural key of a row."""
        return self._at(row, row.columns.key)

    def same(self, row: Row) -> object:
        """Return what is equal for two rows that are the same record."""
        same_by = row.columns.same_by
        return self._at(row, same_by) if same_by else (self.key(row), self.digest(row))

    def _at(self, row: Row, positions: tuple[int, ...]) -> tuple[str | None, ...]:
        return tuple(self.resolve(row.values[position]) for position in positions)

    def digest(self, row: Row) -> bytes:
        """Return a hash of all that a record says: its values, its files, and the records that are part of it."""
        parts = [row.said, hashed(*self.files_of(row))]
        for table in sorted(row.inside):
            parts += [
                part
                for one in row.inside[table]
                if not one.keyed
                for part in (table.encode(), self.digest(one))
            ]
        return hashlib.sha1(b"|".join(parts), usedforsecurity=False).digest()
