"""Links inside the site and the portable tokens that stand for them in an archive.

`/mod/forum/view.php?id=12` of this site is `$@FORUMVIEWBYID*12@$` in an archive; what follows the id in the address
stays behind the token. The addresses are Moodle's, which this site answers too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import archive.links
from archive import serialised
from archive.links import TOKEN, Link, Row, links_of, percent_encoded
from archive.numbers import whole_or
from courses import registry

MARK = "$@"
"""The beginning of each token."""

PAGES = {"$@H5PEMBED@$": "/h5p/embed.php"}
"""Tokens of pages without an id in the address."""

UNRESERVED = re.compile(r"[A-Za-z0-9._~-]+")
"""Characters that percent-encoding leaves as they are (RFC 3986, section 2.3)."""

Known = Callable[[str, int], int | None]


def marked(text: str) -> bool:
    """Whether a text has the beginning of a token."""
    # Most texts have no dollar, and one character is found thirty times as fast as two.
    return "$" in text and MARK in text


@registry.derived
def links() -> dict[str, Link]:
    """Return all known links by token: those of the course and of the described activity types."""
    return links_of(activity_links())


def activity_links() -> Iterator[Row]:
    """Yield the links that the activity types' models declare."""
    for model in registry.activity_types().values():
        yield from model.links


class _Encoder(NamedTuple):
    """The pattern of a site's addresses; by the last group of a match, the beginning of the token and the groups of its ids."""

    pattern: re.Pattern[str]
    tokens: Mapping[int, tuple[str, tuple[int, ...]]]


@registry.derived
def _encoder(root: str) -> _Encoder:
    # Addresses with more ids first: an address with one id is the beginning of one with two. Of two tokens with the same
    # address the first one declared is written.
    unique = {link.pattern(root): link for link in reversed(links().values())}
    ordered = sorted(unique.items(), key=lambda item: (-len(item[1].item_types), -len(item[0])))
    pattern = "|".join(f"(?:{expression})(?![0-9])" for expression, _ in ordered)
    common = rf"{re.escape(root)}/mod/([a-z][a-z0-9]*)/(view|index)\.php\?id=([0-9]{{1,18}})(?![0-9])"
    tokens, last = {}, 0
    for _, link in ordered:
        first, last = last + 1, last + len(link.item_types)
        tokens[last] = link.token, tuple(range(first, last + 1))
    return _Encoder(re.compile(f"{pattern}|{common}"), tokens)


def part_of_addresses(root: str) -> str:
    """Return a text that is in each address of a site, percent-encoded or not: the longest that encoding leaves as it is."""
    return max(UNRESERVED.findall(root), key=len, default="")


def encode(text: str, *, root: str) -> str:
    """Return XML text with this site's addresses as tokens."""
    if root not in text and percent_encoded(root) not in text:
        return text
    for token, address in PAGES.items():
        text = text.replace(root + address, token)
    pattern, tokens = _encoder(root)

    def written(match: re.Match[str]) -> str:
        known = tokens.get(match.lastindex or 0)
        if known is None:
            name, page, number = match.groups()[-3:]
            return f"$@{name.upper()}{'VIEWBYID' if page == 'view' else 'INDEX'}*{number}@$"
        token, ids = known
        return f"$@{token}*{'*'.join(match[one] for one in ids)}@$"

    return pattern.sub(written, text)


def decode(text: str, *, known: Known, root: str, original: str) -> str:
    """Return text with tokens as addresses: of this site if all their ids are known, of the original site otherwise."""

    def address(match: re.Match[str]) -> str:
        link, old = link_of(match[1]), [whole_or(number) for number in match[2][1:].split("*")]
        if link is None or len(old) != len(link.item_types):
            return match[0]
        new = [known(item_type, number) for item_type, number in zip(link.item_types, old, strict=True)]
        if any(number is None for number in new):
            return link.url(original, old)
        return link.url(root, [number for number in new if number is not None])

    for token, page in PAGES.items():
        text = text.replace(token, root + page)
    return TOKEN.sub(address, text)


def relink(text: str, *, known: Known, root: str, original: str) -> str:
    """Return text as `decode` does; in a serialised value the lengths of its strings are corrected.

    A backup replaces the links in such a value by tokens and leaves the lengths unchanged, as Moodle does: they are right
    again when the tokens are the addresses of the archive's site.
    """
    if serialised.VALUE.match(text) is None:
        return decode(text, known=known, root=root, original=original)

    def change(string: str) -> str:
        return decode(encode(string, root=original), known=known, root=root, original=original)

    for ampersand in ("&amp;", "&"):
        try:
            return serialised.rewrite_plain(_with_original_addresses(text, original, ampersand), change)
        except ValueError:
            continue
    return decode(text, known=known, root=root, original=original)


def _with_original_addresses(text: str, root: str, ampersand: str) -> str:
    """Return text with tokens as the addresses of the archive's site."""

    def address(match: re.Match[str]) -> str:
        link, ids = link_of(match[1]), [whole_or(number) for number in match[2][1:].split("*")]
        if link is None or len(ids) != len(link.item_types):
            return match[0]
        return link.url(root, ids).replace("&amp;", "&").replace("&", ampersand)

    return TOKEN.sub(address, text)


def renumber(text: str, *, known: Known, original: str) -> str:
    """Return XML text whose tokens have this site's ids, for values that are stored as XML."""

    def token(match: re.Match[str]) -> str:
        link, old = link_of(match[1]), [whole_or(number) for number in match[2][1:].split("*")]
        if link is None or len(old) != len(link.item_types):
            return match[0]
        new = [known(item_type, number) for item_type, number in zip(link.item_types, old, strict=True)]
        if any(number is None for number in new):
            return link.url(original, old).replace("&amp;", "&").replace("&", "&amp;")
        return f"$@{match[1]}*{'*'.join(str(number) for number in new)}@$"

    return TOKEN.sub(token, text)


def link_of(token: str) -> Link | None:
    """Return the link of a token, or None for an unknown one."""
    return archive.links.find(token, links())
