"""Rewrites opaque XML, which no model describes: replaces ids in references, and leaves out userdata if asked.

A restore passes the ids of this site, a backup those that the archive shows. `archive.references` says which names are
references, `archive.judgement` which are to people and which records may be about a person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from tempfile import SpooledTemporaryFile
from typing import IO, cast

from lxml import etree

from archive import references, xml
from archive.judgement import ALL_STAYS, SERIALISED, Judge, Judgement, OpaquePeople, is_person
from archive.namespaces import NOTHING, Names
from archive.numbers import whole_or
from archive.references import Reference
from archive.serialised import rewrite_strings
from archive.streams import drain
from archive.xml_bounds import too_deep

LONGEST_NEIGHBOUR = 255
"""Characters of a text that can name the item type of a reference beside it: longer ones are not noted."""

INSTANCE_DEPTH = 2
"""Open elements at the start tag of an activity's own record: it and the root."""

Mapped = Callable[[str, int], int | None]
Texts = Callable[[str], str]


IN_MEMORY = 1024 * 1024
"""Bytes of a member that are read twice from memory; a larger one is, from a temporary file."""


def unchanged(text: str) -> str:
    """Return the text as it is."""
    return text


class _Rewriter:
    """An lxml parser target that writes the XML it receives, with other ids in references.

    A record of a group that `mapped` does not know is left out, unless it is the root or an activity's own record; `groups`
    says that there may be such records, so that what was written of one can be taken back.
    """

    def __init__(
        self,
        *,
        mapped: Mapped,
        texts: Texts,
        serialised: Texts,
        who: OpaquePeople,
        judgement: Judgement = ALL_STAYS,
        member: str = "",
    ) -> None:
        self.mapped = mapped
        self.texts = texts
        self.serialised = serialised
        self.who = who
        self.judgement = judgement
        self.member = member
        self.out: list[str] = []
        self._count = 0
        self._left_out = 0
        """The depth inside the record that is being left out; 0 outside of any."""

        self._open: list[tuple[str, int, dict[str, str]]] = []
        self._instance = ("", "")
        """The type and the id of the activity that the member's root states."""
        self._text: list[str] = []
        self._leaf = False
        self._names = Names()

    def start(
        self, tag: str, attributes: Mapping[str, str], declared: Mapping[str | None, str] = NOTHING
    ) -> None:
        """Begin an element; `declared` are the namespaces that it declares, by prefix."""
        self._flush(leaf=False)
        self._count += 1
        if len(self._open) + self._left_out >= xml.DEEPEST:
            raise too_deep(self.member)
        if self._left_out or self.judgement.left_out(self._count):
            self.who.left["records"] += not self._left_out and self.judgement.about_people(self._count)
            self._left_out += 1
            self._leaf = False
            return
        tag, declarations = self._names.begin(tag, declared)
        named = {self._names.written(name, attribute=True): value for name, value in attributes.items()}
        parts = [f"<{tag}", *declarations]
        self._open.append((tag, self._count, {}))
        for name, value in named.items():
            parts.append(f' {name}="{xml.escape_attribute(self._attribute(tag, name, value, named))}"')
        self.out.append("".join(parts) + ">")
        self._leaf = True

    def data(self, text: str) -> None:
        self._text.append(text)

    def end(self, tag: str) -> None:
        if self._left_out:
            self._left_out -= 1
            self._text = []
            return
        value = self._flush(leaf=self._leaf)
        tag, _, _ = self._open.pop()
        self._names.end()
        if self._leaf and self._open and len(value) <= LONGEST_NEIGHBOUR:
            self._open[-1][2][tag] = value
        self._leaf = False
        self.out.append(f"</{tag}>")

    def comment(self, text: str) -> None:
        """Ignore a comment: comments are not written."""

    def close(self) -> None:
        """Do nothing: lxml requires this method."""

    def take(self) -> str:
        """Return the XML written since the last call."""
        written, self.out = "".join(self.out), []
        return written

    def _flush(self, *, leaf: bool) -> str:
        value = "".join(self._text)
        self._text = []
        if self._left_out:
            return ""
        if leaf:
            self.out.append(self._leaf_text(value))
        elif value:
            self.out.append(xml.escape(value))
        return value

    def _leaf_text(self, value: str) -> str:
        tag, number, _ = self._open[-1]
        if self.judgement.emptied(number):
            self.who.left["values"] += 1
            return "0" if xml.is_id(value) else ""
        around, _, siblings = self._open[-2] if len(self._open) > 1 else ("", 0, {})
        if self._is_instance(tag, value):
            return self._number(self._instance[0], value)
        reference = references.in_opaque(around, tag)
        if reference is not None and (text := self._id_text(reference, value, siblings)) is not None:
            return text
        if reference is None and self._is_person(tag, value):
            return self._number("user", value)
        if tag == SERIALISED and value not in ("", xml.NULL):
            return rewrite_strings(value, self.serialised)
        escaped = xml.escape(value)
        return self.texts(escaped) if len(escaped) >= 8 else escaped

    def _id_text(self, reference: Reference, value: str, siblings: dict[str, str]) -> str | None:
        """Return the new text of a reference; None if the value is no id, or its neighbour does not name the item type."""
        if reference.form == "scale":
            if value[:1] != "-" or not xml.is_id(value[1:]):
                return None  # a maximum
            new = self.mapped("scale", whole_or(value[1:]))
            return "0" if new is None else f"-{new}"
        if not xml.is_id(value) or value == "0":
            return None
        neighbour = reference.form == "neighbour"
        item_type = (
            references.item_type_by_neighbour(reference.name, siblings)
            if neighbour
            else reference.item_types[0]
        )
        return self._number(item_type, value) if item_type else None

    def _is_instance(self, name: str, value: str) -> bool:
        """Whether an element names the activity that it is in, as records of plugins do: `hvpid` and `hvp` in an hvp."""
        modulename, number = self._instance
        return value == number and value not in ("", "0") and name in (modulename, f"{modulename}id")

    def _is_person(self, name: str, value: str) -> bool:
        """Whether the value of an element or attribute that is no other reference is the id of a person."""
        return (
            xml.is_id(value) and value != "0" and is_person(name, whole_or(value), self.who, self.judgement)
        )

    def _attribute(self, tag: str, name: str, value: str, attributes: dict[str, str]) -> str:
        if (self._count, name) in self.judgement.attributes:
            self.who.left["values"] += 1
            return "0" if xml.is_id(value) else ""
        item_type = references.by_name().get(name, "")
        if tag == "activity" and name == "id":
            item_type = attributes.get("modulename", "")
            self._instance = (item_type, value)
        elif name == "id" and (tag, value) == self._instance and len(self._open) == INSTANCE_DEPTH:
            item_type = tag  # the activity's own record has the id that its root states
        elif not item_type and self._is_person(name, value):
            item_type = "user"
        return self._number(item_type, value) if item_type and xml.is_id(value) and value != "0" else value

    def _number(self, item_type: str, value: str) -> str:
        new = self.mapped(item_type, whole_or(value))
        return "0" if new is None else str(new)


