"""Names of options: the section or activity that a name belongs to, and suggestions for misspelt names."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

_ITEM_NAME = re.compile(r"(?P<owner>[a-z][a-z0-9_]*?_\d+)_[a-z][a-z0-9_]*\Z")


def owner_of(name: str) -> str:
    """Return the section or activity that an option's name belongs to (`forum_7_userinfo` -> `forum_7`), else ""."""
    found = _ITEM_NAME.match(name)
    return found["owner"] if found else ""


def nearest(name: str, among: Iterable[str]) -> str:
    """Return a hint for an unknown name: the most similar known names."""
    close = difflib.get_close_matches(name, list(among), n=3, cutoff=0.55)
    return f"Did you mean {' or '.join(close)}?" if close else "docs/options.md lists the options."
