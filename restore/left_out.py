"""Leave out the work of people who are left out of a restore, as if the archive had been made without them.

Their rows are loaded under an id that nobody has, and removed when all rows are there: only then it is known what belongs to
what. What others wrote stays, also in answer to them: the post to which others replied stays without text and without name.
Where they changed what belongs to others, as a marker of submissions or one author of a wiki page, only their name goes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from archive.findings import Finding
from courses import authors, ownership, registry, structure
from courses.fields import GradedItemRef, UserRef
from courses.fields.references import ItemRef
from courses.models import OpaqueElement, UserEnrolment
from courses.structure import Model
from courses.summaries import numbers_with_nouns
from restore.context import RestoreContext
from restore.ownership import remove_rows


def leave_out_people(context: RestoreContext) -> Iterator[Finding]:
    """Remove the rows of the people who are left out, and their name from the rows that stay; yield a finding that counts.

    All rows must have been sent.
    """
    if not context.people_out:
        return
    people = frozenset(context.people_out.values())
    # People of an archive whose enrolment methods do not come are enrolled without a loader.
    filled = {UserEnrolment._meta.db_table}.union(*(loader.written for loader in context.loaders))
    models = [model for model in structure.archived_models() if model._meta.db_table in filled]
    own = {model: set(authors.rows_of(model, people).values_list("pk", flat=True)) for model in models}
    removed: Counter[str] = Counter()
    emptied = 0
    for model, ids in own.items():
        stays = authors.others_inside(model, ids, people) if ids and model.archive_meta.emptied else set()
        _empty(model, stays)
        emptied += len(stays)
        for belonging, reference in authors.belonging_to(model) if ids else ():
            rows = belonging._base_manager.filter(**{f"{reference.name}__in": ids})
            remove_rows(context, belonging, list(rows.values_list("pk", flat=True)))
        if away := ids - stays:
            _remove_filled_forms(context, model, away)
            remove_rows(context, model, sorted(away))
            removed[structure.item_type_of(model)] += len(away)
    for model in models:
        _forget_names(model, people)
    yield _finding(len(people), removed, emptied)


def _finding(people: int, removed: Counter[str], emptied: int) -> Finding:
    """Return the finding about the people who are left out, with the numbers of their rows."""
    who = "1 person is" if people == 1 else f"{people:,} people are"
    what = f"What was theirs stays away: {numbers_with_nouns(removed)}." if removed else "Nothing was theirs."
    rows = (
        "1 record, to which others replied, stays"
        if emptied == 1
        else f"{emptied:,} records, to which others replied, stay"
    )
    shells = f" {rows} without text and name." if emptied else ""
    message = f"{who} left out, as chosen. {what}{shells}"
    hint = "To bring it too, decide otherwise about them and restore again." if removed or emptied else ""
    return Finding("info", "person-left-out", message, "users.xml", hint)


def _empty(model: Model, ids: Collection[int]) -> None:
    """Take the texts, files and opaque elements out of rows that stay because others replied to them."""
    if not ids:
        return
    model._base_manager.filter(pk__in=ids).update(**model.archive_meta.emptied)
    for inner in structure.archived_models():
        for field in inner._meta.concrete_fields:
            if isinstance(field, ItemRef) and field.declared_in == "files":
                for area in model.items(field.declared_in):
                    named = dict(zip(field.by, area.split("/"), strict=True))
                    inner._base_manager.filter(**named, **{f"{field.name}__in": ids}).delete()
    OpaqueElement.objects.filter(item_type=structure.item_type_of(model), record__in=ids).delete()


def _remove_filled_forms(context: RestoreContext, model: Model, ids: Collection[int]) -> None:
    """Remove the grading forms that were filled in for rows that are removed."""
    item_type = structure.item_type_of(model)
    names = [name for name, graded in registry.graded_item_types().items() if graded == item_type]
    if not names:
        return
    for inner in structure.archived_models():
        for field in inner._meta.concrete_fields:
            if isinstance(field, GradedItemRef):
                way = next(way for way, outer in ownership.outwards(inner) if hasattr(outer, "areaname"))
                rows = inner._base_manager.filter(**{f"{field.name}__in": ids, f"{way}areaname__in": names})
                remove_rows(context, inner, list(rows.values_list("pk", flat=True)))


def _forget_names(model: Model, people: Collection[int]) -> None:
    """Clear the references to people who are left out, in the rows that stay."""
    for field in model._meta.concrete_fields:
        if isinstance(field, UserRef):
            rows = model._base_manager.filter(**{f"{field.name}__in": people})
            rows.update(**{field.name: None if field.null else field.none})
