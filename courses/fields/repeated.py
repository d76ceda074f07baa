"""The id of a record that the archive repeats wherever it is used."""

from __future__ import annotations

from typing import Protocol, cast

from courses.fields.base import Parse, Reading, References
from courses.fields.numbers import integer
from courses.fields.references import Ref


class SharedReferences(References, Protocol):
    """References that can also give a new id to a record that is being read (`arrive`)."""

    def arrive(self, item_type: str, old: int) -> int | None: ...


class RepeatedId(Ref):
    """The id of a record that the archive repeats for each use, such as a tool that several activities share. Each copy is
    a row with its own primary key, and all copies have the same new id here.
    """

    def parser(self, reading: Reading) -> Parse:
        item_type, references = self.refers or "", cast(SharedReferences, reading.references)

        def repeated(text: str) -> str | None:
            old = int(integer(text))
            references.arrive(item_type, old)
            new = references.mention(item_type, old)
            return None if new is None else str(new)

        return repeated
