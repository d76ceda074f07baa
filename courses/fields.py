"""The kinds of field: what a column's value is, said once, for the archive, the database and the people in it.

A kind answers every question that is asked of a value: how SQL renders it as XML text (`sql`), how XML text
becomes a value for COPY (`parse`), what it refers to (`refers`), whether it moves with the course's start date
(`shifts`), whether it may hold links (`links`) and what anonymising makes of it (`personal`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from django.db import models

NULL = "$@NULL@$"
INTEGER = re.compile(r"-?[0-9]{1,18}\Z")
NEEDS_ESCAPE = re.compile(r"[\\\t\n\r]")


class References(Protocol):
    """Gives the new id of a record that the archive mentions by its old one; None when there is none."""

    def mention(self, kind: str, old: int) -> int | None: ...


class FieldError(ValueError):
    """A value does not fit its field; the message is the end of a sentence that names the field."""


Parse = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a parser may need: the id map, and the seconds by which dates move."""

    references: References
    shift: int = 0


@dataclass(frozen=True, slots=True)
class Rendering:
    """What SQL may need: whether people are hidden, and the pseudonym of the user that a column refers to.

    `pseudonym` takes an SQL expression of a user's id and gives one of a number that only the site's key explains.
    """

    anonymize: bool = False
    pseudonym: Callable[[str], str] = staticmethod(lambda expression: expression)


def copy_text(value: str) -> str:
    """A text as COPY's text format wants it."""
    if NEEDS_ESCAPE.search(value) is None:
        return value
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


class Kind:
    """Mixed into a Django field: the field's meaning beyond its type.

    `tag` is the element's name when it differs from the column's; `attribute` puts the value into the start tag; an
    `optional` element is left out when the value is NULL; `omit` is the reason why a column does not travel.
    """

    links: ClassVar[bool] = False
    quoted: ClassVar[bool] = False
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
        return self.tag_name or self.name  # type: ignore[attr-defined, no-any-return]

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        """Migrations see plain Django fields: what a value means is not a matter of the database."""
        name, _, args, options = super().deconstruct()  # type: ignore[misc]
        base = next(c for c in type(self).__mro__ if c.__module__.startswith("django."))
        return name, f"django.db.models.{base.__name__}", args, options

    def sql(self, column: str, rendering: Rendering) -> str:
        """An SQL expression of the value's XML text; `column` is the quoted, qualified column."""
        text = self.sql_text(column, rendering)
        return f"coalesce({text}, '{NULL}')" if self.null else text  # type: ignore[attr-defined]

    def sql_text(self, column: str, rendering: Rendering) -> str:
        """The expression for a value that is there."""
        return f"{column}::text"

    def parser(self, reading: Reading) -> Parse:
        """A function from XML text to COPY text; None means NULL; it raises FieldError."""
        raise NotImplementedError

    def missing(self) -> str | None:
        """What COPY gets when the archive has no such element."""
        default = self.get_default()  # type: ignore[attr-defined]
        return None if default is None else copy_text(str(default))


def integer(text: str) -> str:
    """The digits of an integer that fits 64 bits; FieldError otherwise."""
    if text.isdigit() and len(text) < 19 and text.isascii():
        return text
    if INTEGER.match(text):
        return text
    if text.strip() == "":
        return "0"
    raise FieldError(f"should be a whole number, and is {text[:40]!r}")


class Int(Kind, models.BigIntegerField):  # type: ignore[type-arg]
    """A whole number; 0 unless it says otherwise."""

    def __init__(self, *args: Any, **options: Any) -> None:
        if not options.get("null"):
            options.setdefault("default", 0)
        super().__init__(*args, **options)

    def parser(self, reading: Reading) -> Parse:
        return integer


class Moment(Int):
    """Seconds since 1970; 0 is not set. `shifts` when it moves with the course's start date."""

    def __init__(self, *args: Any, shifts: bool = False, **options: Any) -> None:
        self.shifts = shifts
        super().__init__(*args, **options)

    def parser(self, reading: Reading) -> Parse:
        if not self.shifts or not reading.shift:
            return integer
        shift = reading.shift

        def moved(text: str) -> str:
            number = int(integer(text))
            return str(number + shift) if number > 0 else str(number)

        return moved


