"""Rows of which a course has one each, such as a setting of the gradebook: after a merge the course has one, not two."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from django.db import connection
from django.db.models import Field, ForeignKey

from courses import structure
from courses.models import Course, File, OpaqueElement
from courses.structure import Model
from restore.context import RestoreContext


def leave_out_doubles(context: RestoreContext) -> None:
    """Remove the rows of the archive of which the target course had one already (`ArchiveMeta.single`).

    With the option `overwrite_conf` the archive's row stays, and the course's is removed. All rows must have been sent.
    """
    if context.target.course is None:
        return
    for model in structure.archived_models():
        first = context.ids.first_new(structure.item_type_of(model))
        if model.archive_meta.settled_key and first is not None:
            overwrites = _overwrites(context, model)
            with context.row_counts.removing() if overwrites else nullcontext():
                _leave_out(context, model, first, overwrites=overwrites)


def _leave_out(context: RestoreContext, model: Model, first: int, *, overwrites: bool) -> None:
    """Remove the doubles of one model, those of the course if the archive `overwrites` them.

    `first` is the lowest new id of this restore.
    """
    same = same_values(model, "new", "old")
    gone, stays = ("old", "new") if overwrites else ("new", "old")
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f'DELETE FROM "{table}" {gone} USING "{table}" {stays}'
            f" WHERE new.id >= %(first)s AND old.id < %(first)s AND {same} AND {_of_course(model)} RETURNING {gone}.id",
            {
                "first": first,
                "course": context.target.course.pk if context.target.course else 0,
                "context": context.target.course.contextid if context.target.course else 0,
            },
        )
        removed = [number for (number,) in cursor.fetchall()]
    if removed:
        item_type = structure.item_type_of(model)
        OpaqueElement.objects.filter(item_type=item_type, record__in=removed).delete()
        for area in model.items("files"):
            component, _, name = area.partition("/")
            files = File.objects.filter(course=context.target.course, component=component, filearea=name)
            files.filter(itemid__in=removed).delete()
        context.ids.withdraw(item_type, removed)


def same_values(model: Model, row: str, other: str) -> str:
    """Return the SQL condition that two rows of a model that is not compared have the same natural key, by their aliases.

    Only columns that may be NULL are compared by `IS NOT DISTINCT FROM`: it uses no hash and no index, and so would compare
    each row with every other one.
    """
    fields = [_field(model, name) for name in model.archive_meta.settled_key]
    return " AND ".join(
        f'{row}."{field.column}" {"IS NOT DISTINCT FROM" if field.null else "="} {other}."{field.column}"'
        for field in fields
    )


def _overwrites(context: RestoreContext, model: Model) -> bool:
    """Whether the archive's rows of a model replace those of the course: settings do, what people have does not."""
    return context.selection.overwrites_settings and not model.archive_meta.userdata


def _field(model: Model, name: str) -> Field[Any, Any]:
    """Return a column's field."""
    return next(field for field in model._meta.concrete_fields if field.name == name)


def _of_course(model: Model) -> str:
    """Return the SQL condition that the rows `new` of a model belong to the course."""
    if model is File:
        return "new.course_id = %(course)s"
    field = _field(model, model.archive_meta.settled_key[0])
    if not isinstance(field, ForeignKey):
        return f'new."{field.column}" = %(context)s'
    if field.related_model is Course:
        return f'new."{field.column}" = %(course)s'
    owner = field.related_model._meta.db_table
    return f'new."{field.column}" IN (SELECT id FROM "{owner}" WHERE course_id = %(course)s)'
