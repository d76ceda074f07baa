"""The words of a text, and how the letters of a word may be encoded where it stands: HTML, JSON, an address, other forms."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache
from html.entities import codepoint2name
from urllib.parse import quote

LONGEST_ENCODING = 24
"""Characters that the encoding of one letter has at most."""

SPELLED = 8
"""Words of the spelling of a word by which it is told apart, at most."""

TOKEN = re.compile(r"[^\W_]+")
"""A word: letters and digits."""

ENCODED = re.compile(r"%[0-9a-f]{2}|\\u[0-9a-f]{4}|\\[nrt]", re.IGNORECASE)
"""An encoding in which there are letters or digits that are no part of a word."""

SEPARATOR = r"(?:&(?:amp;)?(?:\w{2,6}|#\w{1,5});|%[0-9a-f]{2}|\\u[0-9a-f]{4}|\\[nrt]|[\W_]){1,4}"
"""Regular expression of what stands between two words of a name."""

_SPACE = r"\s|&(?:amp;)?nbsp;|%20|\+|_|\\u00a0"


def lowered(text: str) -> str:
    """Return a text of the same length in lower case, with spaces for what encodes other characters: `%20`, `\\u00e9`."""
    if "%" in text or "\\" in text:
        text = ENCODED.sub(lambda found: " " * len(found[0]), text)
    # The one letter of which the lower case has two characters.
    return text.replace("\u0130", "I").lower()


def words_of(text: str) -> list[str]:
    """Return the words of a text in lower case, without what encodes other characters: `ada%20lovelace` has two."""
    return TOKEN.findall(lowered(text))


def words_as(words: Iterable[str]) -> str:
    """Return the regular expression of words one after another, however they are separated and encoded."""
    return SEPARATOR.join("".join(map(character_as, word)) for word in words)


@lru_cache(maxsize=4096)
def character_as(character: str) -> str:
    """Return the regular expression of one character: as it is, or in any of the encodings of a character."""
    if character.isspace():
        return rf"(?:{_SPACE})+"
    if character.isascii() and character.isalnum():
        return character
    cases = dict.fromkeys((character, character.lower(), character.upper()))
    # A letter may become two in the other case, as ß does; each is encoded by itself.
    found = ["".join(encoding(each) or each for each in case) for case in cases for encoding in _ENCODINGS]
    return f"(?:{'|'.join(map(re.escape, dict.fromkeys(found)))})"


def with_plain_letters(text: str) -> str:
    """Return a text of the same length with i for the one without a dot, as in Turkish, and s for the long one.

    A regular expression takes these letters for the same (`re.IGNORECASE`).
    """
    return text.replace("\u0131", "i").replace("\u017f", "s")


@lru_cache(maxsize=4096)
def spellings(word: str) -> tuple[tuple[str, ...], ...]:
    """Return what `words_of` finds where a word stands in any encoding: `éva` may be `eacute` and `va`.

    The first words only, unless one letter is encoded: of several each may be encoded in another way, or none. The `amp` of
    `&amp;eacute;` at the start is left out: it is in every text, and the next one tells as much.
    """
    if word.isascii():
        return ((word,),)
    found: set[tuple[str, ...]] = set()
    for case in {word, word.upper(), word.capitalize()}:
        encoded = [place for place, letter in enumerate(case) if not letter.isascii()]
        kept = SPELLED if len(encoded) == 1 else 1
        for encoding in _ENCODINGS:
            # All letters, and each by itself.
            for places in (encoded, *([place] for place in encoded)):
                letters = (
                    (encoding(letter) or letter) if place in places else letter
                    for place, letter in enumerate(case)
                )
                found.add(tuple(words_of("".join(letters).removeprefix("&amp;"))[:kept]))
    return tuple(sorted(found - {()}))


def _named(character: str) -> str:
    """Return the HTML entity that has a name, `&eacute;`; "" if there is none."""
    name = codepoint2name.get(ord(character), "")
    return name and f"&{name};"


def _numbered(form: str) -> Callable[[str], str]:
    """Return an encoding of characters that are no ASCII letters by their number, `&#{}` or `\\u{:04x}`."""
    return lambda character: form.format(ord(character))


_ENCODINGS: tuple[Callable[[str], str], ...] = (
    str,
    lambda character: unicodedata.normalize("NFD", character),
    _named,
    lambda character: _named(character).replace("&", "&amp;"),
    *map(
        _numbered,
        ("&#{};", "&amp;#{};", "&#x{:x};", "&amp;#x{:x};", "\\u{:04x}", "&#{:03d};", "&amp;#{:03d};"),
    ),
    lambda character: quote(character, safe=""),
)
"""The encodings of a character in texts of an archive; HTML stands there with its own `&` escaped."""
