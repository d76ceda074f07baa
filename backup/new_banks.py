"""Question categories of the course become question banks, for a Moodle that has questions in banks only.

A category that was a bank becomes it again (`backup/former_banks.py`). All others become one bank, hidden and named after the
course. Of a part of the course those come that it uses; they are activities of the archive if that is one of the course.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from archive.findings import Finding
from backup.content import folder
from backup.context import BackupContext
from backup.former_banks import OF_ACTIVITY, OF_RECORD, FormerBank, former_banks, move_to_bank
from backup.partial_banks import QuestionFiles, ids_in, used_questions
from backup.question_banks import used_contexts
from backup.question_move import LEVEL_OF_ACTIVITY, Holder, QuestionMove, holders_of, model_of_banks
from backup.substitutes import Substitutes
from courses import registry
from courses.models import Activity, Category, Context, Section
from courses.models.questions import BY_THE_SITE, QuestionCategory
from selection.settings import Setting
from selection.table import ITEM


@dataclass(frozen=True, slots=True)
class _Found:
    """The former banks that come again, and the contexts of the categories that become the bank of the course."""

    former: list[FormerBank]
    holders: list[Holder]


def categories_as_banks(
    context: BackupContext, substitutes: Substitutes
) -> Generator[Finding, None, list[int]]:
    """Let the question categories of the course be banks, for a Moodle that has questions in banks only.

    Yields findings. Returns the contexts of the categories that the archive has whole, as those of banks that are in it.
    """
    if not context.selection.allows("questionbank") or not registry.type_of_banks():
        return []
    found = _find(context, substitutes)
    section = _first_section(context) if context.archive_type == "course" else None
    if found.holders:
        bank = _bank(context, substitutes, context.course.fullname)
        QuestionMove(
            context.course, bank.contextid, LEVEL_OF_ACTIVITY, bank.pk, found.holders, 0, substitutes
        ).apply()
        if section is not None:
            _add_bank_of_course(context, substitutes, bank, section)
        yield _became_bank(context, added=section is not None)
    for former in found.former:
        bank = _bank(context, substitutes, former.category.bankname or "")
        move_to_bank(substitutes, former, bank)
        if section is not None:
            _add_again(context, substitutes, bank, former.category, section)
    if found.former:
        yield _are_banks_again(found.former)
    if section is None or not (found.holders or found.former):
        return []
    return [context.course.contextid, *(one.contextid for one in found.holders)]


def _find(context: BackupContext, substitutes: Substitutes) -> _Found:
    """Find what becomes banks, the course's own context first; of a part what it uses. Leaves out what becomes none."""
    own = context.course.contextid
    former, holders = former_banks(context.course), _holders_to_move(context)
    if not former or own not in {one.contextid for one in holders}:
        return _Found([], holders)
    rows = QuestionCategory.objects.filter(course=context.course, contextid=own)
    others = set(rows.exclude(parent=0, name="top").values_list("pk", flat=True))
    others.difference_update(*(one.inside for one in former))
    if context.archive_type != "course" or context.selection.is_part:
        used = used_questions(context, {own}).categories
        stays = [one for one in former if not one.inside & used]
        former = [one for one in former if one.inside & used]
        others &= used
        if stays:
            substitutes.leave_out(
                QuestionCategory, f"id = {ids_in(set[int]().union(*(one.inside for one in stays)))}"
            )
            context.has_question_file = QuestionFiles(context.course.pk)
    if not others:
        inside = set[int]().union(*(one.inside for one in former))
        substitutes.leave_out(QuestionCategory, f"contextid = {own} AND NOT id = {ids_in(inside)}")
        holders = [one for one in holders if one.contextid != own]
    return _Found(former, holders)


def _holders_to_move(context: BackupContext) -> list[Holder]:
    """Return the contexts of no activity whose categories come, the course's first; of a part those that it uses."""
    contextid_of_course = context.course.contextid
    found = [one for one in holders_of(context) if one[1] != LEVEL_OF_ACTIVITY]
    if context.archive_type != "course" or context.selection.is_part:
        used = used_contexts(context)
        found = [one for one in found if one[0] in used]
    found.sort(key=lambda one: one[0] != contextid_of_course)
    categories = dict(
        Category.objects.filter(contextid__in=[one[0] for one in found]).values_list("contextid", "name")
    )
    return [
        Holder(contextid, categories.get(contextid, "Site"), contextid == contextid_of_course, top)
        for contextid, _, top, _ in found
    ]


