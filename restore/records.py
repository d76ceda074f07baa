"""Turn whole XML records into rows of tables, with this site's ids.

`restore/walk.py` gives each record when it has ended; its `inline` records are still inside it. For the post

    <post id="22">
      <parent>21</parent>                      `Reader.parse` gives the texts that COPY wants, in the order of `Reader.columns`;
      <userid>5</userid>                       ids are mapped, dates are shifted
      <message>See $@FORUMVIEWBYID*9@$</message>    a link: the new id is noted in `RecordWriter.linked`
      <extra>1</extra>                         described by no field: stored as an opaque element
      <ratings> <rating id="3">..</rating> </ratings>     read here too, if ratings were inline
    </post>

the row is (parent, userid, message, ..., new id of the post, new id of its discussion, fixed columns).
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple

from lxml import etree

from archive.errors import InvalidValue
from archive.numbers import natural, whole_or
from courses import links
from courses.bulk import CopyTable
from courses.fields import NULL, ArchiveField, FieldError, TextTooLong, copy_text, plain_number
from courses.local_names import local_names
from courses.models import OpaqueElement
from restore.ids import IdMap
from restore.readers import Inside, Reader, Texts, text_above
from restore.shortened import ShortenedTexts

NOBODY = frozenset({None, "", "0", NULL})
"""Texts of a person's column that name nobody."""

Preserve = Callable[[etree._Element, bool], str]
"""Return an opaque element as XML with this site's ids, with userdata or without; empty if nothing of it is left."""


class LinkColumn(NamedTuple):
    """A column whose values may hold links."""

    table: str
    field: ArchiveField


class Parent(NamedTuple):
    """A record that was written and has inline records: its element, its new id, the member that it is in, and the texts of
    elements around it that the inline records need."""

    node: etree._Element
    new_id: str
    member: str
    texts: Texts


