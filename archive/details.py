"""The details by which people are known, found in texts of an archive and replaced there.

A detail is found as whole words, in any case, and however a text encodes it: as HTML or XML entities, `%40` of an address,
`\\u00e9` of JSON, with other separators between its words ("Ada Lovelace", "Lovelace, Ada", "ada_lovelace.pdf").
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from html.entities import codepoint2name
from typing import NamedTuple
from urllib.parse import quote

FULL_NAME = "full name"
TELEPHONE = "telephone number"

KINDS: dict[str, str] = {
    "username": "user name",
    "email": "e-mail address",
    "phone1": TELEPHONE,
    "phone2": TELEPHONE,
    "idnumber": "id number",
    "lastip": "IP address",
    "address": "postal address",
    "icq": "messenger name",
    "skype": "messenger name",
    "yahoo": "messenger name",
    "aim": "messenger name",
    "msn": "messenger name",
}
"""The columns of an account, which are the elements of a user in `users.xml`, that tell who somebody is; each with its kind.

First and family names are words of the language too, so they are details together only. The messengers are columns of Moodle
before 4.0.
"""

SINGLE_NAMES: dict[str, str] = {"firstname": "first name", "lastname": "family name"}
"""Columns that are details only when asked for, since they are words of the language as well."""

SHORTEST = 3
"""Characters of the shortest detail that is looked for."""

SHORTEST_NUMBER = 5
"""Digits of the shortest detail that is a number; shorter ones are in every text."""

TELEPHONE_DIGITS = 6
SUBSCRIBER_DIGITS = 8
"""Digits from the end by which telephone numbers are compared if they have as many: +43 660 … and 0660 … are one number."""

_TOKEN = re.compile(r"[^\W_]+")
_ENCODED = re.compile(r"%[0-9a-f]{2}|\\u[0-9a-f]{4}|\\[nrt]", re.IGNORECASE)
_TELEPHONE = re.compile(r"(?<![\w.])\+?\(?\d(?:[\s()./\-]{0,3}\d){5,19}(?![\w])")

_SEPARATOR = r"(?:&(?:amp;)?(?:\w{2,6}|#\w{1,5});|%[0-9a-f]{2}|\\u[0-9a-f]{4}|\\[nrt]|[\W_]){1,4}"
_BEFORE = r"(?:(?<![^\W_])|(?<=%[0-9a-f]{2})|(?<=\\u[0-9a-f]{4})|(?<=\\[nrt]))"
_AFTER = r"(?![^\W_])"


class Detail(NamedTuple):
    """One detail of a person. A full name has two parts, the first of `words` words; `family_first` is their order."""

    person: int
    kind: str
    text: str
    words: int = 0
    family_first: bool = False

    @property
    def plain(self) -> bool:
        """Whether the detail is a word of letters only, which texts that are not people's own may use for something else."""
        return self.kind != FULL_NAME and self.text.isalpha()


class Hit(NamedTuple):
    """A place in a text where a detail stands."""

    start: int
    end: int
    detail: Detail


class Pseudonyms(NamedTuple):
    """What stands for a person in an anonymous archive: the number, and the names that are made of it."""

    number: int
    username: str
    email: str
    firstname: str
    lastname: str


def details_of(
    person: int, columns: Mapping[str, str | None], *, single_names: bool = False
) -> Iterator[Detail]:
    """Yield the details of a person: full names in either order, and every column of `KINDS` that is long enough.

    `columns` are the texts of the account by column. With `single_names` also first and family names by themselves.
    """
    known = {name: text.strip() for name, text in columns.items() if text and text.strip()}
    last, first = known.get("lastname", ""), known.get("firstname", "")
    middle, called = known.get("middlename", ""), known.get("alternatename", "")
    given = dict.fromkeys(name for name in (f"{first} {middle}" if middle else "", first, called) if name)
    for name in given if last else ():
        yield Detail(person, FULL_NAME, f"{name} {last}", len(_words(name)))
        yield Detail(person, FULL_NAME, f"{last} {name}", len(_words(last)), family_first=True)
    for column, kind in {**KINDS, **(SINGLE_NAMES if single_names else {})}.items():
        text = known.get(column, "")
        shortest = SHORTEST_NUMBER if text.isdigit() else SHORTEST
        if len(text) >= shortest and _words(text):
            yield Detail(person, kind, text)