def _first_section(context: BackupContext) -> Section | None:
    """Return the first section that comes along; None if none does."""
    sections = Section.objects.filter(course=context.course).order_by("number")
    return next((one for one in sections if context.selection.includes(f"section_{one.pk}")), None)


def _bank(context: BackupContext, substitutes: Substitutes, name: str) -> Activity:
    """Return a new question bank, hidden, which is not saved and in no section yet."""
    return Activity(
        pk=substitutes.new_id(Activity),
        course=context.course,
        modulename=registry.type_of_banks(),
        version=str(registry.activity_types()[registry.type_of_banks()].activity_type.version),
        instance=substitutes.new_id(model_of_banks()),
        contextid=substitutes.new_id(Context),
        title=name,
        added=context.course.timecreated,
        visible=0,
        visibleold=0,
        visibleoncoursepage=0,
    )


def _add_bank_of_course(
    context: BackupContext, substitutes: Substitutes, bank: Activity, section: Section
) -> None:
    """Add the bank of the course's own questions to a section."""
    others: Any = model_of_banks()._base_manager.filter(owner__course=context.course, type=BY_THE_SITE)
    columns = {
        "name": bank.title,
        "timecreated": context.course.timecreated,
        "timemodified": context.course.timemodified,
        "intro": "",
        "introformat": 1,
        "type": "standard" if others.exists() else BY_THE_SITE,
    }
    _add(context, substitutes, bank, section, columns)


def _add_again(
    context: BackupContext,
    substitutes: Substitutes,
    bank: Activity,
    category: QuestionCategory,
    section: Section,
) -> None:
    """Add a bank again with what its category keeps of it, to its section if that comes along, or else to `section`."""
    kept = {name: getattr(category, f"bank{name}") for name in (*OF_RECORD, *OF_ACTIVITY)}
    for name in OF_ACTIVITY:
        setattr(bank, name, kept.pop(name))
    bank.visible, bank.visibleold = bank.visible or 0, bank.visible or 0
    bank.visibleoncoursepage = bank.visibleoncoursepage or 0
    bank.added = kept["timecreated"] = kept["timecreated"] or 0
    filled = {"timemodified": 0, "introformat": 1, "type": ""}
    columns = {name: filled.get(name) if value is None else value for name, value in kept.items()}
    own = Section.objects.filter(course=context.course, number=category.banksection)
    came = next((one for one in own if context.selection.includes(f"section_{one.pk}")), section)
    _add(context, substitutes, bank, came, columns)


def _add(
    context: BackupContext,
    substitutes: Substitutes,
    bank: Activity,
    section: Section,
    columns: dict[str, Any],
) -> None:
    """Add a bank with the columns of its record to the end of a section, and its settings."""
    bank.section = section
    substitutes.add(bank)
    substitutes.add(model_of_banks()(pk=bank.instance, owner=bank, **columns))
    substitutes.change(
        Section,
        "sequence",
        lambda value: (
            f"CASE WHEN id = {section.pk} THEN concat_ws(',', nullif({value}, ''), '{bank.pk}') ELSE {value} END"
        ),
    )
    own = (
        Setting(
            f"{folder(bank)}_{name}",
            ITEM["activity", name],
            folder(bank),
            name == "included" or context.selection.people,
        )
        for name in ("included", "userinfo")
    )
    context.change_settings(add={one.name: one for one in own})


def _became_bank(context: BackupContext, *, added: bool) -> Finding:
    become = (
        f"become a hidden bank “{context.course.fullname}”"
        if added
        else "are written as those of a bank elsewhere"
    )
    return Finding(
        "info",
        "categories-as-bank",
        f"Moodle 5 has questions in question banks only. The question categories of the course {become}.",
        "questions.xml",
        "Write the archive for Moodle 4.5 (moodle=4.5) to keep them as categories of the course.",
    )


def _are_banks_again(former: list[FormerBank]) -> Finding:
    return Finding(
        "info",
        "banks-again",
        "These categories were question banks in Moodle 5 and are banks again: "
        f"{', '.join(f'“{one.category.bankname}”' for one in former)}.",
        "questions.xml",
    )
