"""Access conditions on what does not come: name each of them, and do with it what was chosen.

A condition that stays lets nobody in by what is not here; it never becomes another condition (`courses/fields/conditions.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from archive.findings import Finding
from courses.fields import ConditionTree
from courses.fields.conditions import PROFILE_FIELD, Reference
from courses.models import Section
from courses.summaries import number_with_noun
from restore.absent import Absent, AbsentRecords
from restore.context import RestoreContext
from restore.owners import folder

OPTION = "lost_conditions"
HINTS = {
    "keep": "It holds for nobody until it is changed. Bring the other along, or let the restore leave such conditions out "
    "or hide what they restrict.",
    "hide": "Bring the other along, or change the conditions in the restored course and show it again.",
    "leave_out": "It is open to more people than before: look whether it should be. Or bring the other along.",
}
FIELD_HINTS = {
    "keep": "It holds for nobody until people have the field. Bring the people along who have it, or let the restore "
    "leave such conditions out or hide what they restrict.",
    "hide": "Bring the people along who have the field, or change the conditions in the restored course and show it again.",
    "leave_out": "It is open to more people than before: look whether it should be.",
}
"""What to do about a condition on a custom profile field that nobody here has."""
DONE = {"keep": "", "hide": " It is hidden.", "leave_out": " The condition is left out."}


def settle_conditions(
    context: RestoreContext, absent: AbsentRecords, field: ConditionTree, batch: list[int]
) -> Iterator[Finding]:
    """Yield a warning for each condition on what does not come, and hide its record or leave the condition out if chosen.

    `batch` are the new ids of the sections or activities, whose conditions have the ids of the archive still.
    """
    choice = context.selection.settings.text(OPTION)
    for record in field.model._base_manager.filter(pk__in=batch).order_by("pk"):
        text = getattr(record, field.attname)
        lost = {
            reference: found
            for reference in field.references(text)
            if (found := absent.about(reference)) is not None
        }
        if lost:
            yield from _findings(context, field, record, lost, choice)
            changes: dict[str, Any] = {"visible": 0} if choice == "hide" else {}
            if choice == "leave_out":
                changes = {field.attname: field.without(text, lost)}
            field.model._base_manager.filter(pk=record.pk).update(**changes) if changes else None


def _findings(
    context: RestoreContext,
    field: ConditionTree,
    record: Any,
    lost: dict[Reference, Absent],
    choice: str,
) -> Iterator[Finding]:
    """Yield a warning for each record with a name, and one for each item type of those without."""
    owner, member = _owner(context, record)
    unnamed = Counter(item_type for (item_type, _), one in lost.items() if not one.words)
    named = [(one, f"{item_type} {old}") for (item_type, old), one in lost.items() if one.words]
    named += [
        (
            Absent(number_with_noun(item_type, number)),
            ", ".join(f"{kind} {old}" for kind, old in lost if kind == item_type),
        )
        for item_type, number in unnamed.items()
    ]
    for one, what in named:
        yield Finding(
            "warning",
            "condition-lost",
            f"The access conditions of “{record}” name {one.words}, {one.why}.{DONE[choice]}",
            f"{member}, <{field.tag}>, {what}",
            (FIELD_HINTS if what.startswith(PROFILE_FIELD) else HINTS)[choice],
            about=owner,
            bring=one.owner,
        )


def _owner(context: RestoreContext, record: Any) -> tuple[str, str]:
    """Return the name as an owner and the member of a restored section or activity."""
    if isinstance(record, Section):
        for section in context.sections:
            if context.ids.known("course_section", section.sectionid) == record.pk:
                return f"section_{section.sectionid}", f"{section.directory}/section.xml"
        return "", "sections/section.xml"
    for entry in context.activities:
        if context.ids.known("course_module", entry.moduleid) == record.pk:
            return folder(entry), f"{entry.directory}/module.xml"
    return "", "activities/module.xml"
