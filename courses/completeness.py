"""Completeness: the check that every column travels or has a reason not to.

`gaps()` yields a sentence for each gap, which says what to write; `manage.py check` shows them, so no migration, backup or
restore runs with a model that has one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, register
from django.db import models

from courses import structure
from courses.archived import ArchivedModel
from courses.content import Content
from courses.fields import ArchiveField, Within
from courses.fields.special import SharedId
from courses.models.course import Activity, Course

NESTING = "it is the record around the element"
SIGN_IN = "an account from an archive needs a password of this site before anybody can sign in with it"

UNARCHIVED_COLUMNS: dict[str, str] = {
    "courses.Category.parent": "a restore does not read the archive's category",
    "courses.Course.category": NESTING,
    "courses.User.is_superuser": "an archive makes nobody an administrator",
    "courses.User.last_login": "it is the last sign-in on this site; the archive has `lastlogin`",
    "courses.User.password": SIGN_IN,
    "courses.User.suspended": "each site decides which accounts are suspended",
    "courses.User.revocations": "sessions and links are of this site",
}
"""Columns that do not travel and are not declared with `omit`, each with the reason."""

UNARCHIVED_MODELS: dict[str, str] = {
    "courses.Context": "is a sequence of ids; each id is stored with the record that has the context",
    "courses.MarkedStorage": "is about the storages of this site",
    "courses.OpaqueElement": "holds what no model describes, and is written among the fields of its record",
    "courses.OpaqueMember": "holds members that no model describes, and is written as such members",
    "courses.RoleName": "is written as the `nameincourse` of its role",
}
"""Models of this app whose rows do not travel, each with the reason."""

UNDESCRIBED = frozenset({"context", "tag"})
"""Item types that fields refer to and that no model has: `context` is only a sequence of ids, the records of `tag` are in
no described member."""


def gaps() -> Iterator[str]:
    """Yield a sentence for each gap in the models' descriptions; of other apps only archived models are looked at."""
    ours: list[type[models.Model]] = list(apps.get_app_config("courses").get_models())
    found = ours + [model for model in structure.archived_models() if model not in ours]
    for model in found:
        if issubclass(model, ArchivedModel):
            yield from column_gaps(model)
            yield from reference_gaps(model)
        elif model._meta.label not in UNARCHIVED_MODELS:
            yield (
                f"{model._meta.label} is no part of an archive. Make it an ArchivedModel, or say in"
                " courses.completeness.UNARCHIVED_MODELS why its rows do not travel."
            )
    yield from _shared_item_types(structure.archived_models())
    named = {model._meta.label for model in found} | {
        f"{model._meta.label}.{column.name}" for model in found for column in model._meta.concrete_fields
    }
    for name in sorted({*UNARCHIVED_COLUMNS, *UNARCHIVED_MODELS} - named):
        yield f"courses.completeness gives a reason for {name}, which does not exist. Remove the line."


def column_gaps(model: structure.Model) -> Iterator[str]:
    """Yield a sentence for each column of a model that neither travels nor has a reason."""
    for column in model._meta.concrete_fields:
        if reason_of(column) is None:
            yield (
                f"{model._meta.label}.{column.name} would be lost in a backup. Make it a field of"
                ' courses.fields (Text, Int, Moment, ...), give it omit="the reason", or name it in'
                " courses.completeness.UNARCHIVED_COLUMNS."
            )


def reason_of(column: models.Field[Any, Any]) -> str | None:
    """Return the reason why a column is no element of its own; "" if it is an element, None if there is no reason."""
    if isinstance(column, ArchiveField):
        return column.omit
    if column.primary_key:
        return "it is the record's id"
    if isinstance(column, Within):
        return column.omit
    if (column.name, column.related_model) in {("course", Course), ("activity", Activity)}:
        return NESTING
    if issubclass(column.model, ArchivedModel) and any(
        archive_path.column == column.column for archive_path in column.model.archive_paths()
    ):
        return NESTING
    if column.name == "owner" and issubclass(column.model, Content):
        return NESTING
    return UNARCHIVED_COLUMNS.get(f"{column.model._meta.label}.{column.name}")


def reference_gaps(model: structure.Model) -> Iterator[str]:
    """Yield a sentence for each reference to an item type that no model has: its ids would stay those of the archive's
    site.
    """
    for column in model._meta.concrete_fields:
        item_type = getattr(column, "refers", None)
        if item_type is None or item_type in UNDESCRIBED:
            continue
        if structure.model_of_item_type(item_type) is None:
            yield (
                f"{model._meta.label}.{column.name} refers to the item type {item_type!r}, which no model has."
                " Correct it; or, if its records are in an opaque member, add the item type to"
                " courses.completeness.UNDESCRIBED."
            )


def _shared_item_types(models: Iterable[structure.Model]) -> Iterator[str]:
    """Yield a sentence for each item type that two models have with separate sequences: their ids would be confused."""
    own = (model for model in models if not isinstance(model._meta.pk, SharedId))
    for item_type, number in Counter(structure.item_type_of(model) for model in own).items():
        if number > 1:
            yield (
                f"{number} models have the item type {item_type!r}."
                " Give each an item type of its own in its archive_meta."
            )


@register
def check(app_configs: object, **_: object) -> list[CheckMessage]:
    """Return the gaps as errors of Django's system checks."""
    return [Error(gap, id="courses.E001") for gap in gaps()]
