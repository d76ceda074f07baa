"""ArchiveField: the base of all field classes, and the types of their parsers and SQL.

A field class says how SQL renders a value as XML text (`sql`), how XML text becomes a value for COPY (`parser`), what it
refers to (`refers`), whether it moves with the course's start date (`shifts`), whether it may hold links (`links`) and what
anonymising makes of it (`personal`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

from courses.fields.django_fields import FieldOfMixin

NULL = "$@NULL@$"

Parse = Callable[[str], str | None]
Words = Literal["", "plain", "serialised"]


class References(Protocol):
    """The id map: `mention` returns the new id for an old one, or None if there is none, and notes the reference."""

    def mention(self, item_type: str, old: int) -> int | None: ...


class FieldError(ValueError):
    """A value does not fit its field. The message is the end of a sentence that begins with the field's name."""


def untyped(item_type: str, old: int) -> str | None:
    """Return None: the default of `Reading.type_of`."""
    return None


@dataclass(frozen=True, slots=True)
class Reading:
    """The arguments of parsers: the id map, the date shift in seconds, and the type of a record that was read before.

    `type_of` gets an item type and an old id. It is used for the type of a question, which decides the ids in the steps of
    attempts. `username_of` returns the user name that a person has here by that in the archive. `people_out` has an id that
    nobody has, by the old id, of each person who is left out: rows that name them are found by it.
    """

    references: References
    shift: int = 0
    type_of: Callable[[str, int], str | None] = untyped
    username_of: Callable[[str], str] = str
    people_out: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rendering:
    """The arguments of SQL rendering: whether people's data is written, whether it is anonymised, and the pseudonyms.

    `pseudonym` takes an SQL expression of a user's id and returns an SQL expression of a number that cannot be reversed
    without the site's key. Without `texts` what people wrote is left out of userdata.
    """

    people: bool = True
    anonymize: bool = False
    texts: bool = True
    pseudonym: Callable[[str], str] = str


def copy_text(value: str) -> str:
    """Return a text escaped for COPY's text format."""
    # A search for one character takes a twentieth of the time of a regular expression for four.
    if "\\" in value or "\n" in value or "\t" in value or "\r" in value:
        value = value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    return value


class ArchiveField(FieldOfMixin):
    """Mixin for Django fields: the meaning of a column beyond its type.

    `tag` is the element's name when it differs from the column's; `attribute` puts the value into the start tag; `personal`
    names the anonymised value; an `optional` element is left out when the value is NULL; so is one that archives have
    `since` a version of Moodle after 4.5 ("5.2"); `omit` is the reason why a column does not travel. For a class that
    `needs_row`, `parse_in_row` is called instead of `parser`, with the texts of the whole record and of the elements that
    `above` names, under the key "record/element".
    """

    links: ClassVar[bool] = False
    marked: ClassVar[bool] = False
    """Whether links are plain tokens in the value, not inside an encoded or structured one."""

    quoted: ClassVar[bool] = False
    needs_row: ClassVar[bool] = False
    dangling: bool = False
    """Whether a reference stays if its record did not come to a restore, with an id that nobody ever gets."""

    above: ClassVar[tuple[str, ...]] = ()
    """Elements of outer records whose texts `parse_in_row` needs: "area/areaname"."""

    secret: ClassVar[bool] = False
    kept: ClassVar[bool] = False
    """Whether a restore may keep what `parser` makes of a text for when it comes again: it depends on the text alone, and few
    texts are most of a column. It holds for a class with a parser of its own only if that says so itself."""

    words: ClassVar[Words] = ""
    """How the value holds words that people wrote: as `plain` text, in the strings of a `serialised` value, or not at all."""

    refers: str | None = None
    shifts: bool = False

    def __init__(
        self,
        *args: Any,
        tag: str | None = None,
        attribute: bool = False,
        personal: str | None = None,
        optional: bool = False,
        since: str = "",
        omit: str = "",
        **options: Any,
    ) -> None:
        self.tag_name = tag
        self.attribute = attribute
        self.personal = personal
        self.optional = optional or bool(since)
        self.since = since
        self.omit = omit
        super().__init__(*args, **options)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.__dict__.keys() & {"parser", "parse_in_row"} and "kept" not in cls.__dict__:
            cls.kept = False

    @property
    def tag(self) -> str:
        """The name of the element or attribute."""
        return self.tag_name or self.name

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        """Return the plain Django field for migrations: the meaning of a value does not concern the database."""
        name, _, args, options = super().deconstruct()
        base = next(c for c in type(self).__mro__ if c.__module__.startswith("django."))
        return name, f"django.db.models.{base.__name__}", args, options

    def sql(self, column: str, rendering: Rendering) -> str:
        """Return an SQL expression of the value's XML text; `column` is the quoted, qualified column."""
        text = self.sql_text(column, rendering)
        return f"coalesce({text}, '{NULL}')" if self.null else text

    def sql_text(self, column: str, rendering: Rendering) -> str:
        """Return the SQL expression of the XML text of a value that is not NULL."""
        return f"{column}::text"

    def marks(self, column: str) -> str:
        """Return an SQL expression of the attributes in the value's own start tag, each after a space; "" if it has none."""
        return ""

    def reference_sql(self, column: str) -> str:
        """Return an SQL expression of the id that a value refers to; NULL when it refers to nothing."""
        return column

    def anonymised(self, text: str, texts: Mapping[str, str | None], pseudonym: Callable[[int], int]) -> str:
        """Return the text of a value in an anonymous archive, as `sql` makes it when it anonymises.

        `texts` are those of the record's elements before it and of itself, by name.
        """
        return text

    def people_in(self, text: str) -> Iterable[int]:
        """Return the ids of the people whom the text of a value names and whom an `inforef.xml` lists."""
        return ()

    def people_sql(self, column: str) -> str:
        """Return an SQL query of the ids of people in a value, a row each; "" if values never have any."""
        return ""

    def parser(self, reading: Reading) -> Parse:
        """Return a function from XML text to COPY text; it returns None for NULL and raises FieldError."""
        raise NotImplementedError

    def holds_links(self, text: str) -> bool:
        """Whether a restored value holds tokens or ids that `relink` has to replace."""
        return False

    def relink(self, text: str, *, known: Callable[[str, int], int | None], root: str, original: str) -> str:
        """Return a stored value with this site's links and ids, when all new ids are known.

        `known` returns the new id for an item type and an old id; `root` is this site's address, `original` that of the
        archive's site.
        """
        return text

    def parse_in_row(self, text: str, texts: Mapping[str, str | None], reading: Reading) -> str | None:
        """Return the COPY text of a value whose meaning depends on the record's other texts; for classes that `needs_row`."""
        raise NotImplementedError

    def missing(self) -> str | None:
        """Return the COPY text of the default, for an element that the archive does not have."""
        default = self.get_default()
        return None if default is None else copy_text(str(default))
