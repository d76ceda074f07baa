"""Compile an element of the archive into a `Reader`, which makes rows of its records.

For `<post>` of a forum, below `<discussion>` in the wrapper `<posts>`:

    Reader.columns       Column("parent", parser of a reference, "0", "0"), Column("userid", ...), Column("message", ...), ...
    Reader.table         Table("courses_forumpost", ("parent", "userid", "message", ..., "id", "discussion_id"))
    a row                what `parse` gives for the columns, then the new id, then the new id of the discussion, then the
                         values of `fixed_values`; all of them texts as COPY wants them, also for NULL

    Reader of <discussion>: inside = {"posts": {"post": Reader of <post>}}           read when they end, one by one
                            inline = {"tags": {"tag": Reader of <tag>}}              if tags were inline: read with the parent
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import chain
from typing import Any, NamedTuple, cast

from lxml import etree

from courses import structure
from courses.bulk import NULL as COPY_NULL
from courses.bulk import CopyTable
from courses.fields import NULL, ArchiveField, FieldError, Parse, Reading
from courses.structure import Element, Wrapper

ABSENT: Any = object()
"""The text of an element that is not in the record; None is the text of an empty one."""

Fixed = Mapping[str, str | None]
"""Columns of top records that have one value, by name."""

Accept = Callable[[Mapping[Any, str | None], str], bool]
"""True if a record is restored, by the texts of its elements and the value of the column that joins it to its owner."""

Tables = Callable[[str, tuple[str, ...]], CopyTable]
"""The collector of rows for a table, by its name and columns."""

Texts = dict[Any, str | None]
"""Texts of a record: by the tag of a leaf, "@name" of an attribute, "element/leaf" of a leaf of an element around it."""

Readers = dict[tuple[str, ...], "Reader | None"]
"""Readers by the path of tags that leads to their records; None for records that are not restored."""

Inside = dict[str, "Reader | Inside | None"]
"""Readers, nested by the tags that lead to their records; None for records that are not restored."""


class Column(NamedTuple):
    """The rule for the value of a column: the key in the record's texts, the parser from XML text to COPY text, and the values
    for COPY if the element is absent or NULL."""

    key: str
    parse: Parse
    absent: str
    null: str


ValueOf = Callable[[str | None], str]
"""The value of a column for COPY, by its text in a record, NULL or ABSENT."""


class _Kept(dict[Any, str]):
    """The values of a column by their texts: the first short ones are kept, as most columns of numbers have few of them."""

    def __init__(self, value_of: ValueOf) -> None:
        super().__init__({ABSENT: value_of(ABSENT)})
        self._value_of = value_of

    def __missing__(self, text: str | None) -> str:
        value = self._value_of(text)
        if len(self) < MOST_KEPT and len(text or "") < LONGEST_KEPT:
            self[text] = value
        return value


MOST_KEPT = 256
"""Values of a column that are kept, at most."""

LONGEST_KEPT = 40
"""Characters of a text from which on its value is not kept."""


class Reader:
    """Make rows of the records of one element.

    `known` are the tags that a field or model describes: all others in a record are opaque. `inside` are the readers of nested
    records that are read one by one when they end, `inline` of those that are read with their parent; `lists` is True if
    any of the former are in wrappers. `keyed` says whether the records have a natural key, `later` whether they came
    after Moodle 4.5, so that those of older archives are made when they are read. `needs` are the paths
    ("element/leaf") of the texts that inline records need from the elements around them.
    """

    def __init__(
        self,
        element: Element,
        *,
        fixed: Fixed,
        reading: Reading,
        tables: Tables,
        accept: Accept | None,
        fresh: Iterator[int],
    ) -> None:
        self.element = element
        self.reading = reading
        self.item_type = element.item_type
        self.keyed = bool(element.model.archive_meta.compared_key)
        self.repeat = element.model.archive_meta.repeat
        self.later = bool(element.since)
        self.numbered = element.model.archive_meta.numbered and element.model.archive_meta.unique
        self.fields = fields = (*element.attributes, *element.leaves)
        self.attributes = [field.tag for field in element.attributes]
        self.above = tuple({path for field in fields for path in field.above})
        self.row_fields = [(index, field) for index, field in enumerate(fields) if field.needs_row]
        names = [*(str(field.column) for field in fields), "id"]
        if element.column:
            names.append(element.column)
        self.owner_column = element.column
        self.joined_by_id = element.parent_column == "id"
        there = {column.column for column in element.model._meta.concrete_fields}
        self._fixed = [name for name in fixed if name in there and name not in names]
        self.fix(fixed)
        names += self._fixed
        self.table = tables(element.table, tuple(names))
        self.links = [field for field in fields if field.links]
        self.unmarked = [field for field in self.links if not field.marked]
        self.known = {*self.above, *map(_key, fields)}
        self.known |= {echo.tag for echo in element.echoes} | tags_of(element.body)
        self.wrappers = wrappers_of(element.body)
        self.person = element.model.archive_meta.person
        self.fresh = fresh
        self.accept = accept
        self.inside: Inside = {}
        self.inline: Inside = {}
        self.needs: set[str] = set()
        self.lists = False

    @cached_property
    def columns(self) -> list[Column]:
        """The rules for the columns of `fields`, made when the first record is read: most elements have no records."""
        return [_column(field, self.reading) for field in self.fields]

    @cached_property
    def _values(self) -> list[tuple[str, ValueOf]]:
        """The key and the values of each column."""
        return [
            (column.key, _Kept(_value_of(column)).__getitem__ if field.kept else _value_of(column))
            for field, column in zip(self.fields, self.columns, strict=True)
        ]

    def fix(self, fixed: Fixed) -> None:
        """Take the values of a member for the columns that have one value in it; they have the names of the first member's."""
        self.fixed_values = [for_copy(fixed[name]) for name in self._fixed]

    def nest(self, readers: Readers, elements: Iterable[Element]) -> None:
        """Add the readers of the elements that nest in this one, as inline or as read one by one.

        The rows of inline records are sent after the rows of this reader, to which they refer.
        """
        inline = {element.path: is_inline(element) for element in elements}
        self.lists = any(len(path) > 1 and not is_in for path, is_in in inline.items())
        for path, reader in readers.items():
            add_reader(self.inline if inline[path] else self.inside, path, reader)
            if inline[path] and reader is not None:
                self.needs |= {*reader.above, *reader.needs}
                if self.table not in reader.table.before:
                    reader.table.before.append(self.table)

    def parse(self, values: Texts) -> list[str]:
        """Return the values of `columns` for a record, as texts for COPY. Raises FieldError; `wrong` finds the value."""
        get = values.get
        row = [value_of(get(key, ABSENT)) for key, value_of in self._values]
        for index, field in self.row_fields:
            if (text := get(self.columns[index].key, NULL)) != NULL:
                row[index] = for_copy(field.parse_in_row(text or "", values, self.reading))
        return row

    def wrong(self, values: Texts) -> tuple[str, FieldError]:
        """Return the key of the first value that `parse` refuses, and the error."""
        of_row = dict(self.row_fields)
        for index, column in enumerate(self.columns):
            text = values.get(column.key, NULL)
            try:
                if text != NULL and index in of_row:
                    of_row[index].parse_in_row(text or "", values, self.reading)
                elif text != NULL:
                    column.parse(text or "")
            except FieldError as error:
                return column.key, error
        raise RuntimeError(f"A record of {self.element.table} was refused, and no value of it is wrong.")

    def texts_for_inline(self, node: etree._Element, values: Texts, around: Texts | None) -> Texts:
        """Return the texts of `needs`: from this record, from `around` if it is inline itself, else from the tree."""
        found: Texts = {}
        for path in self.needs:
            tag, leaf = path.split("/")
            if tag == self.element.tag:
                found[path] = values.get(leaf)
            else:
                found[path] = text_above(node, path) if around is None else around.get(path)
        return found

    def count(self, node: etree._Element) -> int:
        """Return the number of records in the element of a record that is not restored: itself, and all that nest in it."""
        found = chain(_found(node, self.inside), _found(node, self.inline))
        return 1 + sum(reader.count(inner) for reader, inner in found)

    def count_starts(self, node: etree._Element) -> int:
        """Return the number of records inside a record that are read one by one, all depths included."""
        return sum(1 + reader.count_starts(inner) for reader, inner in _found(node, self.inside))

    def left(self, node: etree._Element) -> Iterator[etree._Element]:
        """Yield the opaque elements of a record whose nested records were read, and wrappers with opaque elements in them."""
        return left_in(node, self.known, self.wrappers)


