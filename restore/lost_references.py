"""References to records that were mentioned and never came: they are cleared, with findings about them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from django.db import connection

from archive.findings import Finding
from courses import members, structure
from courses.fields import ArchiveField
from courses.structure import Model
from courses.summaries import number_with_noun
from restore.context import RestoreContext
from restore.needed_findings import to_left_out
from restore.new_ids import NUMBERS_ONLY


def clear_lost_references(
    context: RestoreContext, *, among: Mapping[Model, Collection[int]] | None = None
) -> Iterator[Finding]:
    """Clear the references to records that never came; yield findings about them. All rows must have been sent.

    With `among`, only those in rows with these ids.
    """
    for item_type, olds in context.ids.missing().items():
        if item_type in NUMBERS_ONLY:
            continue
        news = [new for old in olds if (new := context.ids.mention(item_type, old)) is not None]
        changed = _clear_references(item_type, news, among)
        left_out = context.needed.left_out_among(item_type, olds)
        if left_out:
            yield to_left_out(left_out, changed)
        if changed and len(left_out) < len(olds):
            yield _lost_references(context, item_type, len(olds) - len(left_out), changed)


def _lost_references(context: RestoreContext, item_type: str, records: int, changed: int) -> Finding:
    """Return the finding about cleared references; a warning if the archive lacks the member that holds such records.

    Archives of one activity mostly have no gradebook, so that the category of a grade item is not there is no lack.
    """
    whole = context.manifest.archive_type == "course"
    paths = [
        one.path
        for one in members.holding(item_type)
        if one.scope == "archive" and (whole or not one.with_all_grades)
    ]
    lacking = bool(paths) and not any(path in context.archive for path in paths)
    stays = any(path in context.archive and not context.needed.member_comes(path) for path in paths)
    named = number_with_noun(item_type, records)
    return Finding(
        "warning" if lacking else "info",
        "reference-lost",
        f"The restore leaves out {named} to which others refer."
        if stays
        else f"The archive mentions {named} that it does not hold.",
        paths[0] if lacking else "",
        f"{changed} {'reference was' if changed == 1 else 'references were'} cleared.",
    )


def _clear_references(item_type: str, news: list[int], among: Mapping[Model, Collection[int]] | None) -> int:
    """Set every reference of an item type to these new ids to NULL, or to its field's `none`; return how many there were."""
    changed = 0
    with connection.cursor() as cursor:
        for model in structure.archived_models():
            if among is not None and not among.get(model):
                continue
            limit = "" if among is None else " AND id = ANY(%s)"
            numbers = [] if among is None else [list(among[model])]
            for field in model._meta.concrete_fields:
                if not isinstance(field, ArchiveField) or field.dangling:
                    continue
                if field.refers == item_type and hasattr(field, "none"):
                    nothing = None if field.null else field.none
                    reference = field.reference_sql(f'"{field.column}"')
                    cursor.execute(
                        f'UPDATE "{model._meta.db_table}" SET "{field.column}" = %s WHERE {reference} = ANY(%s){limit}',
                        [nothing, news, *numbers],
                    )
                    changed += cursor.rowcount
    return changed
