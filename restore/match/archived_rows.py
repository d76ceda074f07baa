"""Read the records of a member that may be here already, as rows that can be compared with those of the target."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from copy import deepcopy
from typing import Any

from lxml import etree

from archive import opaque
from archive.errors import InvalidValue
from archive.judgement import OpaquePeople
from courses import bulk
from courses.fields import Reading
from courses.local_names import local_names
from courses.structure import Element, Wrapper, elements_of
from restore.context import RestoreContext
from restore.ids import IdMap
from restore.loader import Loader, Top
from restore.match.compared import Resolve, Row
from restore.match.values import ComparedColumns, SameIds, without_ids
from restore.readers import Reader, Texts
from restore.records import old_id
from restore.shortened import ShortenedTexts
from restore.walk import Wanted

Body = tuple[Wrapper | Element, ...]


class RowReader(Loader):
    """A loader that collects rows instead of writing them: `tops` are those of the records outside all others.

    It reads exactly the records that the loader of the restore would, with the ids of the archive.
    """

    def __init__(
        self, context: RestoreContext, columns: dict[Element, ComparedColumns], resolve: Resolve
    ) -> None:
        selection, manifest = context.selection, context.manifest
        super().__init__(
            IdMap(_no_ids, numbered=()),
            reading=Reading(SameIds(), context.loaders.reading.shift),
            course=0,
            preserve=_no_xml,
            people=selection.people,
            nameless=not manifest.with_users,
            skipped=selection.options_off,
            shortened=ShortenedTexts(),
        )
        self.tops: list[Row] = []
        self._columns = columns
        self._resolve = resolve
        self._roots = (context.root, context.original_root)
        self._started: list[Row] = []
        self._seen: set[tuple[str, str]] = set()
        # The details of all people are read only where they are needed: that takes long.
        self._who = None if self.takes_all else _people_known(context)

    def new_id(self, reader: Reader, node: etree._Element, member: str) -> str:
        """Begin the row of a record, and return its old id. Raises InvalidValue as the loader of the restore does."""
        old = str(old_id(node, member)) if reader.numbered else node.get("id", "")
        if reader.numbered and (reader.item_type, old) in self._seen:
            raise InvalidValue(
                f"Two <{node.tag}> have the id {old}.", where=f"{member}, line {node.sourceline}"
            )
        self._seen.add((reader.item_type, old))
        self._started.append(Row(self._columns[reader.element], self.position, old))
        return old

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
        """Complete the row of a record. Raises InvalidValue for a value that does not fit."""
        row = self._started.pop()
        if self.leaves_out(reader, values):
            return
        texts = self.row(reader, values, node, member, around)
        fields = (*reader.element.attributes, *reader.element.leaves)
        said = row.columns.values(
            {str(tag): text for tag, text in values.items()},
            {
                field.name: None if text == bulk.NULL else text
                for field, text in zip(fields, texts, strict=True)
            },
        )
        row.say(said, sorted(self._opaque(reader, node)), self._resolve)
        if self._started:
            self._started[-1].inside.setdefault(reader.element.table, []).append(row)
        else:
            self.tops.append(row)

    def _opaque(self, reader: Reader, node: etree._Element) -> Iterator[str]:
        """Yield what the opaque elements of a record say, as a restore would preserve them."""
        known = all(child.tag in reader.known for child in node)
        if known and not (reader.lists and any(len(child) for child in node)):
            return
        for element in reader.left(node):
            text = without_its_ids(element, reader.item_type, node.get("id", ""), self._roots, who=self._who)
            if text:
                yield text

    def _store_rest(
        self, children: Iterable[etree._Element], elements: Any, top: Top | None, member: str
    ) -> list[etree._Element]:
        return []


def _people_known(context: RestoreContext) -> OpaquePeople:
    """Return how people are told in opaque elements."""
    return OpaquePeople(
        known=lambda number: context.ids.mention("user", number) is not None, details=context.known_details
    )


def _no_xml(element: etree._Element, people: bool) -> str:
    return ""


def _no_ids(counts: Mapping[str, int]) -> Mapping[str, int]:
    raise RuntimeError(f"A comparison gave out ids of {', '.join(counts)}.")


def archived_rows(
    context: RestoreContext,
    member: str,
    body: Body,
    columns: dict[Element, ComparedColumns],
    *,
    wanted: Wanted,
    resolve: Resolve,
) -> Generator[int, None, list[Row]]:
    """Return the rows of the top records of a member, with those inside them.

    Yields 0 as often as `Loader.load` yields: the records are counted when they are loaded. Raises as that does.
    """
    reader = RowReader(context, columns, resolve)
    with context.archive.open(member) as stream:
        for _ in reader.load(stream, member=member, elements=body, root=None, wanted=wanted):
            yield 0
    return reader.tops


def without_its_ids(
    element: etree._Element,
    item_type: str,
    record: str,
    roots: tuple[str, ...],
    *,
    who: OpaquePeople | None = None,
) -> str:
    """Return the XML of a record's opaque element without ids of other records, so that two copies are equal.

    With `who`, what may be about these people is left out.
    """
    own = deepcopy(element)
    own.tail = None
    names = local_names().get(item_type)
    for node, _ in names.references(own, record) if names else ():
        node.text = "0"
    for node in own.iter(etree.Element):
        if len(node):
            node.text = (node.text or "").strip() or None
        if node is not own:
            node.tail = (node.tail or "").strip() or None
    return opaque.rewrite_element(
        own,
        mapped=lambda _item_type, _old: 0,
        texts=lambda text: without_ids(text, roots),
        serialised=lambda text: without_ids(text, roots),
        people=who is None,
        who=who,
    )


def elements_compared(body: Body) -> Iterator[Element]:
    """Yield the elements of a body with all that nests in them."""
    for element in elements_of(body):
        yield from element.walk()
