"""The id of a record that the archive repeats wherever it is used."""

from __future__ import annotations

from typing import Protocol, cast

from courses.fields.base import Parse, Reading, References
from courses.fields.numbers import integer
from courses.fields.references import Ref


class Arrivals(References, Protocol):
    """References that also take note of what came."""

    def arrive(self, item_type: str, old: int) -> int | None: ...


class RepeatedId(Ref):
    """The number under which a record is referred to, when the archive has it once for each use: a tool that several
    activities share. Each row is a copy with an id of its own, and all copies have the same number here too."""

    def parser(self, reading: Reading) -> Parse:
        item_type, references = self.refers or "", cast(Arrivals, reading.references)

        def repeated(text: str) -> str | None:
            old = int(integer(text))
            references.arrive(item_type, old)
            new = references.mention(item_type, old)
            return None if new is None else str(new)

        return repeated
