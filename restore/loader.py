"""The loader: records of the archive's XML, read as a stream and written by COPY with this site's ids.

It knows elements, not models: what a value means is said by its field. What no field describes is kept.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import IO

from lxml import etree

from archive import xml
from archive.errors import InvalidValue
from courses import links, structure
from courses.bulk import Table
from courses.fields import NULL, ArchiveField, FieldError, Reading, copy_text
from courses.models import OpaqueElement
from courses.structure import Element, Wrapper
from restore.ids import IdMap
from restore.readers import (
    Accept,
    Fixed,
    Inside,
    Reader,
    Texts,
    left_in,
    streamed,
    tags_of,
    text_above,
    wrappers_of,
)

TICK = 2000
NOBODY = frozenset({None, "", "0", NULL})
"""What the column of a person says when there is none."""

Keep = Callable[[etree._Element, bool], str]


Wanted = Callable[[Element, int], bool]
"""Whether a top record comes, by its element and old id."""


@dataclass(frozen=True, slots=True)
class Top:
    """The top of a member, as the owner of what stands there beside the records: its name, and the new id of the activity or
    the like whose member it is. Without one it is the course's, which is not there yet."""

    name: str
    record: int | None = None


def nobody(element: Element) -> str:
    """Top records that belong to nothing."""
    return ""


def everything(element: Element, old: int) -> bool:
    """Every record comes."""
    return True


@dataclass(frozen=True, slots=True)
class _Open:
    """An element that has begun: its reader and new id when it is a record; whether it is `done` with when it ends."""

    reader: Reader | None
    node: etree._Element
    new: str
    done: bool


@dataclass(frozen=True, slots=True)
class _Above:
    """A record in which others waited: its element and new id, its member, and the texts that the others need."""

    node: etree._Element
    new: str
    member: str
    around: Texts