class Number(Kind, models.DecimalField):  # type: ignore[type-arg]
    """A decimal number of `max_digits` digits, `decimal_places` of them after the point."""

    DECIMAL = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?\Z")

    def parser(self, reading: Reading) -> Parse:
        whole = self.max_digits - self.decimal_places

        def decimal(text: str) -> str:
            if not self.DECIMAL.match(text):
                raise FieldError(f"should be a number, and is {text[:40]!r}")
            if len(text.lstrip("-0").split(".")[0]) > whole:
                raise FieldError(f"has more than {whole} digits before the point")
            return text

        return decimal


class _Textual(Kind):
    """What short and long texts share."""

    quoted = True

    def sql_text(self, column: str, rendering: Rendering) -> str:
        escaped = f"replace(replace(replace({column}, '&', '&amp;'), '<', '&lt;'), '>', '&gt;')"
        if self.attribute:
            escaped = f"replace({escaped}, '\"', '&quot;')"
        return escaped


class Text(_Textual, models.CharField):  # type: ignore[type-arg]
    """A text of at most so many characters: `Text(255)`."""

    def __init__(self, max_length: int | None = None, *args: Any, **options: Any) -> None:
        if not options.get("null"):
            options.setdefault("default", "")
        options.setdefault("blank", True)
        super().__init__(*args, max_length=max_length, **options)

    def parser(self, reading: Reading) -> Parse:
        limit = self.max_length

        def short(text: str) -> str:
            if limit is not None and len(text) > limit:
                raise FieldError(f"has {len(text)} characters, and {limit} are allowed")
            return copy_text(text)

        return short


class LongText(_Textual, models.TextField):  # type: ignore[type-arg]
    """A text without a limit of its own."""

    def __init__(self, *args: Any, **options: Any) -> None:
        if not options.get("null"):
            options.setdefault("default", "")
        options.setdefault("blank", True)
        super().__init__(*args, **options)

    def parser(self, reading: Reading) -> Parse:
        return copy_text


class RichText(LongText):
    """HTML of people, with links into the site; its pictures are in the file areas of the record."""

    links = True


class Ref(Int):
    """The id of a record of a kind; `none` is the value that says "of none" and is not mapped."""

    def __init__(self, kind: str = "", *args: Any, none: int = 0, **options: Any) -> None:
        self.refers = kind
        self.none = none
        if not options.get("null"):
            options.setdefault("default", none)
        super().__init__(*args, **options)

    def parser(self, reading: Reading) -> Parse:
        kind, mention = self.refers or "", reading.references.mention
        nothing = None if self.null else str(self.none)  # type: ignore[attr-defined]
        sentinels = {"0": "0", str(self.none): str(self.none), "-1": "-1", "": nothing}

        def mapped(text: str) -> str | None:
            if text in sentinels:
                return sentinels[text]
            new = mention(kind, int(integer(text)))
            return nothing if new is None else str(new)

        return mapped


class UserRef(Ref):
    """A person; anonymising gives the pseudonym, so that even the number says nothing."""

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("db_index", False)
        super().__init__("user", *args, **options)

    def sql_text(self, column: str, rendering: Rendering) -> str:
        return f"({rendering.pseudonym(column)})::text" if rendering.anonymize else f"{column}::text"


class ScaleOrMaximum(Int):
    """A maximum grade, or minus the id of a scale."""

    refers = "scale"

    def parser(self, reading: Reading) -> Parse:
        mention = reading.references.mention

        def mapped(text: str) -> str:
            digits = integer(text)
            if not digits.startswith("-"):
                return digits
            new = mention("scale", -int(digits))
            return "0" if new is None else str(-new)

        return mapped


