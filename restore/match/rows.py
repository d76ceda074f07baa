"""Find records of an archive that an existing course already has: groups, scales, questions, members of groups and so on.

A model with a natural key (`ArchiveMeta`) is compared: those of its records in the archive with those that belong to the same
record here. What is the same is not restored, and references to it lead to what is here. What differs comes as new, with a
finding; where there can be only one, that of the course stays.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property

from archive import xml
from archive.numbers import natural, whole_or
from courses.structure import Element, elements_of
from restore.context import RestoreContext
from restore.loader import Same, Wanted, everything
from restore.match.archived_rows import Body, archived_rows, elements_compared
from restore.match.compared import SOME, UNKNOWN, ComparedSide, Row, resolved_here
from restore.match.stored_rows import files_by_item, stored_rows
from restore.match.values import NOTHING, ComparedColumns, ComparedReference, Value
from restore.new_ids import GIVEN

FILES = "files.xml"


@dataclass
class RecordComparison:
    """The comparison of one member's records with those of the target course.

    `same` are the records that are here, by position. `pairs` are all rows that are the same, archive first, then here.
    """

    context: RestoreContext
    columns: dict[Element, ComparedColumns]
    same: dict[int, int] = field(default_factory=dict)

    @cached_property
    def archive(self) -> ComparedSide:
        """The side of the archive."""
        return ComparedSide(self._resolved, lambda row: self._files(row, self._archived_files))

    @cached_property
    def here(self) -> ComparedSide:
        """The side of the target course."""
        return ComparedSide(resolved_here, lambda row: self._files(row, self._stored_files))

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

    def _files(self, row: Row, files: dict[tuple[str, str], list[str]]) -> tuple[str, ...]:
        areas = row.element.model.items("files")
        return tuple(f"{area} {one}" for area in areas for one in files.get((area, row.number), ()))

    @cached_property
    def _areas(self) -> frozenset[str]:
        """The file areas of the records that are compared by their content."""
        if not self.context.selection.allows("files") or FILES not in self.context.archive:
            return frozenset()
        return frozenset(
            area
            for element, columns in self.columns.items()
            if not columns.same_by
            for area in element.model.items("files")
        )

    @cached_property
    def _stored_files(self) -> dict[tuple[str, str], list[str]]:
        course = self.context.target.course
        return files_by_item(course, self._areas) if course and self._areas else {}

    @cached_property
    def _archived_files(self) -> dict[tuple[str, str], list[str]]:
        found: dict[tuple[str, str], list[str]] = {}
        if not self._areas:
            return found
        renamed = self.context.renamed_contents
        with self.context.archive.open(FILES) as stream:
            for record in xml.records(stream, member=FILES, tags=("file",)):
                texts = {str(child.tag): child.text or "" for child in record}
                area = f"{texts.get('component')}/{texts.get('filearea')}"
                name, sha1 = texts.get("filename", ""), texts.get("contenthash", "")
                if area in self._areas and name != ".":
                    said = f"{texts.get('filepath', '/')}{name} {renamed.get(sha1, sha1)}"
                    found.setdefault((area, texts.get("itemid", "")), []).append(said)
        return {item: sorted(files) for item, files in found.items()}

    def pair(self, archived: list[Row], stored: list[Row]) -> None:
        """Match the records of one element inside one record, or at the top, and what is inside those that are the same."""
        pending, left = list(archived), list(stored)
        for find in (self._same_ones, self._only_ones):
            matched = True
            while matched and pending and left:
                # A record may refer to another of the same list, as a grade category does to the one above it.
                matched = find(pending, left)
        known = {self.here.key(row) for row in stored}
        for row in pending:
            self.context.matches.differs(row.element, self._name(row)) if self.archive.key(
                row
            ) in known else (self.context.matches.new(row.element))
            self._count_new(row)

    def _same_ones(self, pending: list[Row], left: list[Row]) -> bool:
        """Match what is the same; of several, what has the same key too. Returns whether there was any."""
        there: defaultdict[object, list[Row]] = defaultdict(list)
        for row in left:
            there[self.here.same(row)].append(row)
        matched = False
        for row in list(pending):
            found = there.get(self.archive.same(row))
            if not found:
                continue
            key = self.archive.key(row)
            other = next((one for one in found if self.here.key(one) == key), found[0])
            found.remove(other)
            left.remove(other)
            pending.remove(row)
            self.settle(row, other)
            matched = True
        return matched

    def _only_ones(self, pending: list[Row], left: list[Row]) -> bool:
        """Match what has the same key where there can be one only, although it differs. Returns whether there was any."""
        there = {self.here.key(row): row for row in reversed(left)}
        matched = False
        for row in list(pending):
            meta, key = row.element.model.archive_meta, self.archive.key(row)
            other = there.get(key)
            if other is None or not (meta.single or (key and key[0] in meta.single_for)):
                continue
            del there[key]
            left.remove(other)
            pending.remove(row)
            self.settle(row, other, differs=True)
            matched = True
        return matched

    def settle(self, row: Row, other: Row, *, differs: bool = False) -> None:
        """Note that a record of the archive is one of this site, and match what is inside it."""
        matches = self.context.matches
        if differs:
            matches.stays(row.element, self._name(row))
        else:
            matches.matched(row.element)
        self.note(row, other)
        self.settle_inside(row, other)

    def note(self, row: Row, other: Row) -> None:
        """Note that a record of the archive is one of this site."""
        self.same[row.position] = whole_or(other.number)
        self._give(row, other)

    def finish(self) -> None:
        """Change what is here where a match asks for it; nothing for most members."""

    def settle_inside(self, row: Row, other: Row) -> None:
        """Match what is inside two records that are the same."""
        for table, rows in row.inside.items():
            there = other.inside.get(table, [])
            if rows[0].element.model.archive_meta.natural_key:
                self.pair(rows, there)
                continue
            for inner, here in zip(rows, there, strict=False):
                self._give(inner, here)
                self.settle_inside(inner, here)

    def _give(self, row: Row, other: Row) -> None:
        meta = row.element.model.archive_meta
        if meta.numbered and xml.is_id(row.number):
            self.context.ids.give(row.element.item_type, {whole_or(row.number): whole_or(other.number)})

    def _count_new(self, row: Row) -> None:
        for rows in row.inside.values():
            for inner in rows:
                if inner.element.model.archive_meta.natural_key:
                    self.context.matches.new(inner.element)
                self._count_new(inner)

    def _name(self, row: Row) -> str:
        return ", ".join(text for text in self.archive.key(row) if text and natural(text) is None)


def find_same(
    context: RestoreContext,
    member: str,
    body: Body,
    *,
    compare: type[RecordComparison] = RecordComparison,
    root: tuple[str, ...],
    wanted: Wanted = everything,
) -> Same:
    """Return the records of a member that the target has, by position, and give their ids to the id map.

    Raises what loading the member raises.
    """
    course = context.target.course
    tops = [element for element in elements_of(body) if element.model.archive_meta.natural_key]
    if course is None or not tops or member not in context.archive:
        return {}
    elements = list(elements_compared(body))
    inside = frozenset(element.item_type for element in elements)
    roots = (context.root, context.original_root)
    columns = {element: ComparedColumns(element, roots, inside) for element in elements}
    comparison = compare(context, columns)

    def compared(element: Element, old: int) -> bool:
        return element in tops and bool(wanted(element, old))

    archived = archived_rows(
        context, member, body, columns, root=root, wanted=compared, resolve=comparison.archive.resolve
    )
    for element in tops:
        rows = [row for row in archived if row.element is element]
        if rows:
            own = {one: columns[one] for one in element.walk()}
            comparison.pair(rows, stored_rows(course, element, own))
    comparison.finish()
    return comparison.same
