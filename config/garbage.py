"""How often a process collects objects that refer to each other in cycles."""

from __future__ import annotations

import gc

NEW_OBJECTS = 50_000
"""New objects after which Python collects cycles; by itself it does so after some hundreds.

A block of XML has thousands of elements at once.
"""


def collect_seldom() -> None:
    """Collect cycles only after NEW_OBJECTS new objects, and never look through the objects that exist now: modules stay."""
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, *gc.get_threshold()[1:])
    gc.enable()
