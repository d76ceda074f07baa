"""Details of people are found in texts however they are written, and as fast if many people share a word."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive import spellings
from archive.details import FULL_NAME, Hit, KnownDetails, PersonDetail, details_of

NAMES = (
    "Ada",
    "Lovelace",
    "Müller",
    "Éva",
    "王伟",
    "Anna-Lena",
    "O'Neill",
    "van der Berg",
    "Ada Maria",
    "Šimůnek",
    "Straße",
    "Iş\u0131l",
    "\u0131lker77",
    "\u017fmith",
)
WORDS = (
    *NAMES,
    "uni-2024-0001",
    "uni-2024-0002",
    "uni-2024-0003",
    "ada@example.org",
    "lovelace",
    "amp",
    "2024",
    "text",
)


def slowly(known: KnownDetails, text: str) -> list[Hit]:
    """The hits in a text, by trying every detail at every word."""
    hits: list[Hit] = []
    end = 0
    for token in spellings.TOKEN.finditer(spellings.lowered(text)):
        if token.start() < end:
            continue
        numbers = range(len(known.details))
        found = [
            hit for number in numbers if (hit := known._at(text, end, token.start(), number)) is not None
        ]
        if found:
            hits.append(max(found, key=lambda hit: (hit.end - hit.start, -hit.start)))
            end = hits[-1].end
    return hits


def spans(hits: Iterable[Hit], text: str) -> list[str]:
    return [text[hit.start : hit.end] for hit in hits]


def entities(text: str, form: str) -> str:
    return "".join(each if each.isascii() else form.format(ord(each)) for each in text)


def mixed(text: str) -> str:
    """Every second letter that is not ASCII as an entity, as pages in Latin-1 have it."""
    place = 0
    parts = []
    for each in text:
        place += not each.isascii()
        parts.append(f"&amp;#{ord(each)};" if not each.isascii() and place % 2 else each)
    return "".join(parts)


ENCODED = st.sampled_from(
    [
        str,
        mixed,
        lambda text: text.replace("\\", "&#92;"),
        str.upper,
        escape,
        lambda text: entities(text, "&#{};"),
        lambda text: entities(text, "&amp;#x{:x};"),
        # A word of such letters only has nothing left by which it is looked for (docs/performance.md).
        lambda text: (
            text if re.search(r"(?:^|\W)[^\x00-\x7f]+(?:\W|$)", text) else entities(text, "\\u{:04x}")
        ),
        lambda text: text.replace(" ", "&amp;nbsp;"),
        lambda text: text.replace(" ", "%20"),
    ]
)
PEOPLE = st.lists(
    st.fixed_dictionaries(
        {
            "firstname": st.sampled_from(NAMES),
            "lastname": st.sampled_from(NAMES),
            "username": st.sampled_from(WORDS),
            "idnumber": st.sampled_from(WORDS),
            "email": st.sampled_from(["ada@example.org", "a.müller@example.org", "ada.lovelace@example.org"]),
            "address": st.sampled_from(["", "12 Main Street", "Hauptstraße 5", "12 Long Road"]),
        }
    ),
    max_size=6,
)
TEXTS = st.lists(
    st.builds(
        lambda word, encode, between: encode(word) + between,
        st.sampled_from(
            [
                *WORDS,
                "Ada Lovelace",
                "Lovelace, Ada",
                "Éva Müller",
                "\u0131ş\u0131l",
                "ilker77",
                "Smith",
                "12 Main Street",
                "12 Long Road",
                "&amp;",
                *("and so on " * many for many in (33, 66, 100)),
            ]
        ),
        ENCODED,
        st.sampled_from([" ", ", ", "_", "&nbsp;", "&amp;nbsp;", "-", ". ", "%20", "\\n"]),
    ),
    max_size=8,
).map("".join)


@settings(max_examples=300, derandomize=True)
@given(PEOPLE, TEXTS)
def test_what_is_found_is_what_is_found_when_every_detail_is_tried_at_every_word(
    people: list[dict[str, str]], text: str
) -> None:
    known = KnownDetails(
        detail for number, columns in enumerate(people) for detail in details_of(number, columns)
    )
    assert spans(known.find(text), text) == spans(slowly(known, text), text)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("&amp;#{};", "M&amp;#252;ller, Éva said"),
        ("&amp;#{};", "&amp;#201;va M&amp;#252;ller said"),
        ("entity", "&amp;Eacute;va&amp;nbsp;M&amp;uuml;ller"),
        ("json", "\\u00c9va M\\u00fcller"),
    ],
)
def test_an_encoded_letter_at_the_start_of_a_name_belongs_to_it(form: str, text: str) -> None:
    known = KnownDetails(details_of(1, {"firstname": "Éva", "lastname": "Müller"}))
    (hit,) = known.find(text)
    assert hit.detail.kind == FULL_NAME
    assert text[hit.start : hit.end] == text.removesuffix(" said")


@pytest.mark.parametrize(
    ("columns", "text", "found"),
    [
        ({"firstname": "Jan", "lastname": "Řehák"}, "&amp;#344;ehák Jan psal", "&amp;#344;ehák Jan"),
        ({"firstname": "Şükrü", "lastname": "Çelik"}, "an &#350;ükrü Çelik", "&#350;ükrü Çelik"),
        ({"firstname": "Çağlar", "lastname": "Kaya"}, "Ça&amp;#287;lar Kaya", "Ça&amp;#287;lar Kaya"),
        ({"firstname": "Çağlar", "lastname": "Kaya"}, "Ça&#287;lar Kaya", "Ça&#287;lar Kaya"),
        ({"firstname": "Ayşe", "lastname": "YILMAZ"}, "von Ayşe Y\u0131lmaz", "Ayşe Y\u0131lmaz"),
        ({"email": "ali.yilmaz@uni.tr"}, "ali.y\u0131lmaz@uni.tr", "ali.y\u0131lmaz@uni.tr"),
        ({"username": "uni\\tomas"}, "uni&#92;tomas", "uni&#92;tomas"),
        ({"username": "uni\\tomas"}, "uni%5Ctomas", "uni%5Ctomas"),
        ({"username": "ada@x.org"}, "a@y.de&amp;ada@x.org; b", "ada@x.org"),
        ({"username": "lovelace"}, "Babbage&amp;lovelace;", "lovelace"),
    ],
)
def test_a_detail_is_found_among_others_however_its_letters_are_mixed(
    columns: dict[str, str], text: str, found: str
) -> None:
    others = (
        {
            "firstname": name,
            "lastname": f"Kolar{number}",
            "username": f"uni\\jan{number}",
            "email": f"ali.kaya{number}@uni.tr",
        }
        for number, name in enumerate(["Jan", "Ayşe", "Çağlar", "Şükrü"] * 20)
    )
    people = enumerate([columns, *others])
    known = KnownDetails(detail for number, one in people for detail in details_of(number, one))
    assert [(text[hit.start : hit.end], hit.detail.person) for hit in known.find(text)] == [(found, 0)]


def test_an_address_that_moodle_does_not_know_is_no_detail() -> None:
    """It writes 0.0.0.0, which many texts have as a version number; nobody has it as an address, but as a user name one may."""
    assert [*details_of(1, {"lastip": "0.0.0.0"})] == []
    assert [one.text for one in details_of(1, {"lastip": "10.0.0.1"})] == ["10.0.0.1"]
    assert [one.text for one in details_of(1, {"username": "0.0.0.0"})] == ["0.0.0.0"]


@pytest.mark.parametrize(
    ("detail", "text"),
    [
        ("Iş\u0131l Y\u0131lmaz", "von \u0131ş\u0131l y\u0131lmaz"),
        ("ilker77", "von \u0131lker77"),
        ("smith77", "von \u017fmith77"),
    ],
)
def test_a_letter_that_an_expression_takes_for_another_hides_nobody(detail: str, text: str) -> None:
    known = KnownDetails([PersonDetail(1, FULL_NAME, detail, 1)])
    assert spans(known.find(text), text) == [text.removeprefix("von ")]


@pytest.mark.parametrize("before", [0, 1, 99, 100, 101, 350])
def test_a_detail_is_found_wherever_it_stands_in_a_long_text(before: int) -> None:
    known = KnownDetails([PersonDetail(1, FULL_NAME, "Ada Lovelace", 1)])
    text = "Ada said: " + "so " * before + "Lovelace, Ada. Ada " + "so " * before + "Ada Lovelace"
    assert spans(known.find(text), text) == ["Ada Lovelace"]


def test_a_detail_without_words_is_none() -> None:
    columns = {"firstname": ".", "lastname": ".", "username": "ada"}
    assert spans(KnownDetails(details_of(1, columns)).find("ada . ."), "ada . .") == ["ada"]


def test_a_name_is_found_once_if_a_part_of_its_encoding_follows_it() -> None:
    known = KnownDetails([PersonDetail(1, "user name", "Éva")])
    assert [hit[:2] for hit in known.find("Éva e va 233 eacute")] == [(0, 3)]


def test_an_entity_stays_even_if_somebody_is_called_so() -> None:
    known = KnownDetails([PersonDetail(1, "user name", "amp"), PersonDetail(2, "user name", "quot")])
    text = "amp &amp; &amp;amp; &quot;amp&quot; amp;"
    assert [hit[:2] for hit in known.find(text)] == [(0, 3), (26, 29), (36, 39)]


@pytest.mark.parametrize(
    ("firstname", "username", "text"),
    [
        ("Müller", "u{}", "&amp;" * 200 + " &amp;nbsp; and &amp;lt;b&amp;gt;"),
        ("Ada", "uni-2024-{:05}", "In 2024 uni-2024 began. uni uni uni-2024-99999 " * 20),
        ("Ada", "tool_generator_{:06}", "A tool is a generator, and a tool_generator_ is a tool. " * 20),
        ("Šárka", "s{}", "A s. o. s., e. g. a &amp;scaron;; &amp;Scaron;e. " * 20),
        ("Student", "s{}", "A student, and a Student 99999, and students. " * 20),
    ],
)
def test_a_word_that_thousands_share_does_not_let_all_of_them_be_tried(
    firstname: str, username: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = (
        {"firstname": firstname, "lastname": f"L{number}", "username": username.format(number)}
        for number in range(3000)
    )
    known = KnownDetails(
        detail for number, columns in enumerate(people) for detail in details_of(number, columns)
    )
    tried = 0
    at = known._at

    def counting(text: str, first: int, position: int, number: int) -> Hit | None:
        nonlocal tried
        tried += 1
        return at(text, first, position, number)

    monkeypatch.setattr(known, "_at", counting)
    assert known.find(text) == []
    assert tried <= 2 * len(re.findall(r"\w+", text))


def test_a_detail_is_found_among_thousands_that_begin_as_it_does() -> None:
    known = KnownDetails(PersonDetail(number, "id number", f"uni-2024-{number:05}") for number in range(3000))
    text = "see uni-2024-01234, UNI-2024-02999 and uni&#45;2024&amp;#45;00007"
    assert [hit.detail.person for hit in known.find(text)] == [1234, 2999, 7]