class Loader:
    """Reads members into tables.

    `preserve` makes XML with this site's ids of an element that nothing describes, with people's work or without ("" when
    nothing is left); `waiting` are such elements of members that are read before there is a course. `people` is whether
    people's work comes; in a `nameless` archive, which has nobody's name, it says nothing of anybody. `skipped` are options
    that are off, `accepts` says by table which of its records come.
    """

    def __init__(
        self,
        ids: IdMap,
        *,
        reading: Reading,
        course: int,
        preserve: Keep,
        people: bool,
        nameless: bool = False,
        skipped: Collection[str] = (),
        accepts: Mapping[str, Accept] | None = None,
    ) -> None:
        self.ids = ids
        self.reading = reading
        self.course = course
        self.preserve = preserve
        self.people = people
        self.nameless = nameless
        self.skipped = frozenset(skipped)
        self.accepts = accepts or {}
        self.records = 0
        self.linked: dict[tuple[str, ArchiveField], array[int]] = {}
        self.waiting: list[tuple[str, etree._Element]] = []
        self._tables: dict[tuple[str, tuple[str, ...]], Table] = {}
        self._fresh: dict[str, Iterator[int]] = {}

    def fresh(self, item_type: str) -> Iterator[int]:
        """New ids for records that have none in the archive."""
        if item_type not in self._fresh:
            self._fresh[item_type] = self.ids.fresh(item_type)
        return self._fresh[item_type]

    def table(self, name: str, columns: tuple[str, ...]) -> Table:
        """The table that collects rows of these columns; columns that nothing gives get their defaults."""
        key = name, columns
        if key not in self._tables:
            self._tables[key] = Table(name, columns)
        return self._tables[key]

    def flush(self) -> None:
        """Sends all rows that were collected."""
        for table in self._tables.values():
            table.flush()

    def load(
        self,
        stream: IO[bytes],
        *,
        member: str,
        elements: tuple[Wrapper | Element, ...],
        root: tuple[str, ...],
        owner: Callable[[Element], str] = nobody,
        fixed: Fixed | None = None,
        wanted: Wanted = everything,
        top: Top | None = None,
    ) -> Iterator[int]:
        """Reads the records of a member and yields, every so often, how many more there were.

        `root` is the path of elements around the records; `owner` gives the value of the column that joins a top record
        to its owner; `fixed` are columns of top records with one value; `wanted` says which top records come; what else is in
        the member is kept for its `top`.
        Raises InvalidValue for a value that does not fit, DamagedArchive for malformed XML.
        """
        readers = self._readers(elements, root, fixed or {})
        tags = set(streamed(structure.elements_of(elements)))
        stack: list[_Open] = []
        left: list[etree._Element] = []
        told = self.records
        for event, node in xml.events(
            stream, member=member, events=("start", "end"), tags=tags, ended=left.append
        ):
            if event == "start":
                stack.append(self._enter(node, stack, readers, wanted, member))
                continue
            opened = stack.pop()
            if opened.reader is not None:
                self._ended(opened, opened.reader, stack[-1] if stack else None, owner, member)
            if opened.done:
                parent = node.getparent()
                if parent is not None:
                    parent.remove(node)
                if self.records - told >= TICK:
                    yield self.records - told
                    told = self.records
        if top is not None:
            self._keep_top(left[0], elements, top)
        yield self.records - told

    def _ended(
        self, opened: _Open, reader: Reader, above: _Open | None, owner: Callable[[Element], str], member: str
    ) -> None:
        """Reads a record that is whole."""
        join = owner(reader.element) if above is None else self._joined(reader, above.node, above.new)
        self._row(reader, opened.node, opened.new, join, member)

    def _readers(
        self, elements: tuple[Wrapper | Element, ...], root: tuple[str, ...], fixed: Fixed
    ) -> dict[tuple[str, ...], Reader | None]:
        found: dict[tuple[str, ...], Reader | None] = {}
        for element in structure.elements_of(elements):
            if element.shown:
                continue
            archive_meta = element.model.archive_meta
            if archive_meta.option in self.skipped or (
                archive_meta.userdata and not archive_meta.person and not self.people
            ):
                found[root + element.path] = None
                continue
            reader = Reader(
                element,
                fixed=fixed,
                reading=self.reading,
                tables=self.table,
                accept=self.accepts.get(element.table),
                fresh=self.fresh(element.item_type),
            )
            reader.nest(self._readers(element.body, (), {}), element.children())
            found[root + element.path] = reader
        return found

    def _enter(
        self,
        node: etree._Element,
        stack: list[_Open],
        readers: dict[tuple[str, ...], Reader | None],
        wanted: Wanted,
        member: str,
    ) -> _Open:
        """What begins here: a record, a record that is left out, or an element that only has a record's name."""
        above = stack[-1] if stack else None
        if above is not None and above.reader is None:
            return _Open(None, node, "", done=False)
        key: tuple[str, ...] = (str(node.tag),)
        parent, outer = node.getparent(), above.node if above else None
        while parent is not None and parent is not outer:
            key = (str(parent.tag), *key)
            parent = parent.getparent()
        among = above.reader.inside if above and above.reader else readers
        reader = among.get(key)
        if reader is None or (above is None and not wanted(reader.element, _number(node))):
            return _Open(None, node, "", done=key in among)
        return _Open(reader, node, self._number(reader, node, member), done=True)

    def _number(self, reader: Reader, node: etree._Element, member: str) -> str:
        """The new id of a record that begins."""
        if not reader.numbered:
            return str(next(reader.fresh))
        old = node.get("id", "")
        if not xml.is_id(old):
            place = f"{member}, line {node.sourceline}"
            raise InvalidValue(
                f"The id of <{node.tag}> should be a number, and is {old[:40]!r}.", where=place
            )
        new = self.ids.arrive(reader.item_type, int(old))
        if new is None:
            raise InvalidValue(
                f"Two <{node.tag}> have the id {old}.", where=f"{member}, line {node.sourceline}"
            )
        return str(new)

    def _joined(self, reader: Reader, above: etree._Element, new: str) -> str:
        """The value of the column that joins a record to the one it stands in, which has a new id."""
        if reader.element.parent_column == "id":
            return new
        old = above.get(reader.element.parent_column, "0")
        mapped = self.ids.mention("context", int(old) if xml.is_id(old) else 0)
        return str(mapped or 0)

    def _row(
        self,
        reader: Reader,
        node: etree._Element,
        new: str,
        owner: str,
        member: str,
        around: Texts | None = None,
    ) -> None:
        values: Texts = {child.tag: child.text for child in node}
        if reader.person and not (self.people or self.nameless) and values.get(reader.person) not in NOBODY:
            return
        if reader.accept is not None and not reader.accept(values, owner):
            return
        for path in reader.above:
            values[path] = text_above(node, path) if around is None else around.get(path)
        for tag in reader.attributes:
            values["@" + tag] = node.get(tag, NULL)
        try:
            row = reader.parse(values)
        except FieldError:
            key, error = reader.wrong(values)
            raise InvalidValue(f"The value {error}.", where=_place(member, node, key)) from None
        row.append(new)
        if reader.join:
            row.append(owner)
        for _, value in reader.fixed:
            row.append(value)
        line = reader.table.add(row)
        self.records += 1
        for field in reader.links if links.MARK in line else reader.unmarked:
            if field.holds_links(values.get(field.tag) or ""):
                self.linked.setdefault((reader.element.table, field), array("q")).append(int(new))
        left = bool(reader.inline) and self._few(
            reader, node, new, member, reader.texts_for_few(node, values, around)
        )
        if left or not values.keys() <= reader.known or (reader.lists and any(len(child) for child in node)):
            self._keep_rest(reader, node, new)

    def _few(self, reader: Reader, node: etree._Element, new: str, member: str, around: Texts) -> bool:
        """Reads the records that waited in one; whether anything else is left in their lists."""
        left, above = False, _Above(node, new, member, around)
        for tag, inner in reader.inline.items():
            for one in node.iterchildren(tag):
                if isinstance(inner, dict):
                    left = not self._emptied(inner, one, above) or left
                else:
                    self._waiting(inner, one, above)
        return left

    def _waiting(self, reader: Reader | None, one: etree._Element, above: _Above) -> None:
        """Reads a record that waited in the one above."""
        if reader is not None:
            join = self._joined(reader, above.node, above.new)
            self._row(reader, one, self._number(reader, one, above.member), join, above.member, above.around)

    def _emptied(self, readers: Inside, among: etree._Element, above: _Above) -> bool:
        """Reads the records that waited in a list and takes them out; whether nothing else is left there."""
        for tag, reader in readers.items():
            found = list(among.iterchildren(tag))
            if isinstance(reader, dict):
                found = [inner for inner in found if self._emptied(reader, inner, above)]
            else:
                for one in found:
                    self._waiting(reader, one, above)
            if len(found) == len(among):
                among.clear()
            for one in found if len(among) else ():
                among.remove(one)
        return len(among) == 0

    def _keep_rest(self, reader: Reader, node: etree._Element, new: str) -> None:
        for child in reader.left(node):
            self._keep(child, reader.item_type, new)

    def _keep_top(self, node: etree._Element, elements: tuple[Wrapper | Element, ...], top: Top) -> None:
        for child in left_in(node, tags_of(elements), wrappers_of(elements)):
            if top.record is None:
                self.waiting.append((top.name, child))
            else:
                self._keep(child, top.name, str(top.record))

    def _keep(self, element: etree._Element, item_type: str, record: str) -> None:
        text = self.preserve(element, self.people)
        if text:
            # What is read before there is a course, people and roles, is theirs in every course.
            course = str(self.course) if self.course else None
            table = self.table(OpaqueElement._meta.db_table, ("course_id", "item_type", "record", "xml"))
            table.add([course, item_type, record, copy_text(text)])


def _number(node: etree._Element) -> int:
    old = node.get("id", "0")
    return int(old) if xml.is_id(old) else 0


def _place(member: str, node: etree._Element, tag: str) -> str:
    number = node.get("id")
    record = f"<{node.tag} id={number}>" if number else f"<{node.tag}> at line {node.sourceline}"
    return f"{member}, {record}, <{tag}>"
