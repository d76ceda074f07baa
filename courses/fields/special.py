"""References with special values, references that depend on the enrolment method, and ids from a shared sequence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import Func, Value

from courses.fields.base import Parse, Reading
from courses.fields.django_fields import BigIntegerField
from courses.fields.numbers import digits_or_text, integer
from courses.fields.references import Ref, SiblingRef


class SpecialRef(Ref):
    """The id of a record when it is above 0; 0 and negative numbers have meanings of their own and are not mapped.

    A jump of a lesson leads to a page, or means "the next page" (-1) or "the end" (-9).
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
    """`customint2` of an enrolment method: for `cohort` and `meta` the id of the group that people are put into (0 or less
    is none or a new one), for other methods an ordinary number.
    """

    METHODS: ClassVar[frozenset[str]] = frozenset({"cohort", "meta"})

    def item_type_of(self, texts: Mapping[str, str | None]) -> str | None:
        number = digits_or_text(texts.get("customint2"))
        return "group" if texts.get("enrol") in self.METHODS and not number.startswith("-") else None


class SharedId(BigIntegerField):
    """A primary key from the sequence of another model's table.

    Two models share a sequence when their ids must differ: the files of an example and of a submission are in one file
    area, where an item id must identify one record. `table` is the table that has the sequence.
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
        """Return a plain integer field with a database default for migrations."""
        name, _, args, options = super().deconstruct()
        return name, "django.db.models.BigIntegerField", list(args), options
