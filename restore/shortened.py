"""Texts that were too long for their column and were cut; a finding names the place of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from archive.findings import Finding

NAMED = 20
"""So many texts of one column are named one by one; the others are counted."""


class ShortenedTexts:
    """The texts of one restore that were cut to the length of their column."""

    def __init__(self) -> None:
        self._named: list[Finding] = []
        self._counts: Counter[str] = Counter()

    def add(self, tag: str, place: str, *, length: int, kept: int) -> None:
        """Note a text of `length` characters in an element `tag` of which `kept` are stored."""
        self._counts[tag] += 1
        if self._counts[tag] <= NAMED:
            self._named.append(
                Finding(
                    "warning",
                    "text-shortened",
                    f"The text has {length:,} characters, and <{tag}> may have {kept:,}. The first {kept:,} are restored.",
                    place,
                    "Look at it in the restored course; the whole text is in the archive.",
                )
            )

    def findings(self) -> Iterator[Finding]:
        """Yield a warning for each text, and one with a number where an element has more than `NAMED`."""
        yield from self._named
        for tag, count in self._counts.items():
            if count > NAMED:
                yield Finding(
                    "warning",
                    "text-shortened",
                    f"{count - NAMED:,} more texts in <{tag}> were too long and were shortened.",
                )