class RefList(LongText):
    """Ids of one kind with commas between them, in an order that matters."""

    def __init__(self, kind: str = "", *args: Any, **options: Any) -> None:
        self.refers = kind
        super().__init__(*args, **options)

    def parser(self, reading: Reading) -> Parse:
        kind, mention = self.refers or "", reading.references.mention

        def mapped(text: str) -> str:
            news = (mention(kind, int(integer(old))) for old in text.split(",") if old.strip())
            return ",".join(str(new) for new in news if new is not None)

        return mapped


class ConditionTree(LongText):
    """Availability conditions: JSON with the ids of activities, groups and groupings inside."""

    KINDS: ClassVar[dict[tuple[str, str], str]] = {
        ("completion", "cm"): "course_module",
        ("group", "id"): "group",
        ("grouping", "id"): "grouping",
        ("grade", "id"): "grade_item",
    }

    def parser(self, reading: Reading) -> Parse:
        import json

        mention = reading.references.mention

        def walk(node: Any) -> None:
            if not isinstance(node, dict):
                return
            for name in ("cm", "id"):
                kind, old = self.KINDS.get((str(node.get("type")), name)), node.get(name)
                if kind and isinstance(old, int) and old > 0:
                    new = mention(kind, old)
                    node[name] = new if new is not None else old
            if isinstance(node.get("c"), list):
                for child in node["c"]:
                    walk(child)

        def mapped(text: str) -> str:
            try:
                tree = json.loads(text)
            except (ValueError, RecursionError):
                return copy_text(text)
            walk(tree)
            return copy_text(json.dumps(tree, ensure_ascii=False, separators=(",", ":")))

        return mapped


class Link(Kind, models.ForeignKey):  # type: ignore[type-arg]
    """A reference of a kind that the database holds as a foreign key: `Link("course_section", Section, tag="sectionid")`."""

    def __init__(self, kind: str = "", to: Any = None, **options: Any) -> None:
        self.refers = kind
        options.setdefault("on_delete", models.CASCADE)
        options.setdefault("related_name", "+")
        super().__init__(to=to, **options)

    def parser(self, reading: Reading) -> Parse:
        kind, mention = self.refers or "", reading.references.mention

        def mapped(text: str) -> str | None:
            new = mention(kind, int(integer(text)))
            return None if new is None else str(new)

        return mapped


class ItemRef(Int):
    """The id of whatever the row's component and area say: a post of `mod_forum` / `post`.

    `by` are the columns that say it, `trait` the trait of `Traits` that declares which kind that is.
    """

    def __init__(self, *args: Any, by: tuple[str, str] = ("", ""), trait: str = "files", **options: Any) -> None:
        self.by = by
        self.trait = trait
        super().__init__(*args, **options)

    def parser(self, reading: Reading) -> Parse:
        return integer


class Within(models.ForeignKey):  # type: ignore[type-arg]
    """The record that this one is part of, and where in its element: `Within(Forum, "discussions/discussion")`.

    `member` names the archive's member when it is not the parent's own.
    """

    omit = "it is the nesting of the elements"

    def __init__(self, to: Any, path: str = "", *, member: str = "", **options: Any) -> None:
        self.path = path
        self.member = member
        options.setdefault("on_delete", models.CASCADE)
        options.setdefault("related_name", "+")
        super().__init__(to, **options)

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        """Migrations see a plain foreign key."""
        name, _, args, options = super().deconstruct()  # type: ignore[misc]
        return name, "django.db.models.ForeignKey", args, options


class Echo:
    """An element that repeats what is stored elsewhere, as the nesting's id; it is written and never read.

    `expression` is SQL for one value, in which `{row}` stands for the row; without one it is the parent's id.
    """

    def __init__(self, expression: str = "", *, null: bool = False) -> None:
        self.expression = expression
        self.null = null
        self.name = ""

    @property
    def tag(self) -> str:
        """The element's name."""
        return self.name

    def contribute_to_class(self, model: type[models.Model], name: str) -> None:
        """Called by Django's model machinery: notes the element on the model."""
        self.name = name
        model.echoes = [*getattr(model, "echoes", []), self]  # type: ignore[attr-defined]
