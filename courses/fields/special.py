"""Columns that are a reference for some values and a word of their own for others, and ids that two models share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import Func, Value

from courses.fields.base import Parse, Reading
from courses.fields.django_fields import BigIntegerField
from courses.fields.numbers import integer
from courses.fields.references import Ref, SiblingRef


class SpecialRef(Ref):
    """The id of a record when it is above 0; 0 and the numbers below it mean something of their own and stay.

    A jump of a lesson leads to a page, or says "the next one" (-1) or "the end" (-9).
    """

    def parser(self, reading: Reading) -> Parse:
        item_type, mention = self.refers or "", reading.references.mention

        def mapped(text: str) -> str:
            number = int(integer(text))
            if number <= 0:
                return str(number)
            new = mention(item_type, number)
            return str(self.none if new is None else new)

        return mapped


class MethodGroup(SiblingRef):
    """The group into which some ways into a course put people: an id when `enrol` is one of them, and 0 and less mean none
    or a new one; to other ways it is a number of their own."""

    METHODS: ClassVar[frozenset[str]] = frozenset({"cohort", "meta"})

    def item_type_of(self, texts: Mapping[str, str | None]) -> str | None:
        number = texts.get("customint2") or ""
        return "group" if texts.get("enrol") in self.METHODS and number.isdigit() else None


class SharedId(BigIntegerField):
    """The id of a record that takes its number from the sequence of another model's table.

    Two models share numbers when the format counts their records together: the files of an example and of a submission
    stand in one area, so that an item's id must belong to one of them only. `table` is the table whose sequence it is.
    """

    def __init__(self, table: str = "", **options: Any) -> None:
        self.table = table
        options.setdefault("primary_key", True)
        options.setdefault(
            "db_default",
            Func(
                Func(Value(f'"{table}"'), Value("id"), function="pg_get_serial_sequence"), function="nextval"
            ),
        )
        super().__init__(**options)

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        """Migrations see a number with a default of the database's."""
        name, _, args, options = super().deconstruct()
        return name, "django.db.models.BigIntegerField", list(args), options
