"""References: the ids of other records, alone, in lists, or of a kind that a neighbour names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import models

from courses import registry
from courses.fields.base import NULL, ArchiveField, Parse, Reading, Rendering
from courses.fields.django_fields import ForeignKey
from courses.fields.numbers import Int, integer
from courses.fields.texts import LongText


class Ref(Int):
    """The id of a record of a kind; `none` is the value that says "of none" and is not mapped."""

    def __init__(self, item_type: str = "", *args: Any, none: int = 0, **options: Any) -> None:
        self.refers = item_type
        self.none = none
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
            new = mention(item_type, int(integer(text)))
            return nothing if new is None else str(new)

        return mapped


class UserRef(Ref):
    """A person; anonymising gives the pseudonym, so that even the number says nothing. Without people it is nobody."""

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("db_index", False)
        super().__init__("user", *args, **options)

    def sql(self, column: str, rendering: Rendering) -> str:
        if not rendering.people:
            return f"'{NULL}'" if self.null else f"'{self.none}'"
        return super().sql(column, rendering)

    def sql_text(self, column: str, rendering: Rendering) -> str:
        return f"({rendering.pseudonym(column)})::text" if rendering.anonymize else f"{column}::text"


class ScaleOrMaximum(Int):
    """A maximum grade, or minus the id of a scale."""

    refers = "scale"

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
    """Ids of one kind with commas between them, in an order that matters."""

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
    """A reference of a kind that the database holds as a foreign key: `Link("course_section", Section, tag="sectionid")`."""

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
    """The id of a record whose kind the same row says in other columns."""

    needs_row = True

    def item_type_of(self, texts: Mapping[str, str | None]) -> str | None:
        """The kind, by the texts of the row's elements; None for a kind whose ids stay."""
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
    """The id of whatever the row's component and area say: a post of `mod_forum` / `post`.

    `by` are the elements that say it, `trait` the trait of `ArchiveMeta` that declares which kind that is.
    """

    def __init__(
        self, *args: Any, by: tuple[str, str] = ("", ""), trait: str = "files", **options: Any
    ) -> None:
        self.by = by
        self.trait = trait
        super().__init__(*args, **options)

    def item_type_of(self, texts: Mapping[str, str | None]) -> str | None:
        component, area = self.by
        return registry.item_types(self.trait).get((texts.get(component) or "", texts.get(area) or ""))


class InstanceRef(SiblingRef):
    """The instance of an activity whose type another element names: `iteminstance` by `itemmodule`."""

    def __init__(self, *args: Any, by: str = "modulename", **options: Any) -> None:
        self.by = by
        super().__init__(*args, **options)

    def item_type_of(self, texts: Mapping[str, str | None]) -> str | None:
        name = texts.get(self.by) or ""
        return name if name.isidentifier() else None


class DelegateRef(SiblingRef):
    """The instance of the activity that owns a section; the column `by` has the component of its type, such as `mod_forum`."""

    def __init__(self, *args: Any, by: str = "component", **options: Any) -> None:
        self.by = by
        super().__init__(*args, **options)

    def item_type_of(self, texts: Mapping[str, str | None]) -> str | None:
        return registry.modulename_of(texts.get(self.by)) or None
