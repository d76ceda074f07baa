"""Rewriting XML as it streams by: most is passed on as it is, some elements are built, changed and written anew."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any, ClassVar

from lxml import etree

from archive import xml
from archive.container import Archive

Change = Callable[[etree._Element], list[etree._Element]]


class Rewriting:
    """What is written for what is read, in one member of an archive. `tags` gives the new names of elements by the name of the
    one around and their own, `dropped` the attributes that are left out, by element; a subclass may do more. `attributes` are
    those of the open elements, from the root inwards."""

    tags: ClassVar[dict[tuple[str, str], str]] = {}
    dropped: ClassVar[dict[str, str]] = {}

    def __init__(self, archive: Archive, member: str) -> None:
        self.archive = archive
        self.member = member
        self.path: list[str] = []
        self.attributes: list[dict[str, str]] = []

    def change(self, around: str, tag: str) -> Change | None:
        """Return a function from an element to what is written in its place; None to pass it on."""
        return None

    def before(self, around: str, tag: str) -> str:
        """XML to write before an element that is passed on."""
        return ""

    def first(self, tag: str) -> str:
        """XML to write right after an element has begun."""
        return ""

    def last(self, tag: str) -> str:
        """XML to write right before an element ends."""
        return ""


class OfRecord(Rewriting):
    """Rewrites the leaves of one kind of record, whose path from the root is `record`. What it `takes` is taken out, what it
    `reads` stays; both are in `said` when the record ends, and `rest` is asked for what else belongs into it."""

    record: ClassVar[tuple[str, ...]] = ()
    takes: ClassVar[frozenset[str]] = frozenset()
    reads: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, archive: Archive, member: str) -> None:
        super().__init__(archive, member)
        self.said: dict[str, list[etree._Element]] = {}

    def rest(self) -> Iterable[etree._Element]:
        """Return the XML to write at the end of the record."""
        raise NotImplementedError

    def text(self, name: str) -> str:
        """Return the text of an element of the record; "" for a missing one and NULL."""
        found = self.said.get(name)
        text = (found[0].text or "") if found else ""
        return "" if text == xml.NULL else text

    def number(self, name: str) -> int:
        """The number under a name; 0 for nothing and NULL. Raises InvalidValue for what is no number."""
        found = self.said.get(name)
        return _number(found[0], member=self.member) if found else 0

    def first(self, tag: str) -> str:
        if self._here():
            self.said = {}
        return ""

    def change(self, around: str, tag: str) -> Change | None:
        if tag in self.takes and self._here():
            return self._take
        if tag in self.reads and self._here():
            return self._read
        return None

    def last(self, tag: str) -> str:
        return "".join(written(element) for element in self.rest()) if self._here() else ""

    def _here(self) -> bool:
        return len(self.path) == len(self.record) and tuple(self.path) == self.record

    def _take(self, element: etree._Element) -> list[etree._Element]:
        self.said.setdefault(str(element.tag), []).append(element)
        return []

    def _read(self, element: etree._Element) -> list[etree._Element]:
        self._take(element)
        return [element]


def number_in(element: etree._Element, name: str, *, member: str) -> int:
    """The number of an element's child; 0 for none and NULL. Raises InvalidValue for what is no number."""
    found = element.find(name)
    return 0 if found is None else _number(found, member=member)


def _number(element: etree._Element, *, member: str) -> int:
    text = None if element.text == xml.NULL else element.text
    return xml.whole_number(text, member=member, element=element) or 0


def leaf(name: str, text: str) -> etree._Element:
    """An element with a text in it."""
    element = etree.Element(name)
    element.text = text
    return element


def written(element: etree._Element) -> str:
    """An element as XML, without what follows it."""
    return etree.tostring(element, encoding="unicode", with_tail=False)


def is_set(text: str | None) -> bool:
    """True for a value that is neither empty nor 0 nor NULL."""
    return text not in (None, "", "0", xml.NULL)


class _Target:
    """The parser's target: writes what it reads, by a rewriting."""

    def __init__(self, rewriting: Rewriting) -> None:
        self.rewriting = rewriting
        self.out: list[str] = []
        self._builder: etree.TreeBuilder | None = None
        self._change: Change | None = None
        self._depth = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        told: dict[Any, Any] = dict(attributes)
        if self._builder is not None:
            self._depth += 1
            self._builder.start(tag, told)
            return
        rewriting = self.rewriting
        around = rewriting.path[-1] if rewriting.path else ""
        self._change = rewriting.change(around, tag)
        if self._change is not None:
            self._builder, self._depth = etree.TreeBuilder(), 1
            self._builder.start(tag, told)
            return
        rewriting.path.append(tag)
        rewriting.attributes.append(told)
        dropped = rewriting.dropped.get(tag)
        said = "".join(f' {n}="{xml.escape_attribute(value)}"' for n, value in told.items() if n != dropped)
        before, name = rewriting.before(around, tag), rewriting.tags.get((around, tag), tag)
        self.out.append(f"{before}<{name}{said}>{rewriting.first(tag)}")

    def data(self, text: str) -> None:
        if self._builder is not None:
            self._builder.data(text)
        else:
            self.out.append(xml.escape(text))

    def end(self, tag: str) -> None:
        rewriting = self.rewriting
        if self._builder is not None:
            self._builder.end(tag)
            self._depth -= 1
            if not self._depth and self._change is not None:
                built, self._builder = self._builder.close(), None
                for element in self._change(built):
                    self.out.append(written(element))
            return
        last = rewriting.last(tag)
        rewriting.path.pop()
        rewriting.attributes.pop()
        around = rewriting.path[-1] if rewriting.path else ""
        self.out.append(f"{last}</{rewriting.tags.get((around, tag), tag)}>")

    def comment(self, text: str) -> None:
        """Comments are left out."""

    def close(self) -> None:
        """Nothing is left to do."""


def rewritten(stream: IO[bytes], rewriting: Rewriting, *, member: str) -> Iterator[bytes]:
    """The member's XML in pieces, rewritten. Raises DamagedArchive for malformed XML, HostileArchive for a document type."""
    target = _Target(rewriting)
    yield xml.DECLARATION.encode()
    for _ in xml.feed(target, stream, member=member):
        yield "".join(target.out).encode()
        target.out = []
    yield "".join(target.out).encode()
