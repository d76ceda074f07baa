"""Calculations of grades with grade items that do not come: name each of them, and leave the calculation out if chosen."""

from __future__ import annotations

from collections.abc import Iterator

from archive.findings import Finding
from archive.numbers import whole_or
from courses.fields.grading import ITEM, Formula
from courses.models.grades import GradeItem
from courses.summaries import number_with_noun
from restore.absent import AbsentRecords
from restore.context import RestoreContext

OPTION = "lost_calculations"
HINTS = {
    "keep": "It computes nothing until it is changed. Bring the other along, or let the restore leave out such calculations.",
    "leave_out": "The grade is the one that is given or aggregated. Bring the other along to compute it.",
}
DONE = {"keep": "", "leave_out": " The calculation is left out."}
ITEM_TYPE = "grade_item"


def settle_calculations(context: RestoreContext, absent: AbsentRecords) -> Iterator[Finding]:
    """Yield a warning for each grade item that a restored calculation names and that does not come.

    In a calculation that stays, the missing item is 0, which is never another one. Memory and queries do not grow with the
    course: only the items with calculations are read.
    """
    choice = context.selection.settings.text(OPTION)
    items = GradeItem.objects.filter(course=context.course, calculation__contains="##gi").order_by("pk")
    restored = context.ids.olds_of(ITEM_TYPE, list(items.values_list("pk", flat=True)))
    for item in items:
        if item.pk not in restored:
            continue
        named = [whole_or(number) for number in ITEM.findall(item.calculation or "")]
        olds = context.ids.olds_of(ITEM_TYPE, named, mentioned=True)
        lost = {
            number: (old, found)
            for number, old in olds.items()
            if (found := absent.find(ITEM_TYPE, old)) is not None
        }
        for old, found in lost.values():
            yield Finding(
                "warning",
                "calculation-lost",
                f"The calculation of “{_title(item)}” names {found.words or number_with_noun(ITEM_TYPE, 1)},"
                f" which the restore does not bring.{DONE[choice]}",
                f"{_member(item)}, <grade_item id={restored[item.pk]}>, <calculation>, grade_item {old}",
                HINTS[choice],
                bring=found.owner,
            )
        news = {number: absent.new_id(ITEM_TYPE, old) or 0 for number, old in olds.items()}
        text = Formula.renumbered(item.calculation or "", news.get)
        if lost and choice == "leave_out":
            GradeItem.objects.filter(pk=item.pk).update(calculation=None)
        elif text != item.calculation:
            GradeItem.objects.filter(pk=item.pk).update(calculation=text)


def _title(item: GradeItem) -> str:
    """Return the name of a grade item, by its activity or category if it has none."""
    if item.itemname:
        return str(item.itemname)
    if item.activity:
        return str(item.activity.title)
    return "the total of the course" if item.itemtype == "course" else "the total of a category"


def _member(item: GradeItem) -> str:
    """Return the member in which a grade item stands."""
    return "grades.xml" if item.activity_id else "gradebook.xml"
