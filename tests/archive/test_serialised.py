"""Serialised PHP values: texts change, their lengths are counted anew in bytes, and what is no such value stays."""

from __future__ import annotations

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.serialised import rewrite_strings, strings

Value = str | int | bool | float | None | dict[str, "Value"] | list["Value"]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUE = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(10**17), 10**17), TEXT),
    lambda inside: st.one_of(
        st.lists(inside, max_size=4), st.dictionaries(TEXT.filter(lambda t: t != "cmid"), inside, max_size=4)
    ),
    max_leaves=12,
)


def php(value: Value) -> bytes:
    """A value as PHP serialises it."""
    if value is None:
        return b"N;"
    if isinstance(value, bool):
        return b"b:%d;" % value
    if isinstance(value, int):
        return b"i:%d;" % value
    if isinstance(value, float):
        return b"d:%r;" % value
    if isinstance(value, str):
        encoded = value.encode()
        return b's:%d:"%s";' % (len(encoded), encoded)
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    inside = b"".join(php(key) + php(each) for key, each in pairs)
    return b"a:%d:{%s}" % (len(value), inside)


def configured(**properties: Value) -> str:
    """The configuration of a block, as its column has it."""
    inside = b"".join(php(name) + php(value) for name, value in properties.items())
    return base64.b64encode(b'O:8:"stdClass":%d:{%s}' % (len(properties), inside)).decode()


def packed(value: Value) -> str:
    return base64.b64encode(php(value)).decode()


def mapped(value: Value) -> Value:
    """A value with every text turned round, as `rewrite_strings` should make it."""
    if isinstance(value, str):
        return f"ä{value}"
    if isinstance(value, list):
        return [mapped(each) for each in value]
    if isinstance(value, dict):
        return {f"ä{key}": mapped(each) for key, each in value.items()}
    return value


@given(VALUE)
def test_every_text_changes_and_says_its_length_in_bytes(value: Value) -> None:
    assert rewrite_strings(packed(value), lambda text: f"ä{text}") == packed(mapped(value))


@given(VALUE)
def test_a_value_in_which_nothing_changes_stays_to_the_letter(value: Value) -> None:
    assert rewrite_strings(packed(value)) == packed(value)


@pytest.mark.parametrize("text", ["a", "ä", "€uro", "😀", 'a"; s:3:"x', "line\nline", ""])
def test_lengths_are_counted_anew(text: str) -> None:
    before, after = configured(title="Old", text="x"), configured(title=text, text="x")
    assert rewrite_strings(before, lambda old: text if old == "Old" else old) == after
    assert rewrite_strings(after, lambda old: "Old" if old == text else old) == before or text == ""


def test_the_ids_of_the_properties_that_are_asked_for_are_mapped_as_number_and_as_text() -> None:
    def moved(old: int) -> int:
        return old + 1000

    before = configured(cmid=12, quizid="34", size=12, title="12", text="cmid")
    after = configured(cmid=1012, quizid="1034", size=12, title="12", text="cmid")
    assert rewrite_strings(before, numbers={"cmid": moved, "quizid": moved}) == after


@pytest.mark.parametrize(
    "value",
    [
        {"cmid": None, "0": 7},
        {"cmid": [5, 6]},
        {"cmid": {"x": 5}},
        {"cmid": True},
        ["cmid", 5],
        {"text": "cmid", "5": 6},
        [["a", "cmid"], 5],
    ],
)
def test_only_the_number_right_behind_the_name_is_an_id(value: Value) -> None:
    assert rewrite_strings(packed(value), numbers={"cmid": lambda old: old + 1000}) == packed(value)


@pytest.mark.parametrize(
    ("value", "mapped"),
    [
        ({"rssid": ["5", 6], "size": 5}, {"rssid": ["1005", 1006], "size": 5}),
        ({"rssid": [], "other": [5]}, {"rssid": [], "other": [5]}),
        ({"rssid": "5"}, {"rssid": "5"}),
        ({"a": {"rssid": ["x", "5"]}, "b": ["5"]}, {"a": {"rssid": ["x", "1005"]}, "b": ["5"]}),
    ],
)
def test_the_ids_in_an_array_are_mapped_when_it_is_asked_for_as_one(value: Value, mapped: Value) -> None:
    assert rewrite_strings(packed(value), numbers={"rssid[]": lambda old: old + 1000}) == packed(mapped)


@pytest.mark.parametrize("number", ["²", "٣", "", "-5", "5.0", " 5", "x"])
def test_a_property_that_holds_no_number_is_an_ordinary_text(number: str) -> None:
    before = configured(cmid=number, title="a")
    changed = rewrite_strings(
        before, lambda text: "b" if text == "a" else text, numbers={"cmid": lambda old: 9}
    )
    assert changed == configured(cmid=number, title="b")


def test_texts_are_told_by_their_names() -> None:
    found = strings(configured(title="Hello", text="<p>€</p>"))
    assert (found["title"], found["text"]) == ("Hello", "<p>€</p>")


@pytest.mark.parametrize(
    "garbage",
    [
        "",
        "no base64!",
        "aGVsbG8",
        "$@NULL@$",
        base64.b64encode(b's:99:"short";').decode(),
        base64.b64encode(b's:3:"abcd";').decode(),
        base64.b64encode(b's:2:"\xff\xfe";').decode(),
        base64.b64encode(b'O:99:"stdClass":0:{}').decode(),
        base64.b64encode(b"just text").decode(),
        base64.b64encode(bytes(range(256))).decode(),
    ],
)
def test_what_is_no_such_value_stays(garbage: str) -> None:
    assert rewrite_strings(garbage, lambda text: f"{text}!") == garbage
    assert strings(garbage) == {}


@given(st.binary())
def test_whatever_comes_nothing_is_raised_and_nothing_changes_unasked(data: bytes) -> None:
    encoded = base64.b64encode(data).decode()
    assert base64.b64decode(rewrite_strings(encoded)) in (data, _canonical(data))


def _canonical(data: bytes) -> bytes:
    """The same with numbers written as PHP writes them: `i:007;` is `i:7;`."""
    return re.sub(rb"([is]):(-?)0*(\d)", rb"\1:\2\3", data)
