"""Records that belong to another record, such as a group: which they are, by the references of their models.

A reference to a group means that the record is that group's: a submission, an exception, an event, a discussion. Without the
group such a record is left out, together with all that nests in it. Any other reference says it by `Ref(..., owning=True)`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from django.db.models import Model as DjangoModel
from django.db.models import Q

from archive.references import OWNING
from courses import registry, structure
from courses.content import Content
from courses.fields import Ref, Within
from courses.structure import Model


def owner_fields(model: type[DjangoModel]) -> list[Ref]:
    """Return the fields of a model that refer to the record to which a row belongs; an activity's content stays with it."""
    if issubclass(model, Content):
        return []
    return [field for field in model._meta.concrete_fields if isinstance(field, Ref) and field.owning]


def person_column(model: Model) -> str:
    """Return the column of userdata with the person whose row it is; "" if there is none."""
    names = {field.name: str(field.column) for field in model._meta.concrete_fields}
    return names.get(model.archive_meta.person or "userid", "")


def owned_by(item_type: str) -> Iterator[tuple[Model, Ref]]:
    """Yield the models whose rows belong to records of an item type, each with the field that says to which."""
    for model in structure.archived_models():
        for field in owner_fields(model):
            if field.refers == item_type:
                yield model, field


@registry.derived
def owner_types() -> tuple[str, ...]:
    """Return the item types to whose records others belong, in alphabetical order."""
    return tuple(
        sorted({field.refers or "" for model in structure.archived_models() for field in owner_fields(model)})
    )


@registry.derived
def owned_models() -> tuple[Model, ...]:
    """Return the models whose rows belong to another record, without those that describe groups and groupings themselves."""
    own = {option_of(item_type) for item_type in OWNING}
    return tuple(
        model
        for model in structure.archived_models()
        if owner_fields(model) and not any(outer.archive_meta.option in own for _, outer in outwards(model))
    )


def option_of(item_type: str) -> str:
    """Return the option that governs the records of an item type: `groups` for a group."""
    model = structure.model_of_item_type(item_type)
    return model.archive_meta.option if model else ""


def owned(model: Model) -> Q | None:
    """Return the condition that a row of a model, or a record around it, belongs to a group; None if none can."""
    found = [
        Q(**{f"{way}{field.name}__gt": 0})
        for way, outer in outwards(model)
        for field in owner_fields(outer)
        if field.refers in OWNING
    ]
    joined = Q()
    for condition in found:
        joined |= condition
    return joined if found else None


def owned_items(declared_in: str) -> Iterator[tuple[str, str, Model, Q]]:
    """Yield each component and area whose items can belong to a group, with the items' model and the condition that they do.

    `declared_in` is "files" or "comments", as in `registry.item_types`.
    """
    for (component, area), item_type in registry.item_types(declared_in).items():
        model = structure.model_of_item_type(item_type)
        condition = owned(model) if model else None
        if model is not None and condition is not None:
            yield component, area, model, condition


def outwards(model: Model) -> Iterator[tuple[str, Model]]:
    """Yield a model and those around it, each with the prefix of query paths that leads to it: `discussion__`."""
    way, outer = "", model
    while True:
        yield way, outer
        column = next(
            (one for one in outer._meta.concrete_fields if isinstance(one, Within) and one.path), None
        )
        if column is None:
            return
        way, outer = f"{way}{column.name}__", cast(Model, column.related_model)
