"""Link tokens, which stand in an archive in place of addresses of the site where it was made.

    /mod/forum/view.php?id=12   <->   $@FORUMVIEWBYID*12@$

The tokens of the course are here. Those of activity types come from their models: a site uses `courses.links`, and
`archive/` reads the copy in `references.json` (`archive.references`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

TOKEN = re.compile(r"\$@([A-Z0-9]+)((?:\*[0-9]{1,18})+)@\$")

Row = tuple[str, str, tuple[str, ...]]
"""A token's name, its address with `$1`, `$2` for ids, and the item types of these ids."""

COURSE_LINKS: tuple[Row, ...] = (
    ("COURSEVIEWBYID", "/course/view.php?id=$1", ("course",)),
    ("COURSESECTIONBYID", "/course/section.php?id=$1", ("course_section",)),
    ("GRADEINDEXBYID", "/grade/index.php?id=$1", ("course",)),
    ("GRADEREPORTINDEXBYID", "/grade/report/index.php?id=$1", ("course",)),
    ("BADGESVIEWBYID", "/badges/index.php?type=2&id=$1", ("course",)),
    ("USERINDEXVIEWBYID", "/user/index.php?id=$1", ("course",)),
    ("PLUGINFILEBYCONTEXT", "/pluginfile.php/$1", ("context",)),
    ("PLUGINFILEBYCONTEXTURLENCODED", "/pluginfile.php/$1", ("context",)),
)
"""The tokens of the course and its sections. Source: format facts, link-tokens.txt."""

ENCODED = "URLENCODED"
"""The end of a token whose address is percent-encoded, since it stands inside another address."""


@dataclass(frozen=True, slots=True)
class Link:
    """One token: its name, its address (`$1`, `$2` are ids) and the item types of the ids."""

    token: str
    address: str
    item_types: tuple[str, ...]

    @property
    def inside(self) -> bool:
        """Whether the address is percent-encoded inside another one: `https%3A%2F%2F`."""
        return self.token.endswith(ENCODED)

    def url(self, root: str, ids: list[int]) -> str:
        """Return the address at the site `root` with these ids."""
        address = self.address
        for position, number in enumerate(ids, 1):
            address = address.replace(f"${position}", str(number), 1)
        return percent_encoded(root + address.replace("&amp;", "&")) if self.inside else root + address

    def pattern(self, root: str) -> str:
        """Return a regular expression of the address in XML text, where `&` may be escaped once or twice."""
        plain = root + self.address.replace("&amp;", "&")
        escaped = re.escape(percent_encoded(plain) if self.inside else plain)
        escaped = escaped.replace(re.escape("&"), "&(?:amp;){0,2}")
        for position in range(1, len(self.item_types) + 1):
            mark = percent_encoded(f"${position}") if self.inside else f"${position}"
            escaped = escaped.replace(re.escape(mark), r"([0-9]{1,18})", 1)
        return escaped


def percent_encoded(address: str) -> str:
    """Return the address percent-encoded, as it is written inside another address."""
    return quote(address, safe="")


def links_of(rows: Iterable[Row]) -> dict[str, Link]:
    """Return the links of the course and of these rows by token."""
    return {token: Link(token, address, item_types) for token, address, item_types in (*COURSE_LINKS, *rows)}


def find(token: str, links: Mapping[str, Link]) -> Link | None:
    """Return the link of a token, or None for an unknown one.

    Tokens of the form `QUIZVIEWBYID` and `QUIZINDEX` are found for any activity type, also if `links` has none of it.
    """
    if (link := links.get(token)) is not None:
        return link
    if token.endswith("VIEWBYID"):
        return Link(token, f"/mod/{token[:-8].lower()}/view.php?id=$1", ("course_module",))
    if token.endswith("INDEX"):
        return Link(token, f"/mod/{token[:-5].lower()}/index.php?id=$1", ("course",))
    return None
