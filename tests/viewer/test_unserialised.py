"""Serialised PHP values: read whole, or refused; never half."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from viewer import unserialised


def written(value: Any) -> str:
    """The value as PHP would write it."""
    if value is None:
        return "N;"
    if isinstance(value, bool):
        return f"b:{int(value)};"
    if isinstance(value, int):
        return f"i:{value};"
    if isinstance(value, float):
        return f"d:{value!r};"
    if isinstance(value, str):
        return f's:{len(value.encode())}:"{value}";'
    inside = "".join(written(key) + written(one) for key, one in value.items())
    return f"a:{len(value)}:{{{inside}}}"


WORDS = some.text(some.characters(exclude_categories=["Cs"]))
VALUES = some.recursive(
    some.none() | some.booleans() | some.integers(-(2**60), 2**60) | WORDS,
    lambda inner: some.dictionaries(some.integers(0, 99) | WORDS, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_what_is_written_is_read(value: Any) -> None:
    assert unserialised.read(written(value)) == value
    assert unserialised.read_encoded(base64.b64encode(written(value).encode()).decode()) == value


def test_an_object_is_read_as_what_is_in_it() -> None:
    text = 'O:8:"stdClass":2:{s:5:"title";s:3:"a\u00fc";s:5:"score";d:1.5;}'
    assert unserialised.read(text) == {"title": "a\u00fc", "score": 1.5}


@pytest.mark.parametrize("text", ["", "hello", "s:9:", "a:2:{i:0;", "i:x;", "O:x", "a:1:{" * 80, "x:1;"])
def test_what_is_no_such_value_is_none(text: str) -> None:
    assert unserialised.read(text) is None
    assert unserialised.read_encoded(text) is None


@given(some.text(alphabet='saOibdN:;{}"0123456789-', max_size=40))
def test_damaged_values_raise_nothing(text: str) -> None:
    unserialised.read(text)
