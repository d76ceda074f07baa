"""Remove what a person has in an activity and the archive does not have; what cannot be given back stays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from django.db import connection

from archive.findings import Finding
from courses import authors, structure
from courses.fields import Within
from courses.models import File, OpaqueElement
from courses.structure import Model
from courses.summaries import numbers_with_nouns
from jobs.plan import StepEvent
from restore.arrivals import waiting_table
from restore.person_records import (
    Ids,
    PersonRecords,
    belonging_to,
    held_by_others,
    history_models,
    items_of_files,
    models_in,
)
from restore.person_return import PersonReturn


def remove(work: PersonReturn) -> Iterator[StepEvent]:
    """Remove the person's rows that the archive does not have; rows in which there is something of others stay."""
    history = history_models(work.activity)
    stay = _held_rows(work)
    stay[File] |= _held_files(work, stay)
    for model in reversed(models_in(work.activity)):
        gone = work.here.own[model] - work.archived.own[model] - stay[model]
        if model in history or not gone:
            continue
        model._base_manager.filter(pk__in=gone).delete()
        OpaqueElement.objects.filter(item_type=structure.item_type_of(model), record__in=gone).delete()
        work.removed[structure.item_type_of(model)] += len(gone)
        yield 0
    unloaded = set(work.unloaded)
    lacking = work.counted({model: work.here.own[model] for model in unloaded})
    if lacking:
        yield Finding(
            "warning",
            "not-in-the-archive",
            f"The archive was made without such records, or the restore leaves them out, so those that are here stay, with what"
            f" they belong to: {numbers_with_nouns(lacking)}.",
            hint="To replace them too, choose an archive that has them.",
        )
    kept = {model: ids - work.archived.own[model] for model, ids in stay.items() if model not in unloaded}
    if held := work.counted(kept):
        yield Finding(
            "info",
            "work-of-others-inside",
            f"What others wrote about it or in answer to it stays, and so does what it belongs to: {numbers_with_nouns(held)}.",
        )


def _held_rows(work: PersonReturn) -> Ids:
    """Return the person's rows here in which there is something of others, with the rows around them."""
    found = PersonRecords().own
    around = PersonRecords(others=work.here.others)
    around.about.update(work.here.about)
    for model in work.unloaded:
        # What the archive cannot give back holds what it belongs to, as what others wrote does.
        found[model] |= work.here.own[model]
        around.about[model] = work.here.about[model] | work.here.own[model]
    for model in reversed(models_in(work.activity)):
        found[model] |= held_by_others(model, work.here.own[model], around, work.person.pk)
        for column in model._meta.concrete_fields:
            if isinstance(column, Within) and found[model]:
                above = cast(Model, column.related_model)
                rows = model._base_manager.filter(pk__in=found[model])
                found[above] |= set(rows.values_list(column.attname, flat=True)) & work.here.own[above]
    _add_parts(work, found)
    return found


def _add_parts(work: PersonReturn, stay: Ids) -> None:
    """Add to the rows that stay and that the archive does not have what nests in them or belongs to them, without an author."""
    for model in models_in(work.activity):
        kept = stay[model] - work.archived.own[model]
        for belonging, reference in belonging_to(model) if kept else ():
            rows = belonging._base_manager.filter(**{f"{reference.name}__in": kept})
            stay[belonging] |= set(rows.values_list("pk", flat=True)) & work.here.own[belonging]
        for inner in models_in(work.activity) if kept else ():
            for column in inner._meta.concrete_fields:
                inside = isinstance(column, Within) and column.related_model is model
                if inside and authors.author_of(inner) is None:
                    rows = inner._base_manager.filter(**{f"{column.name}__in": kept})
                    stay[inner] |= set(rows.values_list("pk", flat=True)) & work.here.own[inner]


def _held_files(work: PersonReturn, stay: Ids) -> set[int]:
    """Return the person's files here that belong to rows which stay and which the archive does not have."""
    own = work.here.own[File]
    found: set[int] = set()
    for model in models_in(work.activity):
        items = items_of_files(model, own)
        if not items:
            continue
        gone = work.here.own[model] - stay[model]
        with connection.cursor() as cursor:
            cursor.execute(
                f'SELECT id FROM "{waiting_table(model._meta.db_table)}" WHERE id = ANY(%s)', [list(items)]
            )
            archived = {number for (number,) in cursor.fetchall()}
        left = set(items) - archived - gone
        for item in model._base_manager.filter(pk__in=left).values_list("pk", flat=True):
            found |= items[item]
    return found
