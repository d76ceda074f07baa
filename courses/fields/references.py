"""References: ids of other records, single, in lists, or with an item type that a neighbour names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from django.db import models

from archive.numbers import is_id, natural, whole_or
from archive.references import OWNING
from courses import registry
from courses.fields.base import NULL, ArchiveField, Parse, Reading, Rendering, Words
from courses.fields.django_fields import ForeignKey
from courses.fields.numbers import Int, integer
from courses.fields.texts import LongText


class Ref(Int):
    """The id of a record of one item type; `none` is the value for "no record" and is not mapped.

    `owning` says that the row belongs to that record, and is left out without it. A reference to a group is. `dangling` says
    that the reference stays if the record did not come, with an id that nobody ever gets.
    """

    def __init__(
        self,
        item_type: str = "",
        *args: Any,
        none: int = 0,
        owning: bool = False,
        dangling: bool = False,
        **options: Any,
    ) -> None:
        self.refers = item_type
        self.none = none
        self.owning = owning or item_type in OWNING
        self.dangling = dangling
        if not options.get("null"):
            options.setdefault("default", none)
        super().__init__(*args, **options)

    def parser(self, reading: Reading) -> Parse:
        item_type, mention = self.refers or "", reading.references.mention
        nothing = None if self.null else str(self.none)
        sentinels = {"0": "0", str(self.none): str(self.none), "-1": "-1", "": nothing}

        def mapped(text: str) -> str | None:
            if text in sentinels:
                return sentinels[text]
            old = natural(text)
            if old is None:
                digits = integer(text)
                if digits in sentinels:
                    return sentinels[digits if text.strip() else ""]
                old = int(digits)
            new = mention(item_type, old)
            return nothing if new is None else str(new)

        return mapped


class UserRef(Ref):
    """A person's id; anonymising replaces it by a pseudonym. Without people's data it is 0 or NULL."""

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("db_index", False)
        super().__init__("user", *args, **options)

    def parser(self, reading: Reading) -> Parse:
        mapped, out = super().parser(reading), reading.people_out
        if not out:
            return mapped

        def marked(text: str) -> str | None:
            number = out.get(int(integer(text)))
            return mapped(text) if number is None else str(number)

        return marked

    def sql(self, column: str, rendering: Rendering) -> str:
        if not rendering.people:
            return f"'{NULL}'" if self.null else f"'{self.none}'"
        return super().sql(column, rendering)

    def sql_text(self, column: str, rendering: Rendering) -> str:
        return f"({rendering.pseudonym(column)})::text" if rendering.anonymize else f"{column}::text"

    def anonymised(self, text: str, texts: Mapping[str, str | None], pseudonym: Callable[[int], int]) -> str:
        return str(pseudonym(whole_or(text))) if is_id(text) else text

    def people_in(self, text: str) -> Iterable[int]:
        return (whole_or(text),) if is_id(text) and text != "0" else ()

    def people_sql(self, column: str) -> str:
        return f"SELECT {column}"


class ScaleOrMaximum(Int):
    """A maximum grade, or the negative id of a scale."""

    refers = "scale"
    none = 0

    def reference_sql(self, column: str) -> str:
        return f"(CASE WHEN {column} < 0 THEN -{column} END)"

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
    """Ids of one item type, separated by commas, in an order that matters."""

    words: ClassVar[Words] = ""

    def __init__(self, item_type: str = "", *args: Any, **options: Any) -> None:
        self.refers = item_type
        super().__init__(*args, **options)

    def parser(self, reading: Reading) -> Parse:
        item_type, mention = self.refers or "", reading.references.mention

        def mapped(text: str) -> str:
            olds = (int(integer(old.strip())) for old in text.split(",") if old.strip())
            news = (mention(item_type, old) if old > 0 else old for old in olds)
            return ",".join(str(new) for new in news if new is not None)

        return mapped


class ForeignRef(ArchiveField, ForeignKey):
    """A reference that the database has as a foreign key: `ForeignRef("course_section", Section, tag="sectionid")`."""

    def __init__(self, item_type: str = "", to: Any = None, **options: Any) -> None:
        self.refers = item_type
        options.setdefault("on_delete", models.CASCADE)
        options.setdefault("related_name", "+")
        super().__init__(to=to, **options)

    def parser(self, reading: Reading) -> Parse:
        item_type, mention = self.refers or "", reading.references.mention

        def mapped(text: str) -> str | None:
            new = mention(item_type, int(integer(text)))
            return None if new is None else str(new)

        return mapped


class SiblingRef(Int):
    """The id of a record whose item type follows from other columns of the same row."""

    needs_row = True

    def item_type_of(self, texts: Mapping[str, str | None]) -> str | None:
        """Return the item type, by the texts of the row's elements; None if the id is not mapped."""
        raise NotImplementedError

    def parse_in_row(self, text: str, texts: Mapping[str, str | None], reading: Reading) -> str | None:
        digits = integer(text)
        item_type = self.item_type_of(texts)
        if item_type is None or digits == "0":
            return digits
        new = reading.references.mention(item_type, int(digits))
        if new is None:
            return None if self.null else "0"
        return str(new)


class ItemRef(SiblingRef):
    """The id of a record whose item type follows from the row's component and area: a post for `mod_forum` / `post`.

    `by` are the elements with component and area; `declared_in` is the attribute of `ArchiveMeta` that lists them, "files"
    or "comments".
    """

    def __init__(
        self, *args: Any, by: tuple[str, str] = ("", ""), declared_in: str = "files", **options: Any
    ) -> None:
        self.by = by
        self.declared_in = declared_in
        super().__init__(*args, **options)

    def item_type_of(self, texts: Mapping[str, str | None]) -> str | None:
        component, area = self.by
        return registry.item_types(self.declared_in).get((texts.get(component) or "", texts.get(area) or ""))


class InstanceRef(SiblingRef):
    """The instance id of an activity whose type the element `by` names."""

    def __init__(self, *args: Any, by: str = "modulename", **options: Any) -> None:
        self.by = by
        super().__init__(*args, **options)

    def item_type_of(self, texts: Mapping[str, str | None]) -> str | None:
        name = texts.get(self.by) or ""
        return name if name.isidentifier() else None


class DelegateRef(SiblingRef):
    """The instance id of the activity that owns a section; the element `by` has the component of its type, such as
    `mod_forum`.
    """

    def __init__(self, *args: Any, by: str = "component", **options: Any) -> None:
        self.by = by
        super().__init__(*args, **options)

    def item_type_of(self, texts: Mapping[str, str | None]) -> str | None:
        return registry.modulename_of(texts.get(self.by)) or None
