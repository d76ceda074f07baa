"""Reading of PHP's serialised values: text, numbers, lists and dictionaries; objects become dictionaries."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from archive.numbers import SMALLEST, whole

DEEPEST = 50


def read(text: str) -> Any:
    """Return the value of a serialised text; None if the text is not a serialised value."""
    try:
        data = text.encode()
        value, end = _value(data, 0, 0)
    except (ValueError, TypeError):  # a list cannot be a key
        return None
    return value if end == len(data) else None


def read_encoded(text: str) -> Any:
    """Return the value of a serialised text in Base64; None if it is not one."""
    try:
        return read(base64.b64decode(text, validate=True).decode())
    except (binascii.Error, ValueError):
        return None


def _value(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    """Return the value that begins at a position, and the position after it. ValueError if there is none."""
    type_mark = data[at : at + 1]
    if depth > DEEPEST:
        raise ValueError("the value nests too deep")
    if type_mark == b"N":
        return None, at + 2
    end = data.index(b";" if type_mark in b"bid" else b":", at + 2)
    said = data[at + 2 : end]
    if type_mark in (b"i", b"b"):
        return (_number(said) if type_mark == b"i" else said == b"1"), end + 1
    if type_mark == b"d":
        return float(said), end + 1
    if type_mark == b"s":
        start = end + 2
        stop = start + _number(said, least=0)
        if data[stop : stop + 2] != b'";':
            raise ValueError(f"the text at {at} does not end where it says")
        return data[start:stop].decode(), stop + 2
    if type_mark == b"O":
        end = data.index(b":", end + 2 + _number(said, least=0))
        following = data.index(b":", end + 1)
        return _pairs(data, following + 2, _number(data[end + 1 : following], least=0), depth)
    if type_mark == b"a":
        return _pairs(data, end + 2, _number(said, least=0), depth)
    raise ValueError(f"no value begins at {at}")


def _number(said: bytes, *, least: int = SMALLEST) -> int:
    """Return a number of the value; lengths are not below 0, so that a value is read forwards. ValueError if it is none."""
    number = whole(said, least=least)
    if number is None:
        raise ValueError(f"{said[:40]!r} is no number")
    return number


def _pairs(data: bytes, at: int, number: int, depth: int) -> tuple[dict[Any, Any], int]:
    pairs: dict[Any, Any] = {}
    for _ in range(number):
        key, at = _value(data, at, depth + 1)
        pairs[key], at = _value(data, at, depth + 1)
    if data[at : at + 1] != b"}":
        raise ValueError(f"the list does not end at {at}")
    return pairs, at + 1
