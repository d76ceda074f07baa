"""What every kind of field answers: how it is rendered, read, and what it means beyond its type.

A kind says how SQL renders a value as XML text (`sql`), how XML text becomes a value for COPY (`parser`), what it refers to
(`refers`), whether it moves with the course's start date (`shifts`), whether it may hold links (`links`) and what anonymising
makes of it (`personal`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from courses.fields.django_fields import FieldOfMixin

NULL = "$@NULL@$"
NEEDS_ESCAPE = re.compile(r"[\\\t\n\r]")

Parse = Callable[[str], str | None]


class References(Protocol):
    """Gives the new id of a record that the archive mentions by its old one; None when there is none."""

    def mention(self, item_type: str, old: int) -> int | None: ...


class FieldError(ValueError):
    """A value does not fit its field; the message is the end of a sentence that names the field."""


def untyped(item_type: str, old: int) -> str | None:
    """No record has a type that is known."""
    return None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a parser may need: the id map, the seconds by which dates move, and the type of a record that came before, by its
    kind and old id: of a question, for what hides in the attempts at it."""

    references: References
    shift: int = 0
    type_of: Callable[[str, int], str | None] = untyped


@dataclass(frozen=True, slots=True)
class Rendering:
    """What SQL may need: whether people come along, whether they are hidden, and a user's pseudonym.

    `pseudonym` takes an SQL expression of a user's id and gives one of a number that only the site's key explains.
    """

    people: bool = True
    anonymize: bool = False
    pseudonym: Callable[[str], str] = str


def copy_text(value: str) -> str:
    """A text as COPY's text format wants it."""
    if NEEDS_ESCAPE.search(value) is None:
        return value
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


class ArchiveField(FieldOfMixin):
    """Mixed into a Django field: the field's meaning beyond its type.

    `tag` is the element's name when it differs from the column's; `attribute` puts the value into the start tag; an
    `optional` element is left out when the value is NULL; `omit` is the reason why a column does not travel. A kind that
    `needs_row` gets the texts of the whole record, and of the elements that `above` names: a record further up, and some of
    its elements, each under the key "record/element".
    """

    links: ClassVar[bool] = False
    marked: ClassVar[bool] = False
    """Whether the links that a value holds are tokens that stand in it as they are."""

    quoted: ClassVar[bool] = False
    needs_row: ClassVar[bool] = False
    above: ClassVar[tuple[str, ...]] = ()
    """Texts of the elements around the row that a kind needs as well: "area/areaname"."""

    secret: ClassVar[bool] = False
    refers: str | None = None
    shifts: bool = False

    def __init__(
        self,
        *args: Any,
        tag: str | None = None,
        attribute: bool = False,
        personal: str | None = None,
        optional: bool = False,
        omit: str = "",
        **options: Any,
    ) -> None:
        self.tag_name = tag
        self.attribute = attribute
        self.personal = personal
        self.optional = optional
        self.omit = omit
        super().__init__(*args, **options)

    @property
    def tag(self) -> str:
        """The name of the element or attribute."""
        return self.tag_name or self.name

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        """Migrations see plain Django fields: what a value means is not a matter of the database."""
        name, _, args, options = super().deconstruct()
        base = next(c for c in type(self).__mro__ if c.__module__.startswith("django."))
        return name, f"django.db.models.{base.__name__}", args, options

    def sql(self, column: str, rendering: Rendering) -> str:
        """An SQL expression of the value's XML text; `column` is the quoted, qualified column."""
        text = self.sql_text(column, rendering)
        return f"coalesce({text}, '{NULL}')" if self.null else text

    def sql_text(self, column: str, rendering: Rendering) -> str:
        """The expression for a value that is there."""
        return f"{column}::text"

    def marks(self, column: str) -> str:
        """An SQL expression of the attributes in the value's own start tag, each after a space; empty when it has none."""
        return ""

    def reference_sql(self, column: str) -> str:
        """An SQL expression of the id that a value refers to; NULL when it refers to nothing."""
        return column

    def parser(self, reading: Reading) -> Parse:
        """A function from XML text to COPY text; None means NULL; it raises FieldError."""
        raise NotImplementedError

    def holds_links(self, text: str) -> bool:
        """Whether a value that came in has tokens in it that stand for links."""
        return False

    def relink(self, text: str, *, known: Callable[[str, int], int | None], root: str, original: str) -> str:
        """A stored value whose tokens lead where they should, now that all ids are known."""
        return text

    def parse_in_row(self, text: str, texts: Mapping[str, str | None], reading: Reading) -> str | None:
        """The COPY text of a value that only the row's other texts explain; for kinds that say `needs_row`."""
        raise NotImplementedError

    def missing(self) -> str | None:
        """What COPY gets when the archive has no such element."""
        default = self.get_default()
        return None if default is None else copy_text(str(default))
