"""Cleaning of HTML from an archive, so that it is safe to show."""

from __future__ import annotations

import html
import re

import nh3
from django.conf import settings
from django.utils.safestring import SafeString, mark_safe

RICH_TAGS = frozenset(
    [
        "a",
        "abbr",
        "b",
        "bdi",
        "bdo",
        "blockquote",
        "br",
        "caption",
        "cite",
        "code",
        "col",
        "colgroup",
        "dd",
        "del",
        "details",
        "dfn",
        "div",
        "dl",
        "dt",
        "em",
        "figcaption",
        "figure",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "i",
        "img",
        "ins",
        "kbd",
        "li",
        "mark",
        "ol",
        "p",
        "pre",
        "q",
        "rp",
        "rt",
        "ruby",
        "s",
        "samp",
        "small",
        "span",
        "strong",
        "sub",
        "summary",
        "sup",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "time",
        "tr",
        "tt",
        "u",
        "ul",
        "var",
        "wbr",
    ]
)
"""Elements that rich text may contain. Others are dropped, but their text stays."""

LINE_TAGS = re.compile(r"<(?=/?(?:p|div|br|li|h\d|td|th|tr)\b)", re.IGNORECASE)
"""The start of a tag of an element that begins a new line."""

RICH_ATTRIBUTES: dict[str, set[str]] = {
    "*": {"dir", "lang", "title"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "ol": {"start", "type"},
    "time": {"datetime"},
}


LONG = 1_000_000
"""A length that no text reaches: for `plain` where nothing is to be cut."""

ADDRESSES = {"href", "src"}
ABSOLUTE = re.compile(r"[a-z][a-z0-9+.-]*:|/|#", re.IGNORECASE)


def _filtered_attribute(tag: str, name: str, value: str) -> str | None:
    """Return the attribute's value, or None to drop it: an address that is relative to a page of another site."""
    return None if name in ADDRESSES and not ABSOLUTE.match(value.strip()) else value


def rich(text: str | None) -> SafeString:
    """Return rich text that is safe to show: no scripts, styles or forms; links open without access to this page."""
    cleaned = nh3.clean(
        text or "",
        tags=set(RICH_TAGS),
        attributes=RICH_ATTRIBUTES,
        attribute_filter=_filtered_attribute,
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel="noopener noreferrer nofollow",
    )
    return mark_safe(FOREIGN.sub(_linked, cleaned))  # noqa: S308 - cleaned one line above


FOREIGN = re.compile(r'<img\b[^>]*?\bsrc="((?:https?:)?//[^"]*)"[^>]*>', re.IGNORECASE)


def _linked(picture: re.Match[str]) -> str:
    """Replace a picture of another site by a link, so that this page loads nothing from there and reveals no reader."""
    address = picture[1]
    if address.startswith(f"{settings.SITE_URL.rstrip('/')}/"):
        return picture[0]
    words = re.search(r'\balt="([^"]+)"', picture[0])
    host = address.partition("//")[2].partition("/")[0]
    said = words[1] if words else f"Picture at {host}"
    return f'<a href="{address}" rel="noopener noreferrer nofollow">{said}</a>'


def plain(text: str | None, length: int = 200) -> str:
    """Return rich text as one line of plain text of at most `length` characters, cut between words."""
    bare = nh3.clean(LINE_TAGS.sub(" <", text or ""), tags=set(), attributes={})
    words = " ".join(html.unescape(bare).split())
    if len(words) <= length:
        return words
    return words[:length].rsplit(" ", 1)[0].rstrip(",.;: ") + "…"
