"""The one reader of whole numbers that come from outside: headers, elements, attributes, addresses, forms, options, JSON.

`int()` alone reads superscripts of other scripts, underscores and spaces, and takes time that grows with the square of the
digits. Here a number has ASCII digits only, and at most 19 of them. `tests/test_numbers_from_outside.py` looks for others.
"""

from __future__ import annotations

import re

LARGEST = 2**63 - 1
SMALLEST = -(2**63)

_WHOLE = re.compile(r"-?[0-9]{1,19}\Z")
_IN_BYTES = re.compile(rb"-?[0-9]{1,19}\Z")
_OCTAL = re.compile(rb"[0-7]{1,21}\Z")


def whole(text: object, *, least: int = SMALLEST, most: int = LARGEST) -> int | None:
    """Return the whole number that a text or ASCII bytes stand for; None if it is none, or is not within the bounds.

    Numbers (from JSON) are returned if they are whole and within the bounds; anything else is no number.
    """
    if isinstance(text, str):
        number = int(text) if _WHOLE.match(text) else None
    elif isinstance(text, bytes):
        number = int(text) if _IN_BYTES.match(text) else None
    elif isinstance(text, int):
        number = int(text)
    else:
        number = None
    return number if number is not None and least <= number <= most else None


def whole_or(text: object, instead: int = 0, *, least: int = SMALLEST, most: int = LARGEST) -> int:
    """Return the whole number that a text stands for; `instead` if it is none, or is not within the bounds."""
    number = whole(text, least=least, most=most)
    return instead if number is None else number


def natural(text: object) -> int | None:
    """Return the number of a text that could be an id: ASCII digits that fit 64 bits; None for any other text."""
    if isinstance(text, str):
        # Nearly all ids are shorter than 19 digits: the innermost loops of a restore ask this.
        if len(text) < 19:
            return int(text) if text.isdigit() and text.isascii() else None
        if text[:1] == "-":
            return None
    return whole(text, least=0)


def is_id(text: str) -> bool:
    """True for a text that can be an id: ASCII digits that fit 64 bits."""
    return natural(text) is not None


def octal(field: bytes) -> int | None:
    """Return the number in an octal field of a header, such as that of a tar; None if it is none."""
    return int(field, 8) if _OCTAL.match(field) else None
