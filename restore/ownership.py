"""Leave out what belongs to a record that did not come, such as a group: submissions, exceptions, events, discussions.

As group 0's or everybody's they would be shown to others, and Moodle leaves most of them out too (`courses/ownership.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from archive import opaque, xml
from archive.findings import Finding
from archive.references import OWNING
from courses import ownership, structure
from courses.fields import Within
from courses.fields.references import ItemRef
from courses.models import OpaqueElement
from courses.structure import Model
from courses.summaries import number_with_noun, numbers_with_nouns
from restore.context import RestoreContext


def leave_out_ownerless(
    context: RestoreContext, *, among: Mapping[Model, Collection[int]] | None = None
) -> Iterator[Finding]:
    """Remove every row that belongs to a record that was mentioned and did not come, with all that belongs to the row.

    With `among`, only rows with these ids. Yields a warning with their numbers. All rows must have been sent.
    The ids of removed records are taken back, so that links and references to them are cleared like those to other missing
    records.
    """
    missing = context.ids.missing()
    for item_type in ownership.owner_types():
        found = (context.ids.mention(item_type, old) for old in missing.get(item_type, ()))
        news = frozenset(new for new in found if new is not None)
        if not news:
            continue
        context.lost_owners[item_type] = news
        removed: Counter[str] = Counter()
        owners: set[int] = set()
        for model, field in ownership.owned_by(item_type):
            rows = model._base_manager.filter(**{f"{field.name}__in": news})
            if among is not None:
                rows = rows.filter(pk__in=among.get(model, ()))
            own = dict(rows.values_list("pk", field.name))
            remove_rows(context, model, list(own))
            if own and model in ownership.owned_models():
                removed[structure.item_type_of(model)] += len(own)
                owners.update(own.values())
        if removed:
            yield Finding(
                "warning",
                "owner-lost",
                f"What belongs to {number_with_noun(item_type, len(owners))} that did not come is left out:"
                f" {numbers_with_nouns(removed)}.",
                hint="To get it, restore an archive that has both.",
            )
    if OWNING & context.lost_owners.keys():
        _rewrite_opaque(context, after=0 if among is None else context.last_opaque)


def remove_rows(context: RestoreContext, model: Model, ids: list[int]) -> None:
    """Remove rows of a model, with the records in them, their files, comments and opaque elements."""
    if not ids:
        return
    for inner in structure.archived_models():
        for field in inner._meta.concrete_fields:
            if isinstance(field, Within) and field.related_model is model:
                rows = inner._base_manager.filter(**{f"{field.name}__in": ids})
                remove_rows(context, inner, list(rows.values_list("pk", flat=True)))
            elif isinstance(field, ItemRef):
                for area in model.items(field.declared_in):
                    named = dict(zip(field.by, area.split("/"), strict=True))
                    inner._base_manager.filter(**named, **{f"{field.name}__in": ids}).delete()
    item_type = structure.item_type_of(model)
    OpaqueElement.objects.filter(item_type=item_type, record__in=ids).delete()
    model._base_manager.filter(pk__in=ids).delete()
    context.ids.withdraw(item_type, ids)


def _rewrite_opaque(context: RestoreContext, *, after: int) -> None:
    """Leave out the records of missing groups in opaque elements with higher ids than `after`; they have new ids already."""
    elements = OpaqueElement.objects.filter(course=context.course, xml__contains="group")
    for element in elements.filter(pk__gt=after).iterator():
        text = opaque.rewrite_element(
            xml.parse(element.xml.encode(), member="an opaque element"),
            mapped=lambda item_type, number: (
                None if number in context.lost_owners.get(item_type, ()) else number
            ),
            groups=True,
        )
        if not text:
            element.delete()
        elif text != element.xml:
            OpaqueElement.objects.filter(pk=element.pk).update(xml=text)
