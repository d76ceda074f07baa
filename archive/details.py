"""The details by which people are known, found in texts of an archive and replaced there.

A detail is found as whole words, in any case, and however a text encodes it: as HTML or XML entities, `%40` of an address,
`\\u00e9` of JSON, with other separators between its words ("Ada Lovelace", "Lovelace, Ada", "ada_lovelace.pdf").
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, KeysView, Mapping, Sequence
from html.entities import html5
from itertools import chain
from typing import NamedTuple

from archive.spellings import (
    ENCODED,
    LONGEST_ENCODING,
    SEPARATOR,
    TOKEN,
    character_as,
    lowered,
    spellings,
    with_plain_letters,
    words_as,
    words_of,
)

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

NO_ADDRESSES = frozenset({"0.0.0.0", "0:0:0:0:0:0:0:0"})  # noqa: S104 - nothing is bound to it
"""What Moodle stores as an IP address that it does not know, also in the accounts that its generator of test data makes. It is
nobody's, and a version number in many texts."""

SHORTEST = 3
"""Letters and digits of the shortest detail that is looked for."""

SHORTEST_NUMBER = 5
"""Digits of the shortest detail that is a number; shorter ones are in every text."""

TELEPHONE_DIGITS = 6
SUBSCRIBER_DIGITS = 8
"""Digits from the end by which telephone numbers are compared if they have as many: +43 660 … and 0660 … are one number."""

MOST_BETWEEN = 8
"""Words that `words_of` finds at most where a separator stands between two words of a detail: `&amp;nbsp;` has two, of four."""

MOST_WORDS = 100
"""Words of a text, from the first of a detail, among which one of its words is looked for."""

MANY = 50
"""Details with the same word from which on a short word tells them apart better."""

WORDS_OF_CHARACTER = 3
"""Words that the encoding of a character adds, as a rule: `&amp;uuml;` in a word makes three of it, and so four of one."""

ANY = ""
"""Stands for the word of details that have none by which they are found."""

_TELEPHONE = re.compile(r"(?<![\w.])\+?\(?\d(?:[\s()./\-]{0,3}\d){5,19}(?![\w])")

_BEFORE = r"(?:(?<![^\W_])|(?<=%[0-9a-f]{2})|(?<=\\u[0-9a-f]{4})|(?<=\\[nrt]))"
_AFTER = r"(?![^\W_])"


class PersonDetail(NamedTuple):
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
    detail: PersonDetail

    def overlaps(self, other: Hit) -> bool:
        """Whether two hits have a character in common."""
        return self.start < other.end and other.start < self.end


class Pseudonyms(NamedTuple):
    """The number of a person in an anonymous archive, and the names that are made of it."""

    number: int
    username: str
    email: str
    firstname: str
    lastname: str


def details_of(
    person: int, columns: Mapping[str, str | None], *, single_names: bool = False
) -> Iterator[PersonDetail]:
    """Yield the details of a person: full names in either order, and every column of `KINDS` that is long enough.

    `columns` are the texts of the account by column. With `single_names` also first and family names by themselves.
    """
    known = {name: text.strip() for name, text in columns.items() if text and text.strip()}
    last, first = known.get("lastname", ""), known.get("firstname", "")
    middle, called = known.get("middlename", ""), known.get("alternatename", "")
    given = dict.fromkeys(name for name in (f"{first} {middle}" if middle else "", first, called) if name)
    for name in given if last else ():
        yield PersonDetail(person, FULL_NAME, f"{name} {last}", len(words_of(name)))
        yield PersonDetail(person, FULL_NAME, f"{last} {name}", len(words_of(last)), family_first=True)
    for column, kind in {**KINDS, **(SINGLE_NAMES if single_names else {})}.items():
        text = known.get(column, "")
        shortest = SHORTEST_NUMBER if text.isdigit() else SHORTEST
        if sum(map(len, words_of(text))) >= shortest and not (column == "lastip" and text in NO_ADDRESSES):
            yield PersonDetail(person, kind, text)


Candidates = dict[str, dict[str, list[int]]]
"""Numbers of details by their first word, and by the one of their words that fewest others have, if it is near; else by ANY.

The first word alone says little: that of thousands of user names and id numbers may be the same.
"""


class _Wanted(NamedTuple):
    """The details to look for in a text: candidates, all words that they need near their first ones, and telephone numbers."""

    candidates: Candidates
    near: frozenset[str]
    telephones: bool


