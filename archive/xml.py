"""XML of archives: safe parsers (no DTD, no entities, no network, no huge trees) and escaping.

Malformed XML becomes one sentence with the file and the line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import IO, Any, Literal, TypeAlias, cast

from lxml import etree

from archive.errors import DamagedArchive, HostileArchive, InvalidValue
from archive.streams import read_block

Element: TypeAlias = etree._Element

NULL = "$@NULL@$"
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

CHUNK = 256 * 1024
LARGEST_ID = 2**63 - 1
LONGEST_PROLOG = 16 * 1024
DEEPEST = 200
"""Largest depth of nested elements. libxml2 reads 256 levels; an opaque element is written below some levels of a member."""

_REMOVED = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127))
_TEXT = str.maketrans({**_REMOVED, "&": "&amp;", "<": "&lt;", ">": "&gt;"})
_ATTRIBUTE = str.maketrans(
    {**_REMOVED, "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\n": "&#10;", "\t": "&#9;"}
)
_SPECIAL = re.compile("[\x00-\x08\x0b-\x1f\x7f&<>\ud800-\udfff\ufffe\uffff]")
_FORBIDDEN = re.compile("[\ud800-\udfff\ufffe\uffff]")

_DECLARED = re.compile(rb"""<\?xml\s[^>]*?encoding\s*=\s*["']([^"']*)["']""")
_MISC = re.compile(rb"\s+|<\?.*?\?>|<!--.*?-->", re.DOTALL)


def escape(text: str) -> str:
    """Return text as it stands between tags: `&`, `<`, `>` escaped, control characters removed, CR and CRLF as LF.

    Characters that XML cannot hold at all (lone surrogates, U+FFFE, U+FFFF) are removed too.
    """
    if _SPECIAL.search(text) is None:
        return text
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _FORBIDDEN.sub("", text.translate(_TEXT))


def escape_attribute(text: str) -> str:
    """Return text as it stands in a double-quoted attribute, where a line break or tab as such would be read as a space."""
    return _FORBIDDEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n").translate(_ATTRIBUTE))


def value(content: str | int | None) -> str:
    """Return a field's value as it is written: NULL is `$@NULL@$`, text is escaped."""
    if content is None:
        return NULL
    return escape(content) if isinstance(content, str) else str(content)


def parser_options() -> dict[str, Any]:
    """Return the options of every lxml parser that reads an archive."""
    return {
        "encoding": "utf-8",
        "resolve_entities": False,
        "load_dtd": False,
        "dtd_validation": False,
        "no_network": True,
        "huge_tree": False,
        "remove_comments": True,
        "remove_pis": True,
        "strip_cdata": True,
    }


def events(
    stream: IO[bytes],
    *,
    member: str,
    events: Sequence[Literal["start", "end"]] = ("end",),
    tags: Collection[str] | None = None,
    ended: Callable[[etree._Element], Any] | None = None,
) -> Iterator[tuple[str, etree._Element]]:
    """Yield the parse events of a stream, in the order of the document; `tags` keeps only elements with these names.

    `ended` is called with the root after the last event. The caller clears elements that it has finished with. Raises
    DamagedArchive for malformed XML (`where` is the member and the line), HostileArchive when the document has a
    document type.
    """
    parser: Any = etree.XMLPullParser(events=tuple(events), tag=tags, **parser_options())
    try:
        for chunk in _checked_chunks(stream, member):
            parser.feed(chunk)
            yield from parser.read_events()
        root = parser.close()
        yield from parser.read_events()
    except etree.XMLSyntaxError as error:
        raise malformed(error, member) from None
    if ended is not None:
        ended(root)


def feed(target: Any, stream: IO[bytes], *, member: str) -> Iterator[None]:
    """Feed a document to an lxml parser target, and yield after each block.

    XML's own five entities are resolved, because lxml otherwise passes an `&` in an attribute to the target as `&#38;`.
    Without a document type there are no other entities. Raises as `events` does.
    """
    options = {**parser_options(), "resolve_entities": "internal", "target": target}
    parser: Any = etree.XMLParser(**options)
    try:
        for chunk in _checked_chunks(stream, member):
            parser.feed(chunk)
            yield
        parser.close()
    except etree.XMLSyntaxError as error:
        raise malformed(error, member) from None


