"""Links inside the site and the portable tokens that stand for them in an archive.

`/mod/forum/view.php?id=12` of this site is `$@FORUMVIEWBYID*12@$` in an archive; what follows the id in the address
stays behind the token. The addresses are Moodle's, which this site answers too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from urllib.parse import quote

from archive import serialised
from courses import activities

MARK = "$@"
"""How each token begins."""

TOKEN = re.compile(r"\$@([A-Z0-9]+)((?:\*[0-9]{1,18})+)@\$")

COURSE_LINKS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("COURSEVIEWBYID", "/course/view.php?id=$1", ("course",)),
    ("COURSESECTIONBYID", "/course/section.php?id=$1", ("course_section",)),
    ("GRADEINDEXBYID", "/grade/index.php?id=$1", ("course",)),
    ("GRADEREPORTINDEXBYID", "/grade/report/index.php?id=$1", ("course",)),
    ("BADGESVIEWBYID", "/badges/index.php?type=2&id=$1", ("course",)),
    ("USERINDEXVIEWBYID", "/user/index.php?id=$1", ("course",)),
    ("PLUGINFILEBYCONTEXT", "/pluginfile.php/$1", ("context",)),
)

IN_ADDRESSES = {"PLUGINFILEBYCONTEXTURLENCODED": "PLUGINFILEBYCONTEXT"}
"""Tokens of addresses that stand inside other addresses, with percent signs, and the tokens that they have elsewhere."""

PAGES = {"$@H5PEMBED@$": "/h5p/embed.php"}
"""Tokens of pages, in which there is no id."""

Known = Callable[[str, int], int | None]


@dataclass(frozen=True, slots=True)
class Link:
    """One token: its name, the address that it stands for (`$1`, `$2` are ids) and the kinds of the ids. An address that is
    `inside` another one is written with percent signs, as `https%3A%2F%2F`."""

    token: str
    address: str
    item_types: tuple[str, ...]
    inside: bool = False

    def url(self, root: str, ids: list[int]) -> str:
        """The address with these ids."""
        address = self.address
        for position, number in enumerate(ids, 1):
            address = address.replace(f"${position}", str(number), 1)
        return _percents(root + address) if self.inside else root + address

    def pattern(self, root: str) -> str:
        """A regular expression of the address as it stands in XML text, where `&` may be escaped once or twice."""
        if self.inside:
            return re.escape(_percents(root + self.address.removesuffix("$1"))) + "([0-9]{1,18})"
        escaped = re.escape(root + self.address.replace("&amp;", "&"))
        escaped = escaped.replace(re.escape("&"), "&(?:amp;){0,2}")
        for position in range(1, len(self.item_types) + 1):
            escaped = escaped.replace(re.escape(f"${position}"), r"([0-9]{1,18})", 1)
        return escaped


def _percents(address: str) -> str:
    return quote(address, safe="")


@cache
def links() -> dict[str, Link]:
    """All tokens that are known, of the course and of the described activity types."""
    rows = [*COURSE_LINKS]
    for model in activities.types().values():
        rows += model.links
    found = {token: Link(token, address, item_types) for token, address, item_types in rows}
    for token, plain in IN_ADDRESSES.items():
        found[token] = Link(token, found[plain].address, found[plain].item_types, inside=True)
    return found


@cache
def _encoder(root: str) -> tuple[re.Pattern[str], tuple[Link, ...]]:
    # Addresses with more ids first: an address with one id is the beginning of one with two. Of two tokens with the same
    # address the first one declared is written.
    unique = {link.pattern(root): link for link in reversed(links().values())}
    ordered = sorted(unique.items(), key=lambda item: (-len(item[1].item_types), -len(item[0])))
    pattern = "|".join(f"(?:{expression})(?![0-9])" for expression, _ in ordered)
    common = rf"{re.escape(root)}/mod/([a-z][a-z0-9]*)/(view|index)\.php\?id=([0-9]{{1,18}})(?![0-9])"
    return re.compile(f"{pattern}|{common}"), tuple(link for _, link in ordered)


def forget() -> None:
    """Gathers the tokens anew at the next question; for tests that add a model."""
    links.cache_clear()
    _encoder.cache_clear()


def encode(text: str, *, root: str) -> str:
    """XML text with this site's addresses as tokens."""
    if root not in text and _percents(root) not in text:
        return text
    for token, address in PAGES.items():
        text = text.replace(root + address, token)
    pattern, ordered = _encoder(root)

    def written(match: re.Match[str]) -> str:
        ids = [group for group in match.groups() if group is not None]
        first = next(index for index, group in enumerate(match.groups()) if group is not None)
        for link in ordered:
            if first < len(link.item_types):
                return f"$@{link.token}*{'*'.join(ids)}@$"
            first -= len(link.item_types)
        return f"$@{ids[0].upper()}{'VIEWBYID' if ids[1] == 'view' else 'INDEX'}*{ids[2]}@$"

    return pattern.sub(written, text)


def decode(text: str, *, known: Known, root: str, original: str) -> str:
    """Text with tokens as addresses: of this site when all their ids came along, of the original site otherwise."""

    def address(match: re.Match[str]) -> str:
        link, old = find(match[1]), [int(number) for number in match[2][1:].split("*")]
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
    """Text as `decode` makes it; in a serialised value the lengths of its strings are counted anew.

    A backup makes tokens of the links in such a value and leaves the lengths as they were, as Moodle does: they fit again
    once the tokens are the addresses that they were where the archive was made.
    """
    if serialised.VALUE.match(text) is None:
        return decode(text, known=known, root=root, original=original)

    def change(string: str) -> str:
        return decode(encode(string, root=original), known=known, root=root, original=original)

    for ampersand in ("&amp;", "&"):
        try:
            return serialised.rewrite_plain(_as_made(text, original, ampersand), change)
        except ValueError:
            continue
    return decode(text, known=known, root=root, original=original)


def _as_made(text: str, root: str, ampersand: str) -> str:
    """Text with tokens as the addresses that they were at the site where the archive was made."""

    def address(match: re.Match[str]) -> str:
        link, ids = find(match[1]), [int(number) for number in match[2][1:].split("*")]
        if link is None or len(ids) != len(link.item_types):
            return match[0]
        return link.url(root, ids).replace("&amp;", "&").replace("&", ampersand)

    return TOKEN.sub(address, text)


def renumber(text: str, *, known: Known, original: str) -> str:
    """XML text with tokens as tokens with this site's ids, for what is kept as XML."""

    def token(match: re.Match[str]) -> str:
        link, old = find(match[1]), [int(number) for number in match[2][1:].split("*")]
        if link is None or len(old) != len(link.item_types):
            return match[0]
        new = [known(item_type, number) for item_type, number in zip(link.item_types, old, strict=True)]
        if any(number is None for number in new):
            return link.url(original, old).replace("&amp;", "&").replace("&", "&amp;")
        return f"$@{match[1]}*{'*'.join(str(number) for number in new)}@$"

    return TOKEN.sub(token, text)


def find(token: str) -> Link | None:
    """The link of a token. Two addresses every activity type has, also one that is not described here:
    `QUIZVIEWBYID` and `QUIZINDEX`."""
    if (link := links().get(token)) is not None:
        return link
    if token.endswith("VIEWBYID"):
        return Link(token, f"/mod/{token[:-8].lower()}/view.php?id=$1", ("course_module",))
    if token.endswith("INDEX"):
        return Link(token, f"/mod/{token[:-5].lower()}/index.php?id=$1", ("course",))
    return None