class KnownDetails:
    """The details of many people, ready to be found in texts.

    Equal texts of several people are the detail of the first. Memory: some hundred bytes for each detail.
    """

    def __init__(self, details: Iterable[Detail]) -> None:
        self.details: list[Detail] = []
        self._by_first_word: defaultdict[str, list[int]] = defaultdict(list)
        self._by_digits: dict[str, int] = {}
        seen: set[tuple[bool, tuple[str, ...]]] = set()
        for detail in details:
            words = (detail.kind == TELEPHONE, tuple(_words(detail.text)))
            if words not in seen:
                seen.add(words)
                self._enter(detail)
        self._compiled = lru_cache(maxsize=4096)(self._compile)

    def _enter(self, detail: Detail) -> None:
        number = len(self.details)
        self.details.append(detail)
        if detail.kind == TELEPHONE:
            digits = "".join(filter(str.isdecimal, detail.text))
            if len(digits) >= TELEPHONE_DIGITS:
                self._by_digits.setdefault(digits[-SUBSCRIBER_DIGITS:], number)
            return
        for word in _first_words(_words(detail.text)[0]):
            self._by_first_word[word].append(number)

    def find(self, text: str, *, own: bool = True) -> list[Hit]:
        """Return the details in a text, in their order, none inside another.

        `own` says that the text is somebody's own; in other texts, words of letters only are not details (`Detail.plain`).
        """
        search = self.search_for(text, own=own)
        return search(text) if search else []

    def search_for(self, text: str, *, own: bool = True) -> Callable[[str], list[Hit]] | None:
        """Return a function that finds the details in any part of `text`; None if `text` has none.

        It is faster to ask once for a long text than for each of its parts.
        """
        words = self._by_first_word.keys() & _words(text)
        numbers = sorted(
            {
                number
                for word in words
                for number in self._by_first_word[word]
                if own or not self.details[number].plain
            }
        )
        telephones = bool(self._by_digits) and _TELEPHONE.search(text) is not None
        if not numbers and not telephones:
            return None
        expression = self._compiled(tuple(numbers)) if numbers else None
        return lambda part: self._found(part, expression, telephones=telephones)

    def _found(self, text: str, expression: re.Pattern[str] | None, *, telephones: bool) -> list[Hit]:
        found = expression.finditer(text) if expression else ()
        hits = [Hit(*match.span(), self.details[int(str(match.lastgroup)[1:])]) for match in found]
        if telephones:
            for match in _TELEPHONE.finditer(text):
                digits = "".join(filter(str.isdecimal, match[0]))
                number = self._by_digits.get(digits[-SUBSCRIBER_DIGITS:])
                if number is not None and not any(
                    hit.start < match.end() and match.start() < hit.end for hit in hits
                ):
                    hits.append(Hit(*match.span(), self.details[number]))
            hits.sort()
        return hits

    def _compile(self, numbers: tuple[int, ...]) -> re.Pattern[str]:
        """Return one expression for these details, the longest first, with a group named by its number for each."""
        ordered = sorted(numbers, key=lambda number: (-len(self.details[number].text), number))
        found = "|".join(f"(?P<d{number}>{_expression(self.details[number].text)})" for number in ordered)
        return re.compile(f"{_BEFORE}(?:{found}){_AFTER}", re.IGNORECASE)


def replaced(text: str, hits: Iterable[Hit], pseudonyms: Callable[[int], Pseudonyms]) -> str:
    """Return a text with each hit replaced by the person's pseudonym of its kind; separators inside full names stay."""
    parts, position = [], 0
    for hit in hits:
        parts += [text[position : hit.start], _substitute(text[hit.start : hit.end], hit.detail, pseudonyms)]
        position = hit.end
    return "".join([*parts, text[position:]])


def _substitute(text: str, detail: Detail, pseudonyms: Callable[[int], Pseudonyms]) -> str:
    """Return what stands instead of a detail that was found as `text`."""
    names = pseudonyms(detail.person)
    if detail.kind == FULL_NAME:
        former, latter = (names.firstname, names.lastname)[:: -1 if detail.family_first else 1]
        return f"{former}{_between(text, detail)}{latter}"
    if detail.kind == KINDS["email"]:
        return names.email
    if detail.kind == SINGLE_NAMES["firstname"]:
        return names.firstname
    return names.lastname if detail.kind == SINGLE_NAMES["lastname"] else names.username


def _between(text: str, detail: Detail) -> str:
    """Return the separator between the two parts of a full name that was found as `text`."""
    words = _words(detail.text)
    former, latter = words[: detail.words], words[detail.words :]
    match = re.fullmatch(f"{_joined(former)}({_SEPARATOR}){_joined(latter)}", text, re.IGNORECASE)
    return match[1] if match else " "


def _words(text: str) -> list[str]:
    """Return the words of a text in lower case, without what encodes other characters: `ada%20lovelace` has two."""
    if "%" in text or "\\" in text:
        text = _ENCODED.sub(" ", text)
    return _TOKEN.findall(text.lower())


def _expression(text: str) -> str:
    """Return the regular expression of a detail's words, however they are encoded and separated."""
    return _joined(_words(text))


def _joined(words: Iterable[str]) -> str:
    return _SEPARATOR.join("".join(map(_character, word)) for word in words)


@lru_cache(maxsize=4096)
def _character(character: str) -> str:
    """Return the regular expression of one character: as it is, or in any of the encodings of a character."""
    if character.isascii():
        return re.escape(character)
    cases = dict.fromkeys((character, character.lower(), character.upper()))
    found = [encoded for case in cases for encoding in _ENCODINGS for encoded in (encoding(case),) if encoded]
    return f"(?:{'|'.join(map(re.escape, dict.fromkeys(found)))})"


def _first_words(word: str) -> set[str]:
    """Return the first words that `_words` finds where `word` stands in any encoding."""
    if word.isascii():
        return {word}
    cases = {word, word.upper(), word.capitalize()}
    spelled = ("".join(encoding(each) or each for each in case) for case in cases for encoding in _ENCODINGS)
    return {words[0] for spelling in spelled if (words := _words(spelling))}


def _named(character: str) -> str:
    """Return the HTML entity that has a name, `&eacute;`; "" if there is none."""
    name = "" if character.isascii() else codepoint2name.get(ord(character), "")
    return name and f"&{name};"


def _numbered(form: str) -> Callable[[str], str]:
    """Return an encoding of characters outside ASCII by their number, `&#{}` or `\\u{:04x}`."""
    return lambda character: character if character.isascii() else form.format(ord(character))


_ENCODINGS: tuple[Callable[[str], str], ...] = (
    str,
    lambda character: unicodedata.normalize("NFD", character),
    _named,
    lambda character: _named(character).replace("&", "&amp;"),
    *map(_numbered, ("&#{};", "&amp;#{};", "&#x{:x};", "&amp;#x{:x};", "\\u{:04x}")),
    quote,
)
"""The encodings of a character in texts of an archive; HTML stands there with its own `&` escaped."""