class KnownDetails:
    """The details of many people, ready to be found in texts.

    Equal texts of several people are the detail of the first. Memory: less than a kilobyte for each detail, more for those that
    texts have.
    """

    def __init__(self, details: Iterable[PersonDetail]) -> None:
        entered: dict[tuple[bool, tuple[str, ...]], PersonDetail] = {}
        for detail in details:
            key = (detail.kind == TELEPHONE, tuple(words_of(detail.text)))
            if key[1]:
                entered.setdefault(key, detail)
        self.details = [*entered.values()]
        self._by_first_word = self._indexed([words for _, words in entered])
        self._by_digits = self._telephones_known()
        self._expressions: dict[int, re.Pattern[str]] = {}

    def _telephones_known(self) -> dict[str, int]:
        """Return the details that are telephone numbers, by their last digits."""
        found: dict[str, int] = {}
        for number, detail in enumerate(self.details):
            digits = "".join(filter(str.isdecimal, detail.text)) if detail.kind == TELEPHONE else ""
            if len(digits) >= TELEPHONE_DIGITS:
                found.setdefault(digits[-SUBSCRIBER_DIGITS:], number)
        return found

    def _indexed(self, words: Sequence[Sequence[str]]) -> Candidates:
        """Return the details that are words, by their first words, and by the rarest of those that follow.

        `words` are those of each detail.
        """
        counts = Counter(chain.from_iterable(words))
        spelled = {first: _plain_spellings(first) for first in {own[0] for own in words}}
        for spelling in chain.from_iterable(spelled.values()):
            counts.update(spelling[1:])
        # Short ones, as `e` and `a`, are in every text: they are taken only where the others are those of many.
        often = {word: count + (MANY if len(word) < SHORTEST else 0) for word, count in counts.items()}
        found: defaultdict[str, defaultdict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for number, detail in enumerate(self.details):
            if detail.kind == TELEPHONE:
                continue
            near = tuple(_near_words(detail))
            for first, *others in spelled[words[number][0]]:
                rarest = min((*near, *others), key=often.__getitem__, default=ANY)
                found[first][rarest].append(number)
        return {first: dict(numbers) for first, numbers in found.items()}

    def find(self, text: str, *, own: bool = True) -> list[Hit]:
        """Return the details in a text, in their order, none inside another.

        `own` says that the text is somebody's own; in other texts, words of letters only are no details
        (`PersonDetail.plain`).
        """
        words = _plain_words(text)
        wanted = self._wanted(text, words, own=own)
        return self._found(text, words, wanted) if wanted else []

    def search_for(self, text: str, *, own: bool = True) -> Callable[[str], list[Hit]] | None:
        """Return a function that finds the details in any part of `text`; None if `text` has none.

        It is faster to ask once for a long text than for each of its parts.
        """
        wanted = self._wanted(text, _plain_words(text), own=own)
        return (lambda part: self._found(part, _plain_words(part), wanted)) if wanted else None

    def _wanted(self, text: str, words: Iterable[str], *, own: bool) -> _Wanted | None:
        """Return the details whose first word, and one more of their words, are in a text; None without any."""
        there = {ANY, *words}
        candidates: Candidates = {}
        for first in self._by_first_word.keys() & there:
            by_word = self._by_first_word[first]
            found = {
                word: [number for number in by_word[word] if own or not self.details[number].plain]
                for word in by_word.keys() & there
            }
            if found := {word: numbers for word, numbers in found.items() if numbers}:
                candidates[first] = found
        telephones = bool(self._by_digits) and _TELEPHONE.search(text) is not None
        if not candidates and not telephones:
            return None
        return _Wanted(candidates, frozenset(chain.from_iterable(candidates.values())), telephones)

    def _found(self, text: str, words: Sequence[str], wanted: _Wanted) -> list[Hit]:
        """Return the hits in a text; `words` are its `_plain_words`."""
        hits: list[Hit] = []
        end = 0
        places = [place for place, word in enumerate(words) if word in wanted.candidates]
        near = _NearWords(words, wanted.near if places else frozenset())
        starts: list[int] = []
        for index in places:
            if starts and starts[index] < end:
                continue
            by_word = wanted.candidates[words[index]]
            numbers = sorted({number for word in by_word.keys() & near.at(index) for number in by_word[word]})
            if not numbers:
                continue
            # Few texts have a detail, so it is rarely asked where their words are.
            starts = starts or [token.start() for token in TOKEN.finditer(lowered(text))]
            matches = [
                hit for number in numbers if (hit := self._at(text, end, starts[index], number)) is not None
            ]
            if matches:
                hits.append(max(matches, key=lambda hit: (hit.end - hit.start, -hit.start)))
                end = hits[-1].end
        if wanted.telephones:
            hits += [hit for hit in self._telephones(text) if not any(hit.overlaps(other) for other in hits)]
            hits.sort()
        return hits

    def _at(self, text: str, first: int, position: int, number: int) -> Hit | None:
        """Return the hit of a detail whose first word is at a position.

        The first character may be encoded, and so begin before that, from the position `first` on.
        """
        expression = self._expressions.get(number)
        if expression is None:
            expression = self._expressions[number] = _expression(self.details[number])
        match = expression.match(text, position)
        if match is None and not self.details[number].text.lstrip()[0].isascii():
            starts = range(max(first, position - LONGEST_ENCODING), position)
            match = next(filter(None, (expression.match(text, start) for start in starts)), None)
        if match is None or _is_entity(text, *match.span()):
            return None
        return Hit(*match.span(), self.details[number])

    def _telephones(self, text: str) -> Iterator[Hit]:
        for match in _TELEPHONE.finditer(text):
            digits = "".join(filter(str.isdecimal, match[0]))
            number = self._by_digits.get(digits[-SUBSCRIBER_DIGITS:])
            if number is not None:
                yield Hit(*match.span(), self.details[number])


class _NearWords:
    """Counts which of `some` words stand within MOST_WORDS words of a text from a place on; the place only moves forward."""

    def __init__(self, words: Sequence[str], some: frozenset[str]) -> None:
        self._places = [(place, word) for place, word in enumerate(words) if word in some]
        self._counts = Counter([ANY])
        self._before = self._after = 0
        """The first of `_places` that is counted, and the first behind those."""

    def at(self, index: int) -> KeysView[str]:
        """Return the words within MOST_WORDS from `index` on, which is not less than in the calls before; ANY is among them."""
        places, counts = self._places, self._counts
        while self._after < len(places) and places[self._after][0] < index + MOST_WORDS:
            counts[places[self._after][1]] += 1
            self._after += 1
        while self._before < self._after and places[self._before][0] < index:
            word = places[self._before][1]
            counts[word] -= 1
            if not counts[word]:
                del counts[word]
            self._before += 1
        return counts.keys()


def _plain_spellings(word: str) -> set[tuple[str, ...]]:
    """Return the `spellings` of a word in plain letters."""
    return {tuple(map(with_plain_letters, spelling)) for spelling in spellings(word)}


def _plain_words(text: str) -> list[str]:
    """Return the words of a text as details are looked for by them: as `words_of`, with plain letters."""
    return TOKEN.findall(with_plain_letters(lowered(text)))


def _is_entity(text: str, start: int, end: int) -> bool:
    """Whether a word is the name of an entity of HTML: the `amp` of `&amp;` stays, even if somebody is called so."""
    if not (text.startswith(";", end) and text.endswith(("&", "&amp;"), 0, start)):
        return False
    return any(f"{name};" in html5 for name in (text[start:end], text[start:end].lower()))


def replaced(text: str, hits: Iterable[Hit], pseudonyms: Callable[[int], Pseudonyms]) -> str:
    """Return a text with each hit replaced by the person's pseudonym of its kind; separators inside full names stay."""
    parts, position = [], 0
    for hit in hits:
        parts += [text[position : hit.start], _substitute(text[hit.start : hit.end], hit.detail, pseudonyms)]
        position = hit.end
    return "".join([*parts, text[position:]])


def _substitute(text: str, detail: PersonDetail, pseudonyms: Callable[[int], Pseudonyms]) -> str:
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


def _between(text: str, detail: PersonDetail) -> str:
    """Return the separator between the two parts of a full name that was found as `text`."""
    words = words_of(detail.text)
    former, latter = words[: detail.words], words[detail.words :]
    match = re.fullmatch(f"{words_as(former)}({SEPARATOR}){words_as(latter)}", text, re.IGNORECASE)
    return match[1] if match else " "


def _expression(detail: PersonDetail) -> re.Pattern[str]:
    """Return the regular expression of a detail, however it is encoded; the words of a full name however separated."""
    if detail.kind == FULL_NAME:
        found = words_as(words_of(detail.text))
    else:
        start, end = _first_alphanumeric(detail.text), _first_alphanumeric(detail.text[::-1])
        found = "".join(map(character_as, detail.text[start : len(detail.text) - end].lower()))
    return re.compile(f"{_BEFORE}{found}{_AFTER}", re.IGNORECASE)


def _first_alphanumeric(text: str) -> int:
    """Return the position of the first letter or digit."""
    return next(position for position, character in enumerate(text) if TOKEN.match(character))


def _near_words(detail: PersonDetail) -> Iterator[str]:
    """Yield the words of a detail that `_plain_words` has wherever it stands, among the MOST_WORDS from its first."""
    text = detail.text.strip()
    encodings = [found.span() for found in ENCODED.finditer(text)]
    for index, word in enumerate(TOKEN.finditer(lowered(text))):
        before = text[: word.start()]
        encoded = sum(not (character.isascii() and character.isalnum()) for character in before)
        if index * (1 + MOST_BETWEEN) + WORDS_OF_CHARACTER * encoded >= MOST_WORDS:
            return
        if detail.kind != FULL_NAME and any(map(str.isspace, before)):
            return  # any number of spaces may stand for one
        touched = any(start <= word.end() and word.start() <= end for start, end in encodings)
        # The backslash of `uni\\tomas` looks as if it encoded something, and may be encoded itself.
        if text[slice(*word.span())].isascii() and not touched:
            yield word[0]
