"""Bounds on what XML documents make a parser hold: what stands before the first element, the tree, the different names."""

from __future__ import annotations

import random
import re
from typing import Any, cast

from lxml import etree

from archive.errors import HostileArchive

LONGEST_PROLOG = 16 * 1024
"""Bytes within which the first element of a document begins."""

DEEPEST = 200
"""Largest depth of nested elements. libxml2 reads 256 levels; an opaque element is written below some levels of a member."""

MOST_HELD = 64 * 1024 * 1024
"""Largest tree that a reader holds at once, in bytes: a record with everything in it, since finished ones are cleared."""

MOST_NAMES = 20_000
"""Different names of elements, attributes and namespaces in a document. libxml2 keeps each of them until the process ends."""

CHECK_EVERY = 1024 * 1024
NODE, ATTRIBUTE = 120, 170
"""Bytes that libxml2 takes for an element and for an attribute with its text."""

MOST_NEW_NAMES = 5_000
"""Names that one block may add to those before it. In honest documents it is some hundreds, and none after the first blocks."""

SMALLEST_NAME = 4
"""Bytes that a name takes at least, with what must stand around it: `<a/>`. A short document has no room for too many."""

SAMPLED, WINDOW = 8, 64 * 1024
"""The first block is searched for names, and then so many bytes of one in eight, at random: so no document can avoid it, and
reading stays fast."""

MOST_ATTRIBUTES = 8
"""Attributes that an element has at the most in honest documents, by far."""

_ORDINARY = re.compile(
    rb"""(?:\xef\xbb\xbf)?<\?xml [^<>?]{0,100}\?>[ \t\r\n]{0,20}"""
    rb"""<([A-Za-z_][A-Za-z0-9_]{0,100})((?:[ \t\r\n]{1,20}[A-Za-z_][A-Za-z0-9_]{0,100}="[^"<]{0,300}"){0,20})"""
    rb"""[ \t\r\n]{0,20}/?>"""
)
"""The start of nearly every document: a declaration, and the first element at once. No document type has room in it."""

_ATTRIBUTE = re.compile(rb"""([A-Za-z_][A-Za-z0-9_]*)="([^"<]*)\"""")
"""An attribute of an ordinary start: its name and its value as it is written."""

_PLAIN = re.compile(rb"[^&\x00-\x1f\x80-\xff]*\Z")
"""A value that is written as it is read."""

_ELEMENT = re.compile(rb"<[^\s/>!]{1,300}")
_NAMESPACE = re.compile(rb"""xmlns(?::[^\s=]{0,99})?\s*=\s*["'][^"']{0,300}""")
_VALUE = re.compile(rb"""=\s*["']""")
_NAME_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_:.-"
_ELEMENTS = etree.XPath("count(//*)")
_ATTRIBUTES = etree.XPath("count(//@*)")
_CHARACTERS = etree.XPath("string-length(/)")


class _Begun(Exception):
    """The first element has begun."""


class _Prolog:
    """A parser target that stops at the first element, and refuses a document type by the parser's own event for it."""

    def __init__(self, member: str) -> None:
        self.member = member
        self.root = ""

    def doctype(self, *_: object) -> None:
        raise HostileArchive(
            "The XML brings a document type of its own, which could make the reader open other files or "
            "fill the memory; no course archive has one.",
            where=self.member,
        )

    def start(self, tag: str, _: object) -> None:
        self.root = tag
        raise _Begun

    def close(self) -> None:
        """Do nothing: lxml requires this method."""


def _ordinary_start(first: bytes) -> tuple[bytes, dict[bytes, bytes]] | None:
    """Return the name and the attributes, as they are written, of a start with nothing unusual in it.

    None if a parser has to read it.
    """
    ordinary = _ORDINARY.match(first)
    if ordinary is None or b"xmlns" in ordinary[2]:
        return None
    attributes = _ATTRIBUTE.findall(ordinary[2])
    found = dict(attributes)
    # Two of one name are malformed.
    return (ordinary[1], found) if len(found) == len(attributes) else None


def start_of(first: bytes, options: dict[str, Any], *, member: str) -> str:
    """Return the name of the first element of a document, given its first block; "" if the XML before it is malformed.

    Raises HostileArchive for a document type, wherever it stands, and for too much before the first element.
    """
    if ordinary := _ordinary_start(first):
        return ordinary[0].decode()
    target = _Prolog(member)
    parser: Any = etree.XMLParser(**{**options, "target": target})
    try:
        parser.feed(first[:LONGEST_PROLOG])
        if len(first) <= LONGEST_PROLOG:
            parser.close()
    except (_Begun, etree.XMLSyntaxError):
        return target.root
    if len(first) > LONGEST_PROLOG:
        raise HostileArchive("The XML has too much before its first element.", where=member)
    return target.root