def rewrite(
    stream: IO[bytes],
    *,
    member: str,
    mapped: Mapped,
    texts: Texts = unchanged,
    serialised: Texts = unchanged,
    people: bool = True,
    groups: bool = False,
    who: OpaquePeople | None = None,
) -> Iterator[bytes]:
    """Yield the member's XML in pieces of bytes, with each id in a reference replaced by `mapped(item_type, old)`.

    `texts` changes each escaped text, `serialised` each unescaped text inside a block's configuration. An id for which
    `mapped` returns None becomes 0, so that it never points at another record. `who` says what is known of people. Without
    `people`, records that may be about a person are left out, with `groups` those of groups for which `mapped` returns None;
    the stream is read twice for that, so memory stays bounded.
    Raises DamagedArchive for malformed XML, HostileArchive for a document type.
    """
    who, judgement = who or OpaquePeople(), ALL_STAYS
    with ExitStack() as stack:
        if not people or groups or who.listed:
            stream = _seekable(stream, stack)
            start = stream.tell()
            judge = Judge(who, hides=not people, owners=mapped if groups else None)
            for _ in xml.feed(judge, stream, member=member):
                pass
            judgement = judge.judgement
            stream.seek(start)
        target = _Rewriter(
            mapped=mapped, texts=texts, serialised=serialised, who=who, judgement=judgement, member=member
        )
        yield xml.DECLARATION.encode()
        for _ in xml.feed(target, stream, member=member):
            if piece := target.take():
                yield piece.encode()
        yield target.take().encode()


def _seekable(stream: IO[bytes], stack: ExitStack) -> IO[bytes]:
    """Return a stream that can be read twice: the same, or a temporary file with its content until `stack` ends."""
    if stream.seekable():
        return stream
    file = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  -- the stack closes it
    copy = cast(IO[bytes], stack.enter_context(file))
    drain(stream, copy.write)
    copy.seek(0)
    return copy


def rewrite_element(
    element: etree._Element,
    *,
    mapped: Mapped,
    texts: Texts = unchanged,
    serialised: Texts = unchanged,
    people: bool = True,
    groups: bool = False,
    who: OpaquePeople | None = None,
) -> str:
    """Return one element's XML as `rewrite` changes it, without declaration and tail; "" if all of it is left out.

    Names are told from one element only by what they say, not by their values.
    """
    who, judgement = who or OpaquePeople(), ALL_STAYS
    if not people or groups:
        judge = Judge(who, hides=not people, owners=mapped if groups else None, partial=True)
        _walk(element, judge)
        judgement = judge.close()
    target = _Rewriter(mapped=mapped, texts=texts, serialised=serialised, who=who, judgement=judgement)
    _walk(element, target)
    return target.take()


def _walk(
    element: etree._Element, target: _Rewriter | Judge, above: Mapping[str | None, str] = NOTHING
) -> None:
    spaces = element.nsmap
    declared = {prefix: uri for prefix, uri in spaces.items() if above.get(prefix) != uri}
    target.start(str(element.tag), {str(k): str(v) for k, v in element.attrib.items()}, declared)
    if element.text:
        target.data(element.text)
    for child in element:
        _walk(child, target, spaces)
        if child.tail:
            target.data(child.tail)
    target.end(str(element.tag))
