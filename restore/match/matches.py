"""Counts of the records that the target had already, kind by kind, for the result of a restore and for its findings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from archive.findings import Finding
from courses.structure import Element
from courses.summaries import list_title

NAMED = 20
"""So many records of one kind are named; the others are counted."""


@dataclass
class KindOfMatch:
    """The records of one kind: how many are here already, are new, or differ from one here of the same name.

    `named` are the names of those that differ; `stays` counts those of which there can be one only, so that the course's stays.
    """

    element: Element
    matched: int = 0
    new: int = 0
    differs: int = 0
    stays: int = 0
    named: list[str] = field(default_factory=list)


class Matches:
    """The matches of one restore by item type."""

    def __init__(self) -> None:
        self._kinds: dict[str, KindOfMatch] = {}

    def matched(self, element: Element) -> None:
        """Count a record that is here already."""
        self._of(element).matched += 1

    def new(self, element: Element) -> None:
        """Count a record that is not here yet."""
        self._of(element).new += 1

    def differs(self, element: Element, name: str) -> None:
        """Count a record that comes although one of the same name is here, since they differ."""
        kind = self._of(element)
        kind.differs += 1
        kind.named.append(name)

    def stays(self, element: Element, name: str) -> None:
        """Count a record that does not come since the course has another one in its place."""
        self.differs(element, name)
        self._of(element).stays += 1

    def _of(self, element: Element) -> KindOfMatch:
        return self._kinds.setdefault(element.table, KindOfMatch(element))

    def as_json(self) -> list[dict[str, Any]]:
        """Return a row for each kind: its `kind` (item type), `title`, and the numbers `matched`, `new` and `differs`.

        `stays` are those of `differs` that do not come, since there can be one only: the course keeps its own.
        """
        return [
            {
                "kind": kind.element.item_type,
                "title": list_title(kind.element.model),
                "matched": kind.matched,
                "new": kind.new,
                "differs": kind.differs,
                "stays": kind.stays,
            }
            for kind in self._kinds.values()
        ]

    def findings(self) -> Iterator[Finding]:
        """Yield a finding for each kind of which records differ from those in the course."""
        for kind in self._kinds.values():
            if not kind.differs:
                continue
            names = [f"“{name}”" for name in dict.fromkeys(kind.named) if name]
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            said = f": {', '.join(names[:NAMED])}{more}" if names else ""
            yield Finding(
                "info",
                "differs-from-course",
                f"{list_title(kind.element.model)}: the archive has {kind.differs} of the same name as here that say"
                f" something else{said}.",
                hint="The course keeps its own."
                if kind.stays == kind.differs
                else "They came as new ones. Remove those that you do not want.",
            )
