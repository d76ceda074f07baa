"""Read JSON that other programs wrote: numbers that no computer can keep, and words that are no JSON."""

from __future__ import annotations

import json
import math
import sys
from typing import Any

DEEPEST = 100
"""Lists and objects that may lie in one another."""


def parse_json(text: str | bytes) -> Any:
    """Return the value of a JSON text. A number beyond all that a computer can keep (`1e999`) is the largest that it can.

    Raises ValueError for what is no JSON, as `NaN` and `Infinity`, and for nesting that is too deep.
    """
    try:
        value = json.loads(text, parse_float=_finite, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("the JSON nests too deep") from None
    opening = ("{", "[") if isinstance(text, str) else (b"{", b"[")
    # Whoever walks through the value does so by recursion; few texts have so many brackets that they have to be looked at.
    if sum(map(text.count, opening)) > DEEPEST and _depth(value) > DEEPEST:  # type: ignore[arg-type]
        raise ValueError("the JSON nests too deep")
    return value


def _depth(value: Any) -> int:
    """Return how many lists and objects of a value lie in one another, without recursion."""
    depth, level = 0, [value]
    while level := [each for each in level if isinstance(each, dict | list)]:
        depth += 1
        level = [inner for each in level for inner in (each.values() if isinstance(each, dict) else each)]
    return depth


def _finite(text: str) -> float:
    number = float(text)
    return math.copysign(sys.float_info.max, number) if math.isinf(number) else number


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no JSON")
