"""Read JSON that came with an archive, for a page."""

from __future__ import annotations

import json
import re
from typing import Any

from archive.json_text import parse_json

_HALF = re.compile(r"\\u[dD][89a-fA-F]")
"""Matches the escape of one half of a character; a half without the other is no character, and no page can have it."""


def read_json(text: str) -> Any:
    """Return what a text of JSON says; halves of characters become question marks.

    Raises ValueError for any other text, and for one that nests too deep for the reader.
    """
    try:
        found = parse_json(text)
        if _HALF.search(text):
            found = parse_json(json.dumps(found, ensure_ascii=False).encode("utf-8", "replace"))
    except RecursionError:
        raise ValueError("The JSON nests too deep.") from None
    return found
