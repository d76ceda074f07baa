"""Read JSON that other programs wrote: numbers that no computer can keep, and words that are no JSON."""

from __future__ import annotations

import json
import math
import sys
from typing import Any


def parse_json(text: str | bytes) -> Any:
    """Return the value of a JSON text. A number beyond all that a computer can keep (`1e999`) is the largest that it can.

    Raises ValueError for what is no JSON, as `NaN` and `Infinity`, and for nesting that is too deep.
    """
    try:
        return json.loads(text, parse_float=_finite, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("the JSON nests too deep") from None


def _finite(text: str) -> float:
    number = float(text)
    return math.copysign(sys.float_info.max, number) if math.isinf(number) else number


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no JSON")
