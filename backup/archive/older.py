"""Rewriting XML as it streams by: most is passed on as it is, some elements are built, changed and written anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO, Any

from lxml import etree

from backup.archive import xml

Change = Callable[[etree._Element], list[etree._Element]]


class Rewriting:
    """What is written for what is read. `tags` gives the new names of elements by the name of the one around and their own;
    a subclass may do more. `attributes` are those of the open elements, from the root inwards."""

    tags: dict[tuple[str, str], str] = {}

    def __init__(self) -> None:
        self.path: list[str] = []
        self.attributes: list[dict[str, str]] = []

    def change(self, around: str, tag: str) -> Change | None:
        """What to do with an element as a whole: a function from it to what is written in its place; None to pass it on."""
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
        said = "".join(f' {name}="{xml.escape_attribute(value)}"' for name, value in told.items())
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
                    self.out.append(etree.tostring(element, encoding="unicode", with_tail=False))
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
    for _ in xml.tell(target, stream, member=member):
        yield "".join(target.out).encode()
        target.out = []
    yield "".join(target.out).encode()
