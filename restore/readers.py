"""Compile an element of the archive into a `Reader`, which makes rows of its records.

For `<post>` of a forum, below `<discussion>` in the wrapper `<posts>`:

    Reader.columns       Column("parent", parser of a reference, "0", "0"), Column("userid", ...), Column("message", ...), ...
    Reader.table         Table("courses_forumpost", ("parent", "userid", "message", ..., "id", "discussion_id"))
    a row                what `parse` gives for the columns, then the new id, then the new id of the discussion, then the
                         values of `fixed_values`; all of them texts as COPY wants them, None for NULL

    Reader of <discussion>: inside = {("posts", "post"): Reader of <post>}           read when they end, one by one
                            inline = {"tags": {"tag": Reader of <tag>}}              if tags were inline: read with the parent
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, cast

from archive.records import Inline, KnownTags, Shape, Texts, WholeRecord, Wrappers
from courses import structure
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

Readers = dict[tuple[str, ...], "Reader | None"]
"""Readers by the path of tags that leads to their records; None for records that are not restored."""

Inside = dict[str, "Reader | Inside | None"]
"""Readers of inline records, nested by the tags that lead to them; None for records that are not restored."""


class Column(NamedTuple):
    """The rule for the value of a column: the key in the record's texts, the parser from XML text to COPY text, and the values
    for COPY if the element is absent or NULL."""

    key: str
    parse: Parse
    absent: str | None
    null: str | None


PlainColumn = tuple[str, Parse, str | None, str | None]


class Reader:
    """Make rows of the records of one element.

    `inside` are the readers of nested records that are read one by one, `inline` of those that are read with their parent.
    `keyed` says whether the records have a natural key, `later` whether they came after Moodle 4.5, so that those of
    older archives are made when they are read. `needs` are the paths ("element/leaf") of the texts that inline records need
    from the elements around them.
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
        fields = (*element.attributes, *element.leaves)
        self.columns = [_column(field, reading) for field in fields]
        # The innermost loop of a restore: unpacking a plain tuple is faster than a named one.
        self._plain_columns: list[PlainColumn] = [(*column,) for column in self.columns]
        self.attributes = [field.tag for field in element.attributes]
        self.above = tuple({path for field in fields for path in field.above})
        self.row_fields = [(index, field) for index, field in enumerate(fields) if field.needs_row]
        names = [*(str(field.column) for field in fields), "id"]
        if element.column:
            names.append(element.column)
        self.owner_column = element.column
        there = {column.column for column in element.model._meta.concrete_fields}
        self._fixed = [name for name in fixed if name in there and name not in names]
        self.fix(fixed)
        names += self._fixed
        self.table = tables(element.table, tuple(names))
        self.links = [field for field in fields if field.links]
        self.unmarked = [field for field in self.links if not field.marked]
        self.person = element.model.archive_meta.person
        self.fresh = fresh
        self.accept = accept
        self.inside: Readers = {}
        self.inline: Inside = {}
        self.needs: set[str] = set()

    def fix(self, fixed: Fixed) -> None:
        """Take the values of a member for the columns that have one value in it; they have the names of the first member's."""
        self.fixed_values = [fixed[name] for name in self._fixed]

    def nest(self, readers: Readers, elements: Iterable[Element]) -> None:
        """Add the readers of the elements that nest in this one, as inline or as read one by one.

        The rows of inline records are sent after the rows of this reader, to which they refer.
        """
        inline = {element.path: is_inline(element) for element in elements}
        for path, reader in readers.items():
            if not inline[path]:
                self.inside[path] = reader
                continue
            inside = self.inline
            for tag in path[:-1]:
                inside = cast(Inside, inside.setdefault(tag, {}))
            inside[path[-1]] = reader
            if reader is not None:
                self.needs |= {*reader.above, *reader.needs}
                if self.table not in reader.table.before:
                    reader.table.before.append(self.table)

    def parse(self, values: Texts) -> list[str | None]:
        """Return the values of `columns` for a record, as texts for COPY. Raises FieldError; `wrong` finds the value."""
        get = values.get
        row = [
            null if (text := get(key, ABSENT)) == NULL else absent if text is ABSENT else parse(text or "")
            for key, parse, absent, null in self._plain_columns
        ]
        for index, field in self.row_fields:
            if (text := get(self.columns[index].key, NULL)) != NULL:
                row[index] = field.parse_in_row(text or "", values, self.reading)
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

    def texts_for_inline(self, values: Texts, around: Texts | None) -> Texts:
        """Return the texts of `needs`: from a record, and from `around` if it is inline itself; else it has those too."""
        outer = values if around is None else around
        found: Texts = {}
        for path in self.needs:
            tag, leaf = path.split("/")
            found[path] = values.get(leaf) if tag == self.element.tag else outer.get(path)
        return found

    def count(self, record: WholeRecord) -> int:
        """Return the number of records in a whole one that is not restored: itself, and its inline records."""
        return 1 + sum(_count_inline(record.inline, self.inline))


def _count_inline(found: Inline, readers: Inside) -> Iterator[int]:
    """Yield the numbers of inline records, for each tag that leads to them."""
    for tag, reader in readers.items():
        for inner in found.get(tag, ()):
            if isinstance(reader, dict):
                yield from _count_inline(cast(Inline, inner), reader)
            elif reader is not None:
                yield reader.count(cast(WholeRecord, inner))


def shape_of(element: Element) -> Shape:
    """Return what is known of an element's records to read them as values: its own tags, and the shapes of nested records."""
    children = [child for child in element.children() if not child.shown]
    shapes = {child.path: shape_of(child) for child in children}
    inline: dict[str, Any] = {}
    for child in children:
        if is_inline(child):
            inside = inline
            for tag in child.path[:-1]:
                inside = inside.setdefault(tag, {})
            inside[child.path[-1]] = shapes[child.path]
    records = {child.path: shapes[child.path] for child in children if not is_inline(child)}
    fields = (*element.attributes, *element.leaves)
    above = {path for field in fields for path in field.above}
    above |= {path for child in children if is_inline(child) for path in shapes[child.path].above}
    return Shape(
        records,
        inline,
        KnownTags(frozenset(element.inside()), wrappers_of(element.body)),
        lists=any(len(path) > 1 for path in records),
        above=tuple(sorted(path for path in above if not path.startswith(element.tag + "/"))),
    )


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


def wrappers_of(body: tuple[Wrapper | Element, ...]) -> Wrappers:
    """Return the wrappers directly in a body, by tag, with those in them."""
    return {node.tag: wrappers_of(node.body) for node in body if isinstance(node, Wrapper)}


def _column(field: ArchiveField, reading: Reading) -> Column:
    """Return the rule for the column of a field."""
    absent = field.missing()
    key = "@" + field.tag if field.attribute else field.tag
    # A field that needs the whole row is parsed after the others, by `Reader.parse`.
    parse: Parse = str if field.needs_row else field.parser(reading)
    return Column(key, parse, absent, None if field.null else absent)
