"""Ids that a restore does not change: what was removed here and comes back has the ids that it had.

So links, conditions and calculations that name it are right again. Only records that the removed things had for themselves keep
their ids: these rows are gone, and a sequence never gives an id twice.
"""

from __future__ import annotations

from typing import cast

from courses import structure
from courses.content import Content
from courses.fields import Within
from courses.models import Activity, Section
from courses.models.grades import GradeItem
from courses.structure import Model
from restore.context import RestoreContext
from restore.new_ids import id_map


def keep_ids(context: RestoreContext) -> None:
    """Let the sections and activities of an archive have the ids again that they had, with what is theirs alone.

    For an archive of this site whose content was removed; call it before the restore begins.
    """
    inside = {structure.item_type_of(model) for model in structure.archived_models() if _is_inside(model)}
    inside |= {structure.item_type_of(model) for model in (Activity, Section, GradeItem)}
    inside |= {entry.modulename for entry in context.manifest.activities}
    context.ids = id_map(context.archive, context.manifest, same=inside)


def _is_inside(model: Model) -> bool:
    """Whether the rows of a model are the content of an activity, or nest in it."""
    outer = model
    while True:
        column = next(
            (one for one in outer._meta.concrete_fields if isinstance(one, Within) and one.path), None
        )
        if column is None:
            return issubclass(outer, Content)
        outer = cast(Model, column.related_model)
