"""Lookups: names and files that a page mentions, loaded together when the first of them is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Load = Callable[[set[Any]], Mapping[Any, Any]]


class Later:
    """The result of a lookup for one key, loaded on first use. Supports str, bool, len and iteration."""

    __slots__ = ("_instead", "_key", "_lookup")

    def __init__(self, lookup: Lookup, key: Any, instead: Any = "") -> None:
        self._lookup = lookup
        self._key = key
        self._instead = instead

    @property
    def value(self) -> Any:
        """The value found for the key, or the replacement if there is none."""
        return self._lookup.find(self._key) or self._instead

    def __str__(self) -> str:
        return str(self.value)

    def __bool__(self) -> bool:
        return bool(self.value)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.value)

    def __len__(self) -> int:
        return len(self.value)


class Lookup:
    """Collects keys, and loads the values of all of them with one call of `load`."""

    def __init__(self, load: Load, *, nothing: Any = "") -> None:
        self._load = load
        self._nothing = nothing
        self._asked: set[Any] = set()
        self._found: dict[Any, Any] = {}

    def of(self, key: Any, instead: Any = "") -> Later:
        """Return the value of a key as a `Later`; it is `instead` if nothing is found."""
        if key not in self._found:
            self._asked.add(key)
        return Later(self, key, instead)

    def find(self, key: Any) -> Any:
        """Return the value of a key, loading all keys asked for so far; `nothing` if it is not found."""
        if key in self._asked:
            found = self._load(self._asked)
            self._found |= {asked: found.get(asked, self._nothing) for asked in self._asked}
            self._asked = set()
        return self._found.get(key, self._nothing)


class Phrase:
    """Text that contains names that are looked up later: `Phrase(person, ": ", grade)`."""

    __slots__ = ("_parts",)

    def __init__(self, *parts: Any) -> None:
        self._parts = parts

    def __str__(self) -> str:
        return "".join(str(part) for part in self._parts)
