"""How often a process that runs jobs looks for garbage in cycles."""

from __future__ import annotations

import gc

NEW_OBJECTS = 50_000
"""New objects after which Python looks for cycles, where it would after 700.

A block of XML has thousands of elements at once, and none of them is in a cycle.
"""


def look_seldom() -> None:
    """Look for cycles only after `NEW_OBJECTS`, and never through what is here already: imported modules stay."""
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, *gc.get_threshold()[1:])
    gc.enable()
