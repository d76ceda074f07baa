"""Readers: an element as the loader sees it, its columns with their parsers, its table, and what nests in it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, cast

from lxml import etree

from courses import structure
from courses.bulk import Table
from courses.fields import NULL, ArchiveField, FieldError, Parse, Reading
from courses.structure import Element, Wrapper

ABSENT: Any = object()
"""What stands for a value whose element is not there."""

Fixed = Mapping[str, str | None]
Accept = Callable[[Mapping[Any, str | None], str], bool]
"""Whether a record comes, by the texts of its elements and the value that joins it to its owner."""

Tables = Callable[[str, tuple[str, ...]], Table]
"""The table of a name with these columns."""

Column = tuple[str, Parse, str | None, str | None]
"""How a column gets its text: the key among the record's texts, the parser, and what it gets without an element and for NULL.
A tuple, because this is the innermost loop of a restore."""

Texts = dict[Any, str | None]
Inside = dict[str, "Reader | Inside | None"]
"""Readers by the tags that lead to their records; None for records that do not come."""


class Reader:
    """One element as the loader sees it: its columns, its table and what nests in it.

    Of what nests in it, `inline` rows are read with the record when it ends; `inside` is read as it comes, and `lists` says
    whether any of that stands in lists. `needs` are the texts around them that the inline rows need.
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
        self.numbered = element.model.archive_meta.numbered and element.model.archive_meta.unique
        fields = (*element.attributes, *element.leaves)
        self.columns = [_column(field, reading) for field in fields]
        self.attributes = [field.tag for field in element.attributes]
        self.above = tuple({path for field in fields for path in field.above})
        self.siblings = [(index, field) for index, field in enumerate(fields) if field.needs_row]
        names = [*(str(field.column) for field in fields), "id"]
        if element.column:
            names.append(element.column)
        self.join = element.column
        there = {column.column for column in element.model._meta.concrete_fields}
        self.fixed = [(name, value) for name, value in fixed.items() if name in there and name not in names]
        names += [name for name, _ in self.fixed]
        self.table = tables(element.table, tuple(names))
        self.links = [field for field in fields if field.links]
        self.unmarked = [field for field in self.links if not field.marked]
        self.known = {*self.above, *(str(column[0]) for column in self.columns)}
        self.known |= {echo.tag for echo in element.echoes} | tags_of(element.body)
        self.wrappers = wrappers_of(element.body)
        self.person = element.model.archive_meta.person
        self.fresh = fresh
        self.accept = accept
        self.inside: dict[tuple[str, ...], Reader | None] = {}
        self.inline: Inside = {}
        self.needs: set[str] = set()
        self.lists = False

    def nest(self, readers: dict[tuple[str, ...], Reader | None], elements: Iterable[Element]) -> None:
        """Takes the readers of what nests in a record. The records of which there are few wait in it until it ends."""
        inline = {element.path: is_inline(element) for element in elements}
        self.lists = any(len(path) > 1 and not waits for path, waits in inline.items())
        for path, reader in readers.items():
            if not inline[path]:
                self.inside[path] = reader
                continue
            place = self.inline
            for tag in path[:-1]:
                place = cast(Inside, place.setdefault(tag, {}))
            place[path[-1]] = reader
            if reader is not None:
                self.needs |= {*reader.above, *reader.needs}
                if self.table not in reader.table.before:
                    reader.table.before.append(self.table)

    def parse(self, values: Texts) -> list[str | None]:
        """The texts of a record as COPY wants them. Raises FieldError; `wrong` tells then which value it is."""
        get = values.get
        row = [
            null if (text := get(key, ABSENT)) == NULL else missing if text is ABSENT else parse(text or "")
            for key, parse, missing, null in self.columns
        ]
        for index, field in self.siblings:
            if (text := get(self.columns[index][0], NULL)) != NULL:
                row[index] = field.parse_in_row(text or "", values, self.reading)
        return row

    def wrong(self, values: Texts) -> tuple[str, FieldError]:
        """The key of the first value that does not fit, and why it does not."""
        of_row = dict(self.siblings)
        for index, (key, parse, _, _) in enumerate(self.columns):
            text = values.get(key, NULL)
            try:
                if text != NULL and index in of_row:
                    of_row[index].parse_in_row(text or "", values, self.reading)
                elif text != NULL:
                    parse(text or "")
            except FieldError as error:
                return key, error
        raise RuntimeError(f"A record of {self.element.table} was refused, and no value of it is wrong.")

    def texts_for_few(self, node: etree._Element, values: Texts, around: Texts | None) -> Texts:
        """The texts that the records that wait in this one need of those around them."""
        found: Texts = {}
        for path in self.needs:
            tag, leaf = path.split("/")
            if tag == self.element.tag:
                found[path] = values.get(leaf)
            else:
                found[path] = text_above(node, path) if around is None else around.get(path)
        return found

    def left(self, node: etree._Element) -> Iterator[etree._Element]:
        """The elements that nothing describes in a record that is read; lists of records that hold such."""
        return left_in(node, self.known, self.wrappers)


def is_inline(element: Element) -> bool:
    """Whether a kind of record, with all that nests in it, is read together with its parent, and after it."""
    return element.model.archive_meta.inline and all(map(is_inline, element.children()))


def inline_tables() -> list[str]:
    """The tables of the kinds that are read together with their parents."""
    return [
        model._meta.db_table for model in structure.archived_models() if is_inline(structure.element(model))
    ]


def streamed(elements: Iterable[Element]) -> Iterator[str]:
    """The names of the records that come one by one, and do not wait in others."""
    for element in elements:
        yield element.tag
        yield from streamed(child for child in element.children() if not is_inline(child))


def tags_of(body: tuple[Wrapper | Element, ...]) -> set[str]:
    """The names of the elements of a body."""
    return {node.tag if isinstance(node, Wrapper) else node.path[-1] for node in body}


def wrappers_of(body: tuple[Wrapper | Element, ...]) -> dict[str, Wrapper]:
    """The wrappers of a body by their names."""
    return {node.tag: node for node in body if isinstance(node, Wrapper)}


def left_in(
    node: etree._Element, known: Collection[str], wrappers: Mapping[str, Wrapper]
) -> Iterator[etree._Element]:
    """The elements that nothing describes in one whose records are gone; lists of records that hold such."""
    for child in node:
        wrapper = wrappers.get(str(child.tag))
        if child.tag not in known or (wrapper is not None and _has_left(child, wrapper)):
            yield child


def _has_left(node: etree._Element, wrapper: Wrapper) -> bool:
    """Whether a list holds something that nothing describes, now that its records are gone; empty lists in it go too."""
    inner = {one.tag: one for one in wrapper.body if isinstance(one, Wrapper)}
    for child in list(node):
        known = inner.get(str(child.tag))
        if known is not None and not _has_left(child, known):
            node.remove(child)
    return len(node) > 0


def text_above(node: etree._Element, path: str) -> str | None:
    """The text of a leaf of an element around a record: `area/areaname`."""
    tag, leaf = path.split("/")
    around = next(node.iterancestors(tag), None)
    return None if around is None else around.findtext(leaf)


def _column(field: ArchiveField, reading: Reading) -> Column:
    missing = field.missing()
    key = "@" + field.tag if field.attribute else field.tag
    # What only the whole row explains is put in its place when the row is there.
    parse: Parse = str if field.needs_row else field.parser(reading)
    return key, parse, missing, None if field.null else missing
