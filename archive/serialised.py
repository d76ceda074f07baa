"""Rewrites texts and ids inside serialised PHP values, such as the configuration of blocks and essays in lessons.

Nothing is unserialised: the text is copied, and only the contents of strings and the numbers of named properties pass
through a function. The lengths of strings are updated.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from types import MappingProxyType

from archive.numbers import natural, whole_or

STRING = re.compile(rb's:([0-9]{1,9}):"')
NAMED = re.compile(rb'[OC]:([0-9]{1,9}):"')
NUMBER = re.compile(rb"i:(-?[0-9]{1,18});")
VALUE = re.compile(r'(?:a:[0-9]{1,9}:\{|[OCs]:[0-9]{1,9}:")')
"""Matches the beginning of a serialised value that may hold texts: an array, an object or a string."""

Change = Callable[[str], str]
Numbers = Mapping[str, Callable[[int], int]]


def rewrite_strings(
    encoded: str, change: Change = lambda text: text, *, numbers: Numbers = MappingProxyType({})
) -> str:
    """Return Base64 of a serialised value with each string passed through `change`.

    `numbers` has functions for ids by the name of their property; `rssid[]` names all ids in the array of property `rssid`.
    A text that is not Base64 of a serialised value is returned unchanged.
    """
    try:
        data = base64.b64decode(encoded, validate=True)
        changed = _rewritten(data, change, numbers)
    except (binascii.Error, ValueError):
        return encoded
    return encoded if changed == data else base64.b64encode(changed).decode()


def rewrite_plain(text: str, change: Change) -> str:
    """Return a serialised value, not in Base64, with each string changed. Raises ValueError if a length is wrong."""
    return _rewritten(text.encode(), change, {}).decode()


def texts(encoded: str) -> list[str]:
    """Return all strings of a serialised value, given in Base64, in their order, also names; empty for any other text."""
    seen: list[str] = []

    def note(text: str) -> str:
        seen.append(text)
        return text

    rewrite_strings(encoded, note)
    return seen


def strings(encoded: str) -> dict[str, str]:
    """Return the text properties of a serialised value, given in Base64, by name; empty for any other text."""
    return dict(pairwise(texts(encoded)))


def named_numbers(encoded: str) -> list[tuple[str, int]]:
    """Return the numbers of a serialised value, given in Base64, each with the name of its property."""
    noting = _NotedNumbers()
    rewrite_strings(encoded, numbers=noting)
    return noting.found


class _NotedNumbers(Mapping[str, Callable[[int], int]]):
    """Functions for the numbers of every property, which note the number and leave it as it is."""

    def __init__(self) -> None:
        self.found: list[tuple[str, int]] = []

    def __getitem__(self, name: str) -> Callable[[int], int]:
        if not name:
            raise KeyError(name)

        def note(number: int) -> int:
            self.found.append((name, number))
            return number

        return note

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


class _Position:
    """The position of the walk in a value: at a key, or at the value of a key."""

    def __init__(self) -> None:
        self.key = False
        self.name = ""
        self.array = ""

    @property
    def value_of(self) -> str:
        """Return the name of the value that begins here; "" for a key."""
        return "" if self.key else self.name or self.array

    def pass_by(self, mark: int) -> None:
        """Move past a character between keys and values."""
        if mark == ord(";"):
            self.key = not self.key
        elif mark in b"{}":
            # A key follows either brace: of this array, or of the array around it.
            self.array = f"{self.name}[]" if mark == ord("{") and self.name else ""
            self.key, self.name = True, ""


def _rewritten(data: bytes, change: Change, numbers: Numbers) -> bytes:
    """Return the value rewritten. Raises ValueError for a wrong length or a string that is not UTF-8."""
    out, position, place = bytearray(), 0, _Position()
    while position < len(data):
        new_number = numbers.get(place.value_of)
        if found := NUMBER.match(data, position):
            out += b"i:%d;" % new_number(whole_or(found[1])) if new_number else found[0]
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
        end = start + whole_or(found[1])
        if data[end : end + 1] != b'"':
            raise ValueError(f"the string at {position} does not end where it says")
        if found.re is STRING:
            text = data[start:end].decode()
            number = natural(text)
            changed = str(new_number(number)) if new_number and number is not None else change(text)
            place.name = text if place.key else ""
            out += b's:%d:"' % len(changed.encode()) + changed.encode() + b'"'
        else:
            out += data[position : end + 1]
        position = end + 1
    return bytes(out)
