"""Rewrites XML in a stream: most elements are passed on unchanged, some are built, changed and written again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any, ClassVar

from lxml import etree

from archive import xml
from archive.container import Archive
from archive.xml_bounds import Depth

Change = Callable[[etree._Element], list[etree._Element]]


class Rewriting:
    """The changes to one member of an archive; base class. Subclasses set the tables or override the methods.

    `tags` has the new names of elements by (name of the parent, name), `dropped` the attribute to leave out by element.
    `path` and `attributes` are the names and attributes of the open elements, from the root inwards. In all methods `around`
    is the name of the parent element. A member for which a rewriting is not `needed` is read as it is.
    """

    tags: ClassVar[dict[tuple[str, str], str]] = {}
    dropped: ClassVar[dict[str, str]] = {}

    def __init__(self, archive: Archive, member: str) -> None:
        self.archive = archive
        self.member = member
        self.path: list[str] = []
        self.attributes: list[dict[str, str]] = []
        self.needed = True

    def attribute(self, tag: str, name: str, value: str) -> str:
        """Return the new value of an attribute of an element that is passed on."""
        return value

    def change(self, around: str, tag: str) -> Change | None:
        """Return a function from an element to the elements written in its place; None to pass it on unchanged."""
        return None

    def before(self, around: str, tag: str) -> str:
        """Return XML to write before an element that is passed on."""
        return ""

    def first(self, tag: str) -> str:
        """Return XML to write after the start tag of an element."""
        return ""

    def last(self, tag: str) -> str:
        """Return XML to write before the end tag of an element."""
        return ""


class OfRecord(Rewriting):
    """Rewrites the child elements of one type of record, whose path from the root is `record`.

    Children in `takes` are removed, children in `reads` stay; both are in `children` by name when the record ends. Then `rest`
    returns the elements to add.
    """

    record: ClassVar[tuple[str, ...]] = ()
    takes: ClassVar[frozenset[str]] = frozenset()
    reads: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, archive: Archive, member: str) -> None:
        super().__init__(archive, member)
        self.children: dict[str, list[etree._Element]] = {}

    def rest(self) -> Iterable[etree._Element]:
        """Return the elements to write at the end of the record."""
        raise NotImplementedError

    def text(self, name: str) -> str:
        """Return the text of an element of the record; "" for a missing one and NULL."""
        found = self.children.get(name)
        text = (found[0].text or "") if found else ""
        return "" if text == xml.NULL else text

    def number(self, name: str) -> int:
        """Return the number in an element of the record; 0 for a missing one and NULL. Raises InvalidValue for other text."""
        found = self.children.get(name)
        return _number(found[0], member=self.member) if found else 0

    def first(self, tag: str) -> str:
        if self._here():
            self.children = {}
        return ""

    def change(self, around: str, tag: str) -> Change | None:
        if tag in self.takes and self._here():
            return self._take
        if tag in self.reads and self._here():
            return self._read
        return None

    def last(self, tag: str) -> str:
        return "".join(as_xml(element) for element in self.rest()) if self._here() else ""

    def _here(self) -> bool:
        return len(self.path) == len(self.record) and tuple(self.path) == self.record

    def _take(self, element: etree._Element) -> list[etree._Element]:
        self.children.setdefault(str(element.tag), []).append(element)
        return []

    def _read(self, element: etree._Element) -> list[etree._Element]:
        self._take(element)
        return [element]


def number_in(element: etree._Element, name: str, *, member: str) -> int:
    """Return the number in a child of an element; 0 for a missing one and NULL. Raises InvalidValue if it is no number."""
    found = element.find(name)
    return 0 if found is None else _number(found, member=member)


def _number(element: etree._Element, *, member: str) -> int:
    text = None if element.text == xml.NULL else element.text
    return xml.whole_number(text, member=member, element=element) or 0


def leaf(name: str, text: str) -> etree._Element:
    """Return a new element with this text."""
    element = etree.Element(name)
    element.text = text
    return element


PIECE, LONGEST_FIND = 1 << 20, 128
"""Bytes that are read at once, and bytes that what is looked for takes at most."""


def found_in(stream: IO[bytes], pattern: re.Pattern[bytes]) -> bool:
    """Whether a stream holds what a pattern matches, which is shorter than `LONGEST_FIND`."""
    before = b""
    while piece := stream.read(PIECE):
        if pattern.search(before + piece):
            return True
        before = piece[-LONGEST_FIND:]
    return False


def as_xml(element: etree._Element) -> str:
    """Return an element as XML, without its tail."""
    return etree.tostring(element, encoding="unicode", with_tail=False)


def is_set(text: str | None) -> bool:
    """True for a value that is neither empty nor 0 nor NULL."""
    return text not in (None, "", "0", xml.NULL)


class _Target(Depth):
    """An lxml parser target that writes the XML it receives, changed by a `Rewriting`."""

    def __init__(self, rewriting: Rewriting) -> None:
        super().__init__(rewriting.member)
        self.rewriting = rewriting
        self.out: list[str] = []
        self._builder: etree.TreeBuilder | None = None
        self._change: Change | None = None
        self._depth = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        super().start(tag, attributes)
        attrib: dict[Any, Any] = dict(attributes)
        if self._builder is not None:
            self._depth += 1
            self._builder.start(tag, attrib)
            return
        rewriting = self.rewriting
        around = rewriting.path[-1] if rewriting.path else ""
        self._change = rewriting.change(around, tag)
        if self._change is not None:
            self._builder, self._depth = etree.TreeBuilder(), 1
            self._builder.start(tag, attrib)
            return
        rewriting.path.append(tag)
        rewriting.attributes.append(attrib)
        dropped = rewriting.dropped.get(tag)
        written_attributes = "".join(
            f' {n}="{xml.escape_attribute(rewriting.attribute(tag, n, value))}"'
            for n, value in attrib.items()
            if n != dropped
        )
        before, name = rewriting.before(around, tag), rewriting.tags.get((around, tag), tag)
        self.out.append(f"{before}<{name}{written_attributes}>{rewriting.first(tag)}")

    def data(self, text: str) -> None:
        if self._builder is not None:
            self._builder.data(text)
        else:
            self.out.append(xml.escape(text))

    def end(self, tag: str) -> None:
        super().end(tag)
        rewriting = self.rewriting
        if self._builder is not None:
            self._builder.end(tag)
            self._depth -= 1
            if not self._depth and self._change is not None:
                built, self._builder = self._builder.close(), None
                for element in self._change(built):
                    self.out.append(as_xml(element))
            return
        last = rewriting.last(tag)
        rewriting.path.pop()
        rewriting.attributes.pop()
        around = rewriting.path[-1] if rewriting.path else ""
        self.out.append(f"{last}</{rewriting.tags.get((around, tag), tag)}>")

    def comment(self, text: str) -> None:
        """Ignore a comment: comments are not written."""


def rewritten(stream: IO[bytes], rewriting: Rewriting, *, member: str) -> Iterator[bytes]:
    """Yield the member's rewritten XML in pieces of bytes.

    Raises DamagedArchive for malformed XML, HostileArchive for a document type.
    """
    target = _Target(rewriting)
    yield xml.DECLARATION.encode()
    for _ in xml.feed(target, stream, member=member):
        yield "".join(target.out).encode()
        target.out = []
    yield "".join(target.out).encode()