def attributes_of_start(first: bytes) -> dict[str, str] | None:
    """Return the attributes of the first element of a document, given its first block; None if a parser has to read them."""
    ordinary = _ordinary_start(first)
    if ordinary is None or not all(map(_PLAIN.match, ordinary[1].values())):
        return None
    return {name.decode(): text.decode() for name, text in ordinary[1].items()}


class Depth:
    """A parser target that counts how deep elements lie in one another, and makes no tree. Also a base class of targets."""

    def __init__(self, member: str = "") -> None:
        self.member = member
        self._deep = 0

    def start(self, tag: str, attributes: Any) -> None:
        """Begin an element. Raises HostileArchive if it lies too deep."""
        self._deep += 1
        if self._deep > DEEPEST:
            raise too_deep(self.member)

    def end(self, tag: str) -> None:
        self._deep -= 1

    def close(self) -> None:
        """Do nothing: lxml requires this method."""


def too_deep(member: str) -> HostileArchive:
    """Return the error for elements that lie too deep in one another."""
    return HostileArchive(
        f"Elements lie more than {DEEPEST} deep in one another.",
        where=member,
        hint="No program writes that; get the archive again.",
    )


class Held:
    """Measures the tree that is held while a document is read. Raises HostileArchive when it grows too large."""

    def __init__(self, member: str) -> None:
        self.member = member
        self._unchecked = 0

    def check(self, root: etree._Element, read: int) -> None:
        """Note that `read` bytes were parsed, and measure the tree now and then."""
        self._unchecked += read
        if self._unchecked < CHECK_EVERY:
            return
        self._unchecked = 0
        held = (
            NODE * cast(float, _ELEMENTS(root))
            + ATTRIBUTE * cast(float, _ATTRIBUTES(root))
            + cast(float, _CHARACTERS(root))
        )
        if held > MOST_HELD:
            raise HostileArchive(
                f"One record is larger than {MOST_HELD // 1024 // 1024} MB in memory, which no course archive needs.",
                where=self.member,
            )


class NameCount:
    """Counts the different names in a document. Raises HostileArchive when there are too many."""

    def __init__(self, member: str) -> None:
        self.member = member
        self._first = True
        self._seen: set[int] = set()
        """The hashes of the names, as a name may be as long as a block."""

    def check(self, chunk: bytes) -> None:
        """Search a block, or leave it at that: see SAMPLED. One with more attributes than elements have is always searched."""
        first, self._first = self._first, False
        if first and len(chunk) < SMALLEST_NAME * MOST_NEW_NAMES:
            return
        if not first and not _is_crowded(chunk):
            if random.randrange(SAMPLED):
                return
            start = random.randrange(max(len(chunk) - WINDOW, 0) + 1)
            chunk = chunk[start : start + WINDOW]
        before = len(self._seen)
        self._seen.update(map(hash, _names_in(chunk)))
        limit = min(MOST_NAMES, before + MOST_NEW_NAMES)
        if len(self._seen) > limit:
            raise HostileArchive(
                f"The XML has more than {limit:,} different names of elements and attributes.",
                where=self.member,
                hint="No program writes that; get the archive again.",
            )


def _is_crowded(chunk: bytes) -> bool:
    """Whether a block has more attributes than the elements of an honest document have."""
    # Taking a byte out is six times as quick as counting it, where it is rare.
    values, texts = len(chunk) - len(chunk.replace(b"=", b"")), len(chunk) // 1000
    # Most blocks have so few that their elements need not be counted.
    return values > MOST_ATTRIBUTES * texts and values > MOST_ATTRIBUTES * (chunk.count(b"<") + texts)


def _names_in(chunk: bytes) -> set[bytes]:
    """Return the names of elements, of namespaces with their addresses, and what stands before `="` as names of attributes do.

    Attributes are found from their values, which are few; most of a document is text, and no word of it is looked at.
    """
    words = {word for before in _VALUE.split(chunk)[:-1] for word in before.rsplit(None, 1)[-1:]}
    attributes = {word[len(word.rstrip(_NAME_BYTES)) :] for word in words} - {b""}
    return attributes.union(_ELEMENT.findall(chunk), _NAMESPACE.findall(chunk))
