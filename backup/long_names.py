"""Names that are too long for the Moodle that is written for: a finding for each, and a cut if that was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial
from typing import Any

from django.db.models import CharField, F, IntegerField, QuerySet, Value
from django.db.models.functions import Cast, Length

from archive.findings import Finding
from backup.context import BackupContext
from backup.substitutes import Substitutes
from courses import structure
from courses.fields import LONGEST_NAME, ArchiveField
from courses.file_areas import path_to_course
from courses.models import Course
from courses.structure import Model

CUT = "cut"
"""The value of the option `long_names` with which names that are too long are cut."""


def shorten_names(context: BackupContext, substitutes: Substitutes) -> Iterator[Finding]:
    """Yield a finding for each name of the course that is too long; let it be cut if that was asked for."""
    cut = context.selection.settings.text("long_names") == CUT
    version = context.version
    columns = dict(_long_columns())
    queries = [_too_long(context, index, columns) for index in columns]
    found = queries[0].union(*queries[1:], all=True)
    for index, number, characters in sorted(found):
        model, column = columns[index]
        most = version.longest_fullname if model is Course else version.longest_name
        if cut:
            substitutes.change(model, column, partial(_left, most))
        name = f"{structure.item_type_of(model)} {number}"
        yield Finding(
            "warning",
            "name-too-long",
            f"The {column} has {characters:,} characters; Moodle {version.release} takes {most}."
            f" It is {'cut' if cut else 'written whole, and that Moodle refuses it'}.",
            name,
            "Shorten it here."
            if cut
            else "Shorten it, ask for long_names=cut, or write for Moodle 5.3 (moodle=5.3).",
        )


def _left(most: int, value: str) -> str:
    return f"left({value}, {most})"


@cache
def _long_columns() -> tuple[tuple[int, tuple[Model, str]], ...]:
    """Return the columns that 4.5 has shorter, numbered: model and name."""
    found = [
        (model, one.name)
        for model in structure.archived_models()
        for one in model._meta.concrete_fields
        if isinstance(one, ArchiveField)
        and one.max_length == LONGEST_NAME
        and not one.omit
        and path_to_course(model)
    ]
    return tuple(enumerate(found))


def _too_long(
    context: BackupContext, index: int, columns: dict[int, tuple[Model, str]]
) -> QuerySet[Any, Any]:
    """Return the query of the values of one column that are too long: number of the column, id, characters."""
    model, column = columns[index]
    version = context.version
    most = version.longest_fullname if model is Course else version.longest_name
    rows = model._base_manager.filter(**{path_to_course(model): context.course.pk}).order_by()
    found: QuerySet[Any, Any] = (
        rows.annotate(
            of=Value(index, output_field=IntegerField()), characters=Length(Cast(F(column), CharField()))
        )
        .filter(characters__gt=most)
        .values_list("of", "pk", "characters")
    )
    return found