class RecordWriter:
    """Write records into tables by COPY, and opaque elements into theirs.

    `records` counts the written records that the archive has, so without those that were `made` when the member was read, and
    `left_out` those that are not written. `linked` are the new ids
    of the rows with links, by column: they are read and written once more when all ids are known. `course` is the new id of the
    course, 0 before there is one. `shortened` notes the texts that are too long for their column. `redirected` are the tables
    that rows of other tables are sent to instead (`restore/arrivals.py`).
    """

    def __init__(
        self,
        ids: IdMap,
        *,
        course: int,
        preserve: Preserve,
        people: bool,
        nameless: bool,
        shortened: ShortenedTexts | None = None,
        redirected: Mapping[str, str] | None = None,
        made: Mapping[str, int] | None = None,
    ) -> None:
        self.ids = ids
        self.redirected = {} if redirected is None else redirected
        self.shortened = shortened or ShortenedTexts()
        self.course = course
        self.preserve = preserve
        self.people = people
        self.takes_all = people or nameless
        """Whether nobody's records are left out."""
        self.records = 0
        self.made = made or {}
        self.made_left: dict[str, int] = {}
        self.left_out = 0
        self.linked: dict[LinkColumn, array[int]] = {}
        self._tables: dict[tuple[str, tuple[str, ...]], CopyTable] = {}

    def table(self, name: str, columns: tuple[str, ...]) -> CopyTable:
        """Return the collector of rows with these columns, the same one each time; all other columns get their defaults."""
        name = self.redirected.get(name, name)
        key = name, columns
        if key not in self._tables:
            self._tables[key] = CopyTable(name, columns)
        return self._tables[key]

    @property
    def written(self) -> Counter[str]:
        """The numbers of rows that were written, by the names of the tables."""
        found: Counter[str] = Counter()
        for table in self._tables.values():
            found[table.name] += table.rows
        return +found

    def flush(self) -> None:
        """Send all collected rows to the database."""
        for table in self._tables.values():
            table.flush()

    def new_id(self, reader: Reader, node: etree._Element, member: str) -> str:
        """Return the new id of a record. Raises InvalidValue if its old id is no number, or that of an earlier record."""
        if not reader.numbered:
            return str(next(reader.fresh))
        old = natural(node.get("id"))  # nearly always there: `old_id` is one more call
        new = self.ids.arrive(reader.item_type, old_id(node, member) if old is None else old)
        if new is None and reader.repeat:
            return str(next(reader.fresh))
        if new is None:
            raise InvalidValue(
                f"Two <{node.tag}> have the id {node.get('id', '')}.",
                where=f"{member}, line {node.sourceline}",
            )
        return str(new)

    def parent_value(self, reader: Reader, parent: etree._Element, parent_id: str) -> str:
        """Return the value of the column by which a record belongs to its parent: the parent's new id, or its new contextid."""
        if reader.joined_by_id:
            return parent_id
        old = plain_number(parent.get(reader.element.parent_column, "0"))
        return str(self.ids.mention("context", natural(old) or 0) or 0)

    def write(
        self,
        reader: Reader,
        node: etree._Element,
        children: list[etree._Element],
        values: Texts,
        new_id: str,
        owner: str,
        member: str,
        around: Texts | None = None,
    ) -> None:
        """Write a whole record, its inline records and its opaque elements, unless userdata or `accept` excludes it.

        `children` are those in its element, and `values` their texts by tag. `owner` is the value of the column by which it
        belongs to its parent. `around` are the texts of elements around it; an inline record gets them, all others read them
        from the tree. Raises InvalidValue for a value that does not fit.
        """
        if (not self.takes_all and self.leaves_out(reader, values)) or (
            reader.accept is not None and not reader.accept(values, owner)
        ):
            self.left_out += 1
            return
        row = self.row(reader, values, node, member, around)
        row.append(new_id)
        if reader.owner_column:
            row.append(owner)
        row += reader.fixed_values
        line = "\t".join(row)
        reader.table.add_line(line)
        self.records += 1
        if reader.later and (left := self.made_left.setdefault(member, self.made.get(member, 0))):
            self.made_left[member] = left - 1
            self.records -= 1
        for field in reader.links if links.marked(line) else reader.unmarked:
            if field.holds_links(values.get(field.tag) or ""):
                column = LinkColumn(reader.element.table, field)
                self.linked.setdefault(column, array("q")).append(int(new_id))
        left = bool(reader.inline) and self._write_inline(
            reader.inline, Parent(node, new_id, member, reader.texts_for_inline(node, values, around))
        )
        if left or not values.keys() <= reader.known or (reader.lists and any(map(len, children))):
            for child in reader.left(node):
                self.store_opaque(child, reader.item_type, new_id, old=node.get("id", ""))

    def leaves_out(self, reader: Reader, values: Texts) -> bool:
        """Whether a record with these texts is a person's, and people are not restored."""
        return bool(reader.person) and not self.takes_all and values.get(reader.person) not in NOBODY

    def row(
        self, reader: Reader, values: Texts, node: etree._Element, member: str, around: Texts | None = None
    ) -> list[str]:
        """Return the values of a record for the columns of its reader; add texts of outer elements and attributes to `values`.

        Texts that are too long are cut. Raises InvalidValue for a value that does not fit for another reason.
        """
        for path in reader.above:
            values[path] = text_above(node, path) if around is None else around.get(path)
        for tag in reader.attributes:
            values["@" + tag] = node.get(tag, NULL)
        try:
            return reader.parse(values)
        except FieldError:
            return self._fitting_row(reader, values, node, member)

    def _fitting_row(self, reader: Reader, values: Texts, node: etree._Element, member: str) -> list[str]:
        """Return the values of a record with texts that are too long; they are cut, also in `values`.

        Raises InvalidValue for a value that does not fit for another reason.
        """
        cut: dict[str, int] = {}
        while True:
            try:
                row = reader.parse(values)
            except FieldError:
                key, error = reader.wrong(values)
                text = values.get(key) or ""
                if not isinstance(error, TextTooLong):
                    raise InvalidValue(f"The value {error}.", where=_place(member, node, key)) from None
                cut.setdefault(key, len(text))
                values[key] = text[: -error.excess]
                continue
            for key, length in cut.items():
                kept = len(values[key] or "")
                self.shortened.add(key.removeprefix("@"), _place(member, node, key), length=length, kept=kept)
            return row

    def store_opaque(self, element: etree._Element, item_type: str, record: str, *, old: str = "") -> None:
        """Store an element that no model describes for a record of this site; nothing if `preserve` leaves none of it.

        `old` is the record's id in the archive.
        """
        self._renumber_local(element, item_type, old)
        text = self.preserve(element, self.people)
        if text:
            # People and roles are read before there is a course: what is stored of them belongs to every course.
            course = str(self.course) if self.course else None
            table = self.table(OpaqueElement._meta.db_table, ("course_id", "item_type", "record", "xml"))
            table.add([course, item_type, record, copy_text(text)])

    def _renumber_local(self, element: etree._Element, item_type: str, old: str) -> None:
        """Replace the ids in an opaque element by which it refers to records of its member (`courses.local_names.py`)."""
        names = local_names().get(item_type)
        for node, target in names.references(element, old) if names else ():
            node.text = str(self.ids.mention(target, whole_or(node.text)) or 0)

    def _write_inline(self, inline: Inside, parent: Parent) -> bool:
        """Write the inline records of a record; True if something else is left in their lists."""
        left = False
        for tag, reader in inline.items():
            for node in parent.node.iterchildren(tag):
                if isinstance(reader, dict):
                    left = not self._empty_list(reader, node, parent) or left
                else:
                    self._write_inline_record(reader, node, parent)
        return left

    def _write_inline_record(self, reader: Reader | None, node: etree._Element, parent: Parent) -> None:
        """Write one inline record; nothing without a reader, as such records are not restored."""
        if reader is not None:
            owner = self.parent_value(reader, parent.node, parent.new_id)
            new_id = self.new_id(reader, node, parent.member)
            children, values = children_of(node)
            self.write(reader, node, children, values, new_id, owner, parent.member, parent.texts)

    def _empty_list(self, readers: Inside, wrapper: etree._Element, parent: Parent) -> bool:
        """Write the inline records of a wrapper and remove them from it; True if nothing else is left in it."""
        for tag, reader in readers.items():
            done = list(wrapper.iterchildren(tag))
            if isinstance(reader, dict):
                done = [inner for inner in done if self._empty_list(reader, inner, parent)]
            else:
                for node in done:
                    self._write_inline_record(reader, node, parent)
            if len(done) == len(wrapper):
                wrapper.clear()
            for node in done if len(wrapper) else ():
                wrapper.remove(node)
        return len(wrapper) == 0


def children_of(node: etree._Element) -> tuple[list[etree._Element], Texts]:
    """Return the elements in a record, and their texts by tag."""
    children = list(node)
    return children, {child.tag: child.text for child in children}


def old_id(node: etree._Element, member: str) -> int:
    """Return the id that a record has in the archive. Raises InvalidValue if it is no number."""
    old = node.get("id", "")
    number = natural(old)
    if number is None:
        number = natural(plain_number(old))
    if number is None:
        raise InvalidValue(
            f"The id of <{node.tag}> should be a number, and is {old[:40]!r}.",
            where=f"{member}, line {node.sourceline}",
        )
    return number


def _place(member: str, node: etree._Element, tag: str) -> str:
    """Return the location of a value for a message: the member, the record and the value's element."""
    number = node.get("id")
    record = f"<{node.tag} id={number}>" if number else f"<{node.tag}> at line {node.sourceline}"
    return f"{member}, {record}, <{tag}>"
