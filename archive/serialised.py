"""Serialised PHP values, as the configuration of blocks and essays in lessons are: their texts and ids changed and their
lengths counted anew.

Nothing is unserialised: the text is copied, and only what stands between the quotes of a string, or is the number of a
property that was asked for, passes through a function.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from types import MappingProxyType

STRING = re.compile(rb's:([0-9]{1,9}):"')
NAMED = re.compile(rb'[OC]:([0-9]{1,9}):"')
NUMBER = re.compile(rb"i:(-?[0-9]{1,18});")
VALUE = re.compile(r'(?:a:[0-9]{1,9}:\{|[OCs]:[0-9]{1,9}:")')
"""The beginning of a serialised value that may hold texts."""

Change = Callable[[str], str]
Numbers = Mapping[str, Callable[[int], int]]


def rewrite_strings(
    encoded: str, change: Change = lambda text: text, *, numbers: Numbers = MappingProxyType({})
) -> str:
    """Base64 of a serialised value with each string changed, and the ids of the properties that `numbers` names; `rssid[]`
    are all those in the array that is the property `rssid`.

    What is no such value stays as it is.
    """
    try:
        data = base64.b64decode(encoded, validate=True)
        changed = _rewritten(data, change, numbers)
    except (binascii.Error, ValueError):
        return encoded
    return encoded if changed == data else base64.b64encode(changed).decode()


def rewrite_plain(text: str, change: Change) -> str:
    """Return a serialised value with each string changed. Raises ValueError if it is none."""
    return _rewritten(text.encode(), change, {}).decode()


def strings(encoded: str) -> dict[str, str]:
    """Return the text properties of a serialised value by name; nothing if it is no such value."""
    seen: list[str] = []

    def note(text: str) -> str:
        seen.append(text)
        return text

    rewrite_strings(encoded, note)
    return dict(pairwise(seen))


class _Place:
    """The position of the walk in a value: at a key, or behind one."""

    def __init__(self) -> None:
        self.key = False
        self.name = ""
        self.array = ""

    @property
    def value_of(self) -> str:
        """Return the name of the value that begins here; nothing for a key."""
        return "" if self.key else self.name or self.array

    def pass_by(self, mark: int) -> None:
        """Note what is between keys and values."""
        if mark == ord(";"):
            self.key = not self.key
        elif mark in b"{}":
            # What is behind either of them, if anything, is a key: of this array, or of the one that it is in.
            self.array = f"{self.name}[]" if mark == ord("{") and self.name else ""
            self.key, self.name = True, ""


def _rewritten(data: bytes, change: Change, numbers: Numbers) -> bytes:
    """Raises ValueError when a length leads nowhere or a string is no text."""
    out, position, place = bytearray(), 0, _Place()
    while position < len(data):
        asked = numbers.get(place.value_of)
        if found := NUMBER.match(data, position):
            out += b"i:%d;" % asked(int(found[1])) if asked else found[0]
            place.name = ""
            place.pass_by(ord(";"))
            position = found.end()
            continue
        found = STRING.match(data, position) or NAMED.match(data, position)
        if found is None:
            out.append(data[position])
            place.pass_by(data[position])
            position += 1
            continue
        start = found.end()
        end = start + int(found[1])
        if data[end : end + 1] != b'"':
            raise ValueError(f"the string at {position} does not end where it says")
        if found.re is STRING:
            text = data[start:end].decode()
            number = asked is not None and text.isascii() and text.isdigit()
            changed = str(asked(int(text))) if asked and number else change(text)
            place.name = text if place.key else ""
            out += b's:%d:"' % len(changed.encode()) + changed.encode() + b'"'
        else:
            out += data[position : end + 1]
        position = end + 1
    return bytes(out)
