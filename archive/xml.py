"""XML of archives: safe parsers (no DTD, no entities, no network, no huge trees) and escaping.

Malformed XML becomes one sentence with the file and the line.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import IO, Any, Literal, TypeAlias, cast

from lxml import etree

from archive.checkpoints import checkpoint
from archive.errors import ArchiveError, DamagedArchive, InvalidValue
from archive.numbers import is_id as is_id
from archive.numbers import whole
from archive.streams import read_block
from archive.xml_bounds import DEEPEST as DEEPEST
from archive.xml_bounds import Depth, Held, NameCount, attributes_of_start, start_of, too_deep

Element: TypeAlias = etree._Element

NULL = "$@NULL@$"
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

CHUNK = 256 * 1024
OUT_OF_MEMORY = etree.ErrorTypes.ERR_NO_MEMORY

_REMOVED = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127))
_TEXT = str.maketrans({**_REMOVED, "&": "&amp;", "<": "&lt;", ">": "&gt;"})
_ATTRIBUTE = str.maketrans(
    {**_REMOVED, "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\n": "&#10;", "\t": "&#9;"}
)
_SPECIAL = re.compile("[\x00-\x08\x0b-\x1f\x7f&<>\ud800-\udfff\ufffe\uffff]")
_FORBIDDEN = re.compile("[\ud800-\udfff\ufffe\uffff]")

_DECLARED = re.compile(rb"""<\?xml\s[^>]*?encoding\s*=\s*["']([^"']*)["']""")


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
    between: Callable[[etree._Element], Any] | None = None,
) -> Iterator[tuple[str, etree._Element]]:
    """Yield the parse events of a stream, in the order of the document; `tags` keeps only elements with these names.

    `between` is called with the root after each block, to clear finished elements that have no events. The caller clears
    elements that it has finished with. Raises DamagedArchive for malformed XML (`where` is the member and the line),
    HostileArchive when the document has a document type, or holds more at once than memory allows.
    """
    chunks = _Chunks(stream, member)
    watched, asked = tags, set(events)
    if tags is not None and chunks.root:
        # The start of the root is the only way to the tree before the document ends.
        watched, asked = {*tags, chunks.root}, {"start", *events}
    parser: Any = etree.XMLPullParser(events=tuple(asked), tag=watched, **parser_options())
    held, root = Held(member), None
    try:
        for chunk in chunks:
            parser.feed(chunk)
            for event, element in parser.read_events():
                if root is None:
                    root = element.getroottree().getroot()
                if event in events and (tags is None or element.tag in tags):
                    yield event, element
            if root is not None:
                if between is not None:
                    between(root)
                held.check(root, len(chunk))
        parser.close()
        for event, element in parser.read_events():
            if event in events and (tags is None or element.tag in tags):
                yield event, element
    except etree.XMLSyntaxError as error:
        raise malformed(error, member) from None


def trees(stream: IO[bytes], *, member: str) -> Iterator[tuple[etree._Element, bool]]:
    """Yield the root of a document after each block of it, and whether the document has ended.

    Before that, all elements have ended but the root, the last one in it, the last one in that, and so on, of which nothing is
    known; what follows a last one may not be there yet. The caller removes elements that it has finished with. Raises as
    `events` does.
    """
    chunks = _Chunks(stream, member)
    # The start of the root is the only way to the tree before the document ends.
    parser: Any = etree.XMLPullParser(events=("start",), tag=chunks.root or None, **parser_options())
    held, root = Held(member), None
    try:
        for chunk in chunks:
            parser.feed(chunk)
            for _, element in parser.read_events():
                if root is None:
                    root = element
            if root is not None:
                yield root, False
                held.check(root, len(chunk))
        yield parser.close(), True
    except etree.XMLSyntaxError as error:
        raise malformed(error, member) from None


def attributes_of_root(stream: IO[bytes], *, member: str) -> dict[str, str]:
    """Return the attributes of a document's root element. The rest of the document is not necessarily checked.

    Raises DamagedArchive if there is none, HostileArchive for a document type.
    """
    chunks = _Chunks(stream, member)
    if chunks.root and (attributes := chunks.attributes()) is not None:
        return attributes
    parser: Any = etree.XMLPullParser(events=("start",), **parser_options())
    try:
        for chunk in chunks:
            parser.feed(chunk)
            for _, element in parser.read_events():
                return _attributes(element)
        # The parser waits for the end of a document of a few bytes.
        return _attributes(parser.close())
    except etree.XMLSyntaxError as error:
        raise malformed(error, member) from None


def _attributes(element: etree._Element) -> dict[str, str]:
    return {str(name): str(value) for name, value in element.attrib.items()}


def feed(target: Any, stream: IO[bytes], *, member: str) -> Iterator[None]:
    """Feed a document to an lxml parser target, and yield after each block.

    XML's own five entities are resolved, because lxml otherwise passes an `&` in an attribute to the target as `&#38;`.
    Without a document type there are no other entities. Raises as `events` does.
    """
    options = {**parser_options(), "resolve_entities": "internal", "target": target}
    parser: Any = etree.XMLParser(**options)
    try:
        for chunk in _Chunks(stream, member):
            parser.feed(chunk)
            yield
        parser.close()
    except etree.XMLSyntaxError as error:
        raise malformed(error, member) from None


def check(stream: IO[bytes], *, member: str) -> None:
    """Read a document to its end, and keep nothing of it. Raises as `events` does."""
    for _ in feed(Depth(member), stream, member=member):
        pass


def records(stream: IO[bytes], *, member: str, tags: Collection[str]) -> Iterator[etree._Element]:
    """Yield each complete element with one of these names, in the order in which they end.

    An element is emptied when the next one is asked for, and everything outside of these elements is discarded, so that memory
    does not grow. If one named element contains another, the inner one is yielded first and is empty when the outer one is
    yielded. Raises as `events` does.
    """
    named = frozenset(tags)

    def discard(root: etree._Element) -> None:
        around: etree._Element = root
        while around.tag not in named and len(around):
            del around[:-1]
            around = around[-1]

    for _, element in events(stream, member=member, tags=named, between=discard):
        yield element
        forget(element)


def forget(element: etree._Element) -> None:
    """Empty an element and remove its preceding siblings, to free memory; the element itself stays in the tree."""
    cast(Any, element).clear(keep_tail=True)
    parent = element.getparent()
    if parent is not None:
        while (elder := element.getprevious()) is not None:
            parent.remove(elder)


def parse(
    data: bytes | IO[bytes], *, member: str, between: Callable[[etree._Element], Any] | None = None
) -> etree._Element:
    """Return the root element of a small document; `between` is called, and this raises, as for `events`."""
    stream = io.BytesIO(data) if isinstance(data, bytes) else data
    for root, ended in trees(stream, member=member):
        if between is not None and not ended:
            between(root)
    return root


def text_of(element: etree._Element) -> str | None:
    """Return the text of a leaf; None for NULL."""
    text = element.text or ""
    return None if text == NULL else text


def whole_number(text: str | None, *, member: str, element: etree._Element) -> int | None:
    """Return the number of a leaf; None for NULL and for an empty one. Raises InvalidValue if it is no number."""
    if text is None or text == "":
        return None
    number = whole(text)
    if number is None:
        raise InvalidValue(
            f"<{element.tag}> should be a number, but it is {text[:60]!r}.", where=place(member, element)
        )
    return number


def place(member: str, element: etree._Element) -> str:
    """Return the position of an element as text for people: the member and the line."""
    return f"{member}, line {element.sourceline}" if element.sourceline else member


def malformed(error: etree.XMLSyntaxError, member: str) -> ArchiveError:
    """Return the error for XML that cannot be parsed. Raises MemoryError if the parser had too little memory."""
    if "Excessive depth" in str(error.msg):
        return too_deep(member)
    reason = re.sub(r",? \(?(?:<string>, )?line \d+(?:, column \d+)?\)?", "", str(error.msg or ""))
    reason = " ".join(reason.split())  # the parser quotes the document
    line = error.lineno or 1
    if getattr(error, "code", 0) == OUT_OF_MEMORY:
        raise MemoryError(f"{member}, line {line}")
    return DamagedArchive(
        f"The XML is malformed: {reason or 'it ends too early'}.",
        where=f"{member}, line {line}",
        hint="The archive was changed or damaged after it was made; get it again.",
    )


class _Chunks:
    """A document in blocks of bytes, checked before they are parsed; `root` is the name of its first element."""

    def __init__(self, stream: IO[bytes], member: str) -> None:
        self.member = member
        self._stream = stream
        self._names = NameCount(member)
        self._first = read_block(stream, CHUNK)
        if not self._first:
            raise DamagedArchive("The XML is empty.", where=member)
        _check_encoding(self._first, member)
        self.root = start_of(self._first, parser_options(), member=member)

    def attributes(self) -> dict[str, str] | None:
        """Return the attributes of the first element; None if a parser has to read them. Only before the blocks are read."""
        return attributes_of_start(self._first)

    def __iter__(self) -> Iterator[bytes]:
        chunk, self._first = self._first, b""
        while chunk:
            checkpoint()
            self._names.check(chunk)
            yield chunk
            chunk = self._stream.read(CHUNK)


def _check_encoding(start: bytes, member: str) -> None:
    if start.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in start[:4]:
        raise DamagedArchive("The XML is not in UTF-8.", where=member)
    if (declared := _DECLARED.match(start)) and declared[1].lower() not in (b"utf-8", b"utf8", b"us-ascii"):
        raise DamagedArchive(f"The XML is not in UTF-8 but in {declared[1][:20]!a}.", where=member)
