"""Rewrites opaque XML, which no model describes: replaces ids in references, and leaves out userdata if asked.

A restore passes the ids of this site, an anonymised backup pseudonyms. `archive.references` says which names are references.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import IO, cast

from lxml import etree

from archive import references, xml
from archive.namespaces import NOTHING, Names
from archive.numbers import whole_or
from archive.references import Reference
from archive.serialised import rewrite_strings
from archive.streams import blocks
from archive.xml_bounds import too_deep

USERDATA = ("userid", "authorid", "reviewerid", "recipientid")
"""Elements that name the person who made a record. Such a record is userdata, left out when `people` is False."""

SERIALISED = "configdata"
"""Element with a block's configuration: Base64 of a serialised PHP object."""

NOT_USERDATA = frozenset({"event", "file", "content", "scale", "outcome"})
"""Records that name a person and are not userdata: they belong to the course. Source: format facts, course-calendar.txt,
root-files.txt, course-contentbank.txt, root-scales.txt, root-outcomes.txt."""

IN_MEMORY = 4 * 1024 * 1024
"""Bytes of a member without userdata that are kept in memory until it ends; more go to a temporary file."""

LONGEST_NEIGHBOUR = 255
"""Characters of a text that can name the item type of a reference beside it: longer ones are not noted."""