def records(stream: IO[bytes], *, member: str, tags: Collection[str]) -> Iterator[etree._Element]:
    """Yield each complete element with one of these names, in the order in which they end.

    An element is emptied when the next one is asked for, so that memory does not grow. If one named element contains
    another, the inner one is yielded first and is empty when the outer one is yielded. Raises as `events` does.
    """
    for _, element in events(stream, member=member, tags=tuple(tags)):
        yield element
        forget(element)


def forget(element: etree._Element) -> None:
    """Empty an element and remove its preceding siblings, to free memory; the element itself stays in the tree."""
    cast(Any, element).clear(keep_tail=True)
    parent = element.getparent()
    if parent is not None:
        while (elder := element.getprevious()) is not None:
            parent.remove(elder)


def parse(data: bytes | IO[bytes], *, member: str) -> etree._Element:
    """Return the root element of a small document. Raises as `events` does."""
    parser = etree.XMLParser(**parser_options())
    try:
        for chunk in _checked_chunks(data, member):
            parser.feed(chunk)
        root: etree._Element = parser.close()
    except etree.XMLSyntaxError as error:
        raise malformed(error, member) from None
    return root


def is_id(text: str) -> bool:
    """True for a text that can be an id: ASCII digits that fit 64 bits."""
    return (
        text.isdigit()
        and text.isascii()
        and (len(text) < 19 or (len(text) == 19 and int(text) <= LARGEST_ID))
    )


def text_of(element: etree._Element) -> str | None:
    """Return the text of a leaf; None for NULL."""
    text = element.text or ""
    return None if text == NULL else text


def whole_number(text: str | None, *, member: str, element: etree._Element) -> int | None:
    """Return the number of a leaf; None for NULL and for an empty one. Raises InvalidValue if it is no number."""
    if text is None or text == "":
        return None
    try:
        return int(text)
    except ValueError:
        raise InvalidValue(
            f"<{element.tag}> should be a number, but it is {text[:60]!r}.", where=place(member, element)
        ) from None


def place(member: str, element: etree._Element) -> str:
    """Return the position of an element as text for people: the member and the line."""
    return f"{member}, line {element.sourceline}" if element.sourceline else member


def malformed(error: etree.XMLSyntaxError, member: str) -> DamagedArchive:
    """Return the error for XML that cannot be parsed."""
    reason = re.sub(r",? \(?(?:<string>, )?line \d+(?:, column \d+)?\)?", "", str(error.msg or "")).strip()
    line = error.lineno or 1
    return DamagedArchive(
        f"The XML is malformed: {reason or 'it ends too early'}.",
        where=f"{member}, line {line}",
        hint="The archive was changed or damaged after it was made; get it again.",
    )


def _checked_chunks(data: bytes | IO[bytes], member: str) -> Iterator[bytes]:
    """Yield the document in chunks, after a check of the bytes before its first element."""
    first = data if isinstance(data, bytes) else read_block(data, CHUNK)
    if not first:
        raise DamagedArchive("The XML is empty.", where=member)
    _check_prolog(first, member)
    yield first
    if not isinstance(data, bytes):
        while chunk := data.read(CHUNK):
            yield chunk


def _check_prolog(start: bytes, member: str) -> None:
    if start.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in start[:4]:
        raise DamagedArchive("The XML is not in UTF-8.", where=member)
    if (declared := _DECLARED.match(start)) and declared[1].lower() not in (b"utf-8", b"utf8", b"us-ascii"):
        raise DamagedArchive(f"The XML is not in UTF-8 but in {declared[1][:20]!a}.", where=member)
    position = 3 if start.startswith(b"\xef\xbb\xbf") else 0
    while misc := _MISC.match(start, position):
        position = misc.end()
        if position > LONGEST_PROLOG:
            raise HostileArchive("The XML has too much before its first element.", where=member)
    if start[position : position + 2] == b"<!":
        raise HostileArchive(
            "The XML brings a document type of its own, which could make the reader open other files or "
            "fill the memory; no course archive has one.",
            where=member,
        )