def add_reader(inside: Inside, path: tuple[str, ...], reader: Reader | None) -> None:
    """Add a reader to nested ones, by the path of tags that leads to its records."""
    for tag in path[:-1]:
        inside = cast(Inside, inside.setdefault(tag, {}))
    inside[path[-1]] = reader


def _found(node: etree._Element, readers: Inside) -> Iterator[tuple[Reader, etree._Element]]:
    """Yield the readers of the records in an element, each with its record."""
    for tag, reader in readers.items():
        for inner in node.iterchildren(tag) if reader is not None else ():
            if isinstance(reader, dict):
                yield from _found(inner, reader)
            elif reader is not None:
                yield reader, inner


def is_inline(element: Element) -> bool:
    """True if records of an element, with all that nests in them, are read together with their parent, and sent after it."""
    return element.model.archive_meta.inline and all(map(is_inline, element.children()))


def inline_tables() -> list[str]:
    """Return the tables whose rows are read together with their parents, and sent after them."""
    return [
        model._meta.db_table for model in structure.archived_models() if is_inline(structure.element(model))
    ]


def tags_of(body: tuple[Wrapper | Element, ...]) -> set[str]:
    """Return the tags directly in a body: of its wrappers and of its elements."""
    return {node.tag if isinstance(node, Wrapper) else node.path[-1] for node in body}


