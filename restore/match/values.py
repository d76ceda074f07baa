"""Make values comparable: what a column of a record says, without what differs between two copies of the same record.

Left out are people, the moments when a record was made and changed, and contexts. Ids in texts count by their kind only: a
copy of a question links to the copy of the forum. References are compared by what they refer to, where that has been
matched; otherwise only whether there is one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache, cached_property
from typing import NamedTuple

from archive.links import percent_encoded
from archive.numbers import whole_or
from courses import links, structure
from courses.fields import (
    ArchiveField,
    LongText,
    Moment,
    Number,
    Real,
    Ref,
    RefList,
    RefPath,
    UserRef,
    copy_text,
)
from courses.fields.grading import Formula
from courses.fields.names import CriterionText
from courses.fields.references import ScaleOrMaximum, SiblingRef
from courses.fields.secrets import Secret
from courses.structure import Element
from restore.new_ids import GIVEN

DIGITS = re.compile(r"[0-9]+")
TOKEN_IDS = re.compile(r"(\$@[A-Z0-9]+\*)[0-9*]+@\$")


class ComparedReference(NamedTuple):
    """The id of a record that a value refers to, as its side has it.

    It is compared by the id here of the record that is the same or, unless `compared`, only by being a reference.
    """

    item_type: str
    number: int
    compared: bool = True


NOTHING = "0"
"""A reference to nothing, also of a column that may be NULL."""

Value = str | None | ComparedReference

Make = Callable[[Mapping[str, str | None], str | None], Value]
"""Return the comparable value of a column, by the texts of the record's elements and by its own text as COPY has it."""


class SameIds:
    """The id map of parsers that leaves all ids as they are."""

    def mention(self, item_type: str, old: int) -> int | None:
        """Return the old id."""
        return old


@dataclass(frozen=True)
class ComparedColumns:
    """The columns by which the records of one element are compared; `roots` are the addresses of this and the other site.

    `names` are the columns' names; values are in their order. `inside` are the item types of records in the same member,
    which are known only after the comparison.
    """

    element: Element
    roots: tuple[str, ...]
    inside: frozenset[str]

    @cached_property
    def fields(self) -> tuple[ArchiveField, ...]:
        """The compared fields: those of the natural key and, of a model without `same_by`, all that say something."""
        meta = self.element.model.archive_meta
        every = (*self.element.attributes, *self.element.leaves)
        named = {*meta.compared_key, *meta.same_by}
        if meta.compared_key and meta.same_by:
            return tuple(field for field in every if field.name in named)
        left = set(meta.may_differ) - named
        return tuple(
            field
            for field in every
            if field.name in named or (says_something(field) and field.name not in left)
        )

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the compared columns."""
        return tuple(field.name for field in self.fields)

    @cached_property
    def key(self) -> tuple[int, ...]:
        """The positions of the natural key among the values; a column of the key that is no field says nothing."""
        return self._positions(self.element.model.archive_meta.compared_key)

    @cached_property
    def same_by(self) -> tuple[int, ...]:
        """The positions of the columns that make two records the same; empty if their whole content does."""
        return self._positions(self.element.model.archive_meta.same_by)

    @cached_property
    def held(self) -> frozenset[int]:
        """The positions of values that are held in memory: all but long texts by which no record is told apart."""
        named = {*self.key, *self.same_by}
        return frozenset(
            index
            for index, field in enumerate(self.fields)
            if index in named or not isinstance(field, LongText)
        )

    @cached_property
    def own_keys(self) -> frozenset[int]:
        """The positions of references in the key to records of the same member: they are known only after the comparison."""
        return frozenset(index for index in self.key if self.fields[index].refers in self.inside)

    def _positions(self, names: Sequence[str]) -> tuple[int, ...]:
        return tuple(self.names.index(name) for name in names if name in self.names)

    def values(self, texts: Mapping[str, str | None], row: Mapping[str, str | None]) -> tuple[Value, ...]:
        """Return the comparable values of a record.

        `texts` are those of its elements, by tag; `row` the values of its columns as COPY wants them, by name.
        """
        return tuple([make(texts, row[name]) for name, make in self._makers])

    @cached_property
    def _makers(self) -> list[tuple[str, Make]]:
        """The name of each compared column, and the function that makes its values comparable."""
        return [(field.name, self._maker(field)) for field in self.fields]

    def _maker(self, field: ArchiveField) -> Make:
        nothing = NOTHING if isinstance(field, Ref) else None
        if isinstance(field, SiblingRef):
            return lambda texts, text: (
                nothing if text is None else self._reference(field.item_type_of(texts), field, text)
            )
        if isinstance(field, Ref):
            return lambda _, text: nothing if text is None else self._reference(field.refers, field, text)
        plain = comparable(field, self.roots)
        return lambda _, text: None if text is None else plain(text)

    def _reference(self, item_type: str | None, field: ArchiveField, text: str) -> Value:
        if item_type is None or whole_or(text) <= 0:
            return text
        in_key = field.name in self.element.model.archive_meta.compared_key
        known = is_matched(item_type) and (in_key or item_type not in self.inside)
        return ComparedReference(item_type, whole_or(text), known)


def says_something(field: ArchiveField) -> bool:
    """Whether a field says what a record is, not who wrote it, when, or in which context."""
    if isinstance(field, UserRef | Secret) or field.refers == "context":
        return False
    return not isinstance(field, Moment) or field.shifts


def is_matched(item_type: str) -> bool:
    """Whether records of an item type are matched with those of this site, so that references to them can be compared."""
    if item_type in GIVEN or item_type == "context":
        return True
    model = structure.model_of_item_type(item_type)
    return model is not None and bool(model.archive_meta.compared_key)


def comparable(field: ArchiveField, roots: tuple[str, ...]) -> Callable[[str], str]:
    """Return the function that makes a COPY text of a field comparable."""
    if isinstance(field, Number | Real):
        return _plain_number
    if isinstance(field, RefList | RefPath | Formula | CriterionText):
        return lambda text: DIGITS.sub("#", text)
    if isinstance(field, ScaleOrMaximum):
        return lambda text: "scale" if text.startswith("-") else text
    if field.links:
        return lambda text: without_ids(text, roots)
    return str


def without_ids(text: str, roots: tuple[str, ...]) -> str:
    """Return a text whose links, tokens or addresses of one of the sites, have no ids."""
    for root, marks in _marks(roots):
        if any(mark in text for mark in marks):
            text = links.encode(text, root=root)
    return TOKEN_IDS.sub(r"\1@$", text) if links.marked(text) else text


@cache
def _marks(roots: tuple[str, ...]) -> tuple[tuple[str, tuple[str, str]], ...]:
    """Return each address of a site with the texts of which one is in every text with links to it."""
    return tuple((root, (root, percent_encoded(root))) for root in roots if root)


def _plain_number(text: str) -> str:
    try:
        return str(Decimal(text).normalize())
    except InvalidOperation:
        return text


def copied(value: object) -> str | None:
    """Return a column's text from the database as COPY has it."""
    return None if value is None else copy_text(str(value))
