"""Find records of an archive that an existing course already has: groups, scales, questions, members of groups and so on.

A model with a natural key (`ArchiveMeta`) is compared: those of its records in the archive with those that belong to the same
record here. What is the same is not restored, and references to it lead to what is here. What differs comes as new, with a
finding; where there can be only one, that of the course stays.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from archive import xml
from archive.numbers import natural, whole_or
from courses.structure import Element, elements_of
from restore.context import RestoreContext
from restore.match.archived_rows import Body, archived_rows, elements_compared
from restore.match.candidates import Candidates, Pauses, outer_first
from restore.match.compared import SOME, UNKNOWN, ComparedSide, Row, resolved_here
from restore.match.compared_files import ComparedFiles, FilesByItem
from restore.match.stored_rows import stored_rows
from restore.match.values import NOTHING, ComparedColumns, ComparedReference, Value
from restore.new_ids import GIVEN
from restore.walk import Same, Wanted, everything


@dataclass
class RecordComparison:
    """The comparison of one member's records with those of the target course.

    `same` are the records that are here, by position.
    """

    context: RestoreContext
    files: ComparedFiles
    pauses: Pauses = field(default_factory=Pauses)
    same: dict[int, int] = field(default_factory=dict)

    @cached_property
    def archive(self) -> ComparedSide:
        """The side of the archive."""
        return ComparedSide(self._resolved, lambda row: self._files(row, self.files.archived))

    @cached_property
    def here(self) -> ComparedSide:
        """The side of the target course."""
        return ComparedSide(resolved_here, lambda row: self._files(row, self.files.stored))

    def _resolved(self, value: Value) -> str | None:
        if not isinstance(value, ComparedReference):
            return value
        if not value.compared:
            return SOME
        new = self.context.ids.given(value.item_type, value.number)
        if new is not None:
            return str(new)
        # Without people or roles their references are cleared, here as they will be there.
        return NOTHING if value.item_type in GIVEN else UNKNOWN

    def _files(self, row: Row, files: FilesByItem) -> tuple[str, ...]:
        areas = row.element.model.items("files")
        return tuple(f"{area} {one}" for area in areas for one in files.get((area, row.number), ()))

    def pair(self, archived: list[Row], stored: list[Row]) -> Iterator[int]:
        """Match the records of one element inside one record, or at the top, and what is inside those that are the same.

        Yields 0 now and then, so that a job can be cancelled.
        """
        taken: set[int] = set()
        exact, alike, by_key = Candidates(taken), Candidates(taken), Candidates(taken)
        for row in stored:
            same, key = self.here.same(row), self.here.key(row)
            exact.add((same, key), row)
            alike.add(same, row)
            by_key.add(key, row)
            if self.pauses.due():
                yield 0
        left = yield from self._same_ones(_in_order(archived), exact, alike)
        left = yield from self._only_ones(left, by_key)
        for row in left:
            if self.archive.key(row) in by_key:
                self.context.matches.differs(row.element, self._name(row))
            else:
                self.context.matches.new(row.element)
            self._count_new(row)

    def _same_ones(
        self, archived: Iterable[Row], exact: Candidates, alike: Candidates
    ) -> Generator[int, None, list[Row]]:
        """Match what is the same; of several, what has the same key too. Returns the others."""
        left = []
        for row in archived:
            same, key = self.archive.same(row), self.archive.key(row)
            if other := exact.take((same, key)) or alike.take(same):
                yield from self.settle(row, other)
            else:
                left.append(row)
            if self.pauses.due():
                yield 0
        return left

    def _only_ones(self, archived: Iterable[Row], by_key: Candidates) -> Generator[int, None, list[Row]]:
        """Match what has the same key where there can be one only, although it differs. Returns the others."""
        left = []
        for row in archived:
            meta, key = row.element.model.archive_meta, self.archive.key(row)
            only = meta.single or (key and key[0] in meta.single_for)
            if only and (other := by_key.take(key)):
                yield from self.settle(row, other, differs=True)
            else:
                left.append(row)
            if self.pauses.due():
                yield 0
        return left

    def settle(self, row: Row, other: Row, *, differs: bool = False) -> Iterator[int]:
        """Note that a record of the archive is one of this site, and match what is inside it."""
        matches = self.context.matches
        if differs:
            matches.stays(row.element, self._name(row))
        else:
            matches.matched(row.element)
        self.note(row, other)
        yield from self.settle_inside(row, other)

    def note(self, row: Row, other: Row) -> None:
        """Note that a record of the archive is one of this site."""
        self.same[row.position] = whole_or(other.number)
        self._give(row, other)

    def finish(self) -> None:
        """Change what is here where a match asks for it; nothing for most members."""

    def settle_inside(self, row: Row, other: Row) -> Iterator[int]:
        """Match what is inside two records that are the same."""
        for table, rows in row.inside.items():
            there = other.inside.get(table, [])
            if rows[0].element.model.archive_meta.compared_key:
                yield from self.pair(rows, there)
                continue
            for inner, here in zip(rows, there, strict=False):
                self._give(inner, here)
                yield from self.settle_inside(inner, here)

    def _give(self, row: Row, other: Row) -> None:
        meta = row.element.model.archive_meta
        if meta.numbered and xml.is_id(row.number):
            self.context.ids.give(row.element.item_type, {whole_or(row.number): whole_or(other.number)})

    def _count_new(self, row: Row) -> None:
        for rows in row.inside.values():
            for inner in rows:
                if inner.element.model.archive_meta.compared_key:
                    self.context.matches.new(inner.element)
                self._count_new(inner)

    def _name(self, row: Row) -> str:
        return ", ".join(text for text in self.archive.key(row) if text and natural(text) is None)


def _in_order(rows: list[Row]) -> list[Row]:
    """Return rows so that each comes after the one of them to which its key refers: that one is matched first."""
    columns = rows[0].columns
    own = [at for at in columns.own_keys if columns.fields[at].refers == columns.element.item_type]
    if not own:
        return rows
    by_number = {row.number: row for row in rows}

    def outer(row: Row) -> Row | None:
        numbers = (value.number for at in own if isinstance(value := row.values[at], ComparedReference))
        return next((by_number[str(number)] for number in numbers if str(number) in by_number), None)

    return outer_first(rows, outer)


def areas_of(elements: Iterable[Element]) -> Iterator[str]:
    """Yield the file areas of the records that are compared by their content."""
    for element in elements:
        if not element.model.archive_meta.same_by:
            yield from element.model.items("files")


def find_same(
    context: RestoreContext,
    member: str,
    body: Body,
    *,
    files: ComparedFiles,
    compare: type[RecordComparison] = RecordComparison,
    wanted: Wanted = everything,
) -> Generator[int, None, Same]:
    """Return the records of a member that the target has, by position, and give their ids to the id map.

    Yields 0 now and then, so that a job can be cancelled. Raises what loading the member raises.
    """
    course = context.target.course
    tops = [element for element in elements_of(body) if element.model.archive_meta.compared_key]
    if course is None or not tops or member not in context.archive:
        return {}
    elements = list(elements_compared(body))
    inside = frozenset(element.item_type for element in elements)
    roots = (context.root, context.original_root)
    columns = {element: ComparedColumns(element, roots, inside) for element in elements}
    comparison = compare(context, files)

    def compared(element: Element, old: int) -> bool:
        return element in tops and bool(wanted(element, old))

    archived = yield from archived_rows(
        context, member, body, columns, wanted=compared, resolve=comparison.archive.resolve
    )
    for element in tops:
        rows = [row for row in archived if row.element is element]
        if rows:
            own = {one: columns[one] for one in element.walk()}
            stored = yield from stored_rows(course, element, own, comparison.pauses)
            if stored:
                yield from files.read()
            yield from comparison.pair(rows, stored)
    comparison.finish()
    return comparison.same
