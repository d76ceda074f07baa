"""Authors: the column that says whose work a row is, and the rows of people who are left out of a restore."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from django.db.models import QuerySet

from courses import registry, structure
from courses.archived import ArchivedModel
from courses.fields import Ref, UserRef, Within
from courses.structure import Model


@registry.derived
def author_of(model: Model) -> UserRef | None:
    """Return the field with the person whose work a row is; None for models whose rows are nobody's or several people's.

    It is the first reference to a person of userdata: the submission's author before its marker.
    """
    meta = model.archive_meta
    if meta.shared or not (meta.userdata or meta.userdata_rows):
        return None
    return next((one for one in model._meta.concrete_fields if isinstance(one, UserRef)), None)


def rows_of(model: Model, people: Collection[int]) -> QuerySet[ArchivedModel]:
    """Return the rows of a model that are the work of these people; none for a model without an author."""
    author = author_of(model)
    if author is None:
        return model._base_manager.none()
    rows = model._base_manager.filter(**{f"{author.name}__in": people})
    if not model.archive_meta.userdata:
        condition = model.archive_meta.userdata_rows.format(row=f'"{model._meta.db_table}"')
        rows = rows.extra(where=[condition])  # noqa: S610 - a constant of the model
    return rows


def belonging_to(model: Model) -> Iterator[tuple[Model, Ref]]:
    """Yield the models of userdata without an author whose rows name a row of the model, as a tag its post, with the field."""
    item_type = structure.item_type_of(model)
    for other in structure.archived_models():
        if not other.archive_meta.userdata or other.archive_meta.shared or author_of(other) is not None:
            continue
        for field in other._meta.concrete_fields:
            if isinstance(field, Ref) and field.refers == item_type:
                yield other, field


def others_inside(model: Model, ids: Collection[int], people: Collection[int]) -> set[int]:
    """Return those of the rows `ids` in which, or in answer to which, there are rows of others than `people`.

    Only models with `ArchiveMeta.emptied` are asked: a discussion holds posts, a post has replies.
    """
    found: set[int] = set()
    for inner in structure.archived_models():
        author = author_of(inner)
        if author is None or not inner.archive_meta.emptied:
            continue
        for field in inner._meta.concrete_fields:
            if isinstance(field, Within) and field.related_model is model:
                rows = inner._base_manager.filter(**{f"{field.name}__in": ids})
                found.update(
                    rows.exclude(**{f"{author.name}__in": people}).values_list(field.attname, flat=True)
                )
    return found | _answered(model, ids, people)


def _answered(model: Model, ids: Collection[int], people: Collection[int]) -> set[int]:
    """Return those of the rows to which others have replied, to them or to a reply."""
    author, item_type = author_of(model), structure.item_type_of(model)
    found: set[int] = set()
    for field in model._meta.concrete_fields:
        if author is None or getattr(field, "refers", None) != item_type or field.attname == "id":
            continue
        replies = model._base_manager.filter(**{f"{field.name}__in": ids})
        answered = set(
            replies.exclude(**{f"{author.name}__in": people}).values_list(field.attname, flat=True)
        )
        own = dict(model._base_manager.filter(pk__in=ids).values_list("pk", field.attname))
        while answered:
            found |= answered
            answered = {own[pk] for pk in answered if own.get(pk) in own} - found
    return found
