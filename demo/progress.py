"""Lines that the measuring programs print: on standard error while they work, and of faults in their reports."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence


def say(text: str) -> None:
    """Print a line on standard error."""
    print(text, file=sys.stderr, flush=True)


def listed(title: str, found: Sequence[str]) -> Iterator[str]:
    """Yield the lines of a report about what went wrong: the title with the number, or "none", then each of it."""
    yield f"{title}: {len(found) or 'none'}"
    yield from (f"  {one}" for one in found)