Mapped = Callable[[str, int], int | None]
Texts = Callable[[str], str]


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
        people: bool,
        groups: bool = False,
        member: str = "",
    ) -> None:
        self.groups = groups
        self.mapped = mapped
        self.texts = texts
        self.serialised = serialised
        self.people = people
        self.member = member
        self.out: list[str] = []
        self._open: list[tuple[str, int, dict[str, str]]] = []
        self._userdata: list[bool] = []
        self._ownerless: list[bool] = []
        self._text: list[str] = []
        self._leaf = False
        self._names = Names()
        self._file: IO[bytes] | None = None
        self._spooled = 0

    def start(
        self, tag: str, attributes: Mapping[str, str], declared: Mapping[str | None, str] = NOTHING
    ) -> None:
        """Begin an element; `declared` are the namespaces that it declares, by prefix."""
        self._flush(leaf=False)
        if len(self._open) >= xml.DEEPEST:
            raise too_deep(self.member)
        tag, declarations = self._names.begin(tag, declared)
        named = {self._names.written(name, attribute=True): value for name, value in attributes.items()}
        parts = [f"<{tag}", *declarations]
        self._open.append((tag, len(self.out), {}))
        self._userdata.append(False)
        self._ownerless.append(False)
        for name, value in named.items():
            parts.append(f' {name}="{xml.escape_attribute(self._attribute(tag, name, value, named))}"')
        self.out.append("".join(parts) + ">")
        self._leaf = True

    def data(self, text: str) -> None:
        self._text.append(text)

    def end(self, tag: str) -> None:
        value = self._flush(leaf=self._leaf)
        tag, position, _ = self._open.pop()
        self._names.end()
        userdata, ownerless = self._userdata.pop(), self._ownerless.pop()
        if self._leaf and self._open:
            if len(value) <= LONGEST_NEIGHBOUR:
                self._open[-1][2][tag] = value
            if tag in USERDATA and value not in ("", "0", xml.NULL):
                self._userdata[-1] = self._open[-1][0] not in NOT_USERDATA
        self._leaf = False
        if ownerless or (userdata and not self.people):
            self._remove_from(position)
        else:
            self.out.append(f"</{tag}>")

    def comment(self, text: str) -> None:
        """Ignore a comment: comments are not written."""

    def close(self) -> None:
        """Do nothing: lxml requires this method."""

    def take(self, *, everything: bool) -> str:
        """Return the XML written since the last call.

        Without `people`, or with `groups`, return all of it at the end (`everything`), because records may still be left out;
        `spool` keeps what was written until then.
        """
        if not everything and (self.groups or not self.people):
            return ""
        written, self.out = "".join(self.out), []
        return written

    def spool(self, file: IO[bytes]) -> None:
        """Move what was written to a file, from which `_remove_from` can remove it again."""
        self._file = file
        for number, (tag, position, siblings) in enumerate(self._open):
            if position >= 0:
                offset = self._spooled + sum(len(piece.encode()) for piece in self.out[:position])
                self._open[number] = tag, -1 - offset, siblings
        self._spooled += file.write("".join(self.out).encode())
        self.out = []

    def _remove_from(self, position: int) -> None:
        """Remove what was written since an element began: a position of `out`; below 0: -1 minus the offset in the file."""
        if position >= 0:
            del self.out[position:]
            return
        assert self._file is not None
        self.out = []
        self._spooled = -1 - position
        self._file.seek(self._spooled)
        self._file.truncate()

    def _flush(self, *, leaf: bool) -> str:
        value = "".join(self._text)
        self._text = []
        if leaf:
            self.out.append(self._leaf_text(value))
        elif value:
            self.out.append(xml.escape(value))
        return value

    def _leaf_text(self, value: str) -> str:
        tag, _, _ = self._open[-1]
        around, _, siblings = self._open[-2] if len(self._open) > 1 else ("", 0, {})
        reference = references.in_opaque(around, tag)
        if reference is not None and (text := self._id_text(reference, value, siblings)) is not None:
            return text
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
        if item_type in references.OWNING and self.mapped(item_type, whole_or(value)) is None:
            self._leave_out_owner()
        return self._number(item_type, value) if item_type else None

    def _leave_out_owner(self) -> None:
        """Note that the record around the open leaf is left out, or the leaf alone if the record is not in our hands."""
        first = 0 if not self.member else 2 if self._open[0][0] == "activity" else 1
        record = len(self._open) - 2
        self._ownerless[record if record >= first else -1] = self.groups

    def _attribute(self, tag: str, name: str, value: str, attributes: dict[str, str]) -> str:
        item_type = references.by_name().get(name, "")
        if tag == "activity" and name == "id":
            item_type = attributes.get("modulename", "")
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
) -> Iterator[bytes]:
    """Yield the member's XML in pieces of bytes, with each id in a reference replaced by `mapped(item_type, old)`.

    `texts` changes each escaped text, `serialised` each unescaped text inside a block's configuration. An id for which
    `mapped` returns None becomes 0, so that it never points at another record. Without `people`, userdata is left out. With
    `groups`, records of groups for which `mapped` returns None are left out.
    Raises DamagedArchive for malformed XML, HostileArchive for a document type.
    """
    target = _Rewriter(
        mapped=mapped, texts=texts, serialised=serialised, people=people, groups=groups, member=member
    )
    yield xml.DECLARATION.encode()
    if people and not groups:
        for _ in xml.feed(target, stream, member=member):
            if piece := target.take(everything=False):
                yield piece.encode()
        yield target.take(everything=True).encode()
        return
    # Until the last element ends, all of it may turn out to be somebody's.
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as file:
        for _ in xml.feed(target, stream, member=member):
            target.spool(cast(IO[bytes], file))
        target.spool(cast(IO[bytes], file))
        file.seek(0)
        yield from blocks(cast(IO[bytes], file))


def rewrite_element(
    element: etree._Element,
    *,
    mapped: Mapped,
    texts: Texts = unchanged,
    serialised: Texts = unchanged,
    people: bool = True,
    groups: bool = False,
) -> str:
    """Return one element's XML as `rewrite` changes it, without declaration and tail; "" if all of it is left out."""
    target = _Rewriter(mapped=mapped, texts=texts, serialised=serialised, people=people, groups=groups)
    _walk(element, target)
    return target.take(everything=True)


def _walk(element: etree._Element, target: _Rewriter, above: Mapping[str | None, str] = NOTHING) -> None:
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