def wrappers_of(body: tuple[Wrapper | Element, ...]) -> dict[str, Wrapper]:
    """Return the wrappers directly in a body, by tag."""
    return {node.tag: node for node in body if isinstance(node, Wrapper)}


def left_in(
    children: Iterable[etree._Element], known: Collection[str], wrappers: Mapping[str, Wrapper]
) -> Iterator[etree._Element]:
    """Yield the opaque ones of an element's children whose records were removed, and wrappers with opaque elements in them."""
    for child in children:
        wrapper = wrappers.get(str(child.tag))
        if child.tag not in known or (wrapper is not None and _has_left(child, wrapper)):
            yield child


def _has_left(node: etree._Element, wrapper: Wrapper) -> bool:
    """Remove empty wrappers in a wrapper whose records were removed; True if opaque elements are left in it."""
    inner = {one.tag: one for one in wrapper.body if isinstance(one, Wrapper)}
    for child in list(node):
        known = inner.get(str(child.tag))
        if known is not None and not _has_left(child, known):
            node.remove(child)
    return len(node) > 0


def text_above(node: etree._Element, path: str) -> str | None:
    """Return the text of a leaf of an element around a record, by its path "element/leaf"; None if there is none."""
    tag, leaf = path.split("/")
    around = next(node.iterancestors(tag), None)
    return None if around is None else around.findtext(leaf)


def _column(field: ArchiveField, reading: Reading) -> Column:
    """Return the rule for the column of a field."""
    absent = field.missing()
    # A field that needs the whole row is parsed after the others, by `Reader.parse`.
    parse: Parse = str if field.needs_row else field.parser(reading)
    return Column(_key(field), parse, for_copy(absent), for_copy(None if field.null else absent))


def _value_of(column: Column) -> ValueOf:
    """Return the function that gives the values of a column."""
    _, parse, absent, null = column

    def value_of(text: str | None) -> str:
        if text is ABSENT:
            return absent
        if text == NULL:
            return null
        value = parse(text or "")
        return COPY_NULL if value is None else value

    return value_of


def for_copy(value: str | None) -> str:
    """Return a text for COPY as it is, and what stands for NULL in it for None."""
    return COPY_NULL if value is None else value


def _key(field: ArchiveField) -> str:
    """Return the key of a field in the texts of a record."""
    return "@" + field.tag if field.attribute else field.tag
