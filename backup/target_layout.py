"""The step of a backup that decides the layout of what is written, by the Moodle that it is written for.

Moodle 4.5 has question categories of the course, 5.x question banks, which are activities. For 4.5 each bank becomes a category
below the course's top category; a bank that the site made, not a person, has the course's own questions. For 5.x the categories
of the course become one bank, hidden and named after the course. Nothing else of a question changes: not its ids, nor what
refers to it. What is read otherwise is in `backup/substitutes.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from archive.errors import UsageError
from archive.findings import Finding
from backup.content import folder
from backup.context import BackupContext
from backup.expressions import literal
from backup.former_banks import where
from backup.long_names import chosen_rows, shorten_names
from backup.markers import leave_out_named_markers
from backup.moodle_version import AS_IS
from backup.new_banks import categories_as_banks
from backup.partial_banks import leave_out_unused
from backup.question_banks import used_contexts
from backup.question_move import LEVEL_OF_COURSE, Holder, QuestionMove, banks_of, holders_of, model_of_banks
from backup.substitutes import Changed, Substitutes
from courses import cursors, registry, structure
from courses.models import Activity, Section
from courses.models.questions import BY_THE_SITE, QuestionCategory
from jobs.plan import StepEvent


def _without(numbers: Collection[int]) -> Changed:
    """Return the change of a list of ids, as text, to one without some."""

    def changed(value: str) -> str:
        listed = f"string_to_array({value}, ',')"
        for number in numbers:
            listed = f"array_remove({listed}, '{number}')"
        return f"array_to_string({listed}, ',')"

    return changed


def choose_layout(context: BackupContext) -> Iterator[StepEvent]:
    """Decide what is written otherwise than it is here; from then on the transaction only reads. Yields findings."""
    substitutes = Substitutes()
    leave_out_named_markers(context, substitutes)
    if context.selection.settings.text("moodle") != AS_IS:
        if context.version.has_banks:
            added = yield from categories_as_banks(context, substitutes)
            leave_out_unused(context, substitutes, whole=added)
        else:
            banks, names = banks_of(context), dict[int, str]()
            if banks:
                coming, names = _banks_as_categories(context, substitutes, banks)
                yield from _became_categories(coming)
            yield from _older_values(context, substitutes)
            yield from shorten_names(context, substitutes, names)
    elif not context.version.has_banks and not _stays_here(context):
        yield from shorten_names(context, substitutes, {})
    substitutes.make()
    cursors.only_read()
    yield 0


def _stays_here(context: BackupContext) -> bool:
    """Whether the archive is for this site only, as that of a copy is."""
    return context.selection.settings["moodle"].lock == "mode"


def _banks_as_categories(
    context: BackupContext, substitutes: Substitutes, banks: list[Activity]
) -> tuple[list[Activity], dict[int, str]]:
    """Let the question banks of the course be categories of the course, for a Moodle that has no banks.

    Returns the banks that come, and by their ids the names that categories get.
    """
    if context.archive_type == "activity" and context.item in {one.pk for one in banks}:
        raise UsageError(
            "Moodle 4.5 has no question banks, so one alone cannot be written for it.",
            hint="Write it for Moodle 5.3 (moodle=5.3), or back up the course or an activity that uses it.",
        )
    used, course = used_contexts(context), context.course
    coming = [one for one in banks if context.selection.includes(folder(one)) or one.contextid in used]
    names = _move_to_course(context, substitutes, coming) if coming else {}
    behind = ",".join(str(one.contextid) for one in banks if one not in coming)
    substitutes.leave_out(
        QuestionCategory, f"course_id = {course.pk} AND contextid = ANY('{{{behind}}}'::bigint[])"
    )
    substitutes.leave_out(
        Activity, f"course_id = {course.pk} AND modulename = {literal(registry.type_of_banks())}"
    )
    substitutes.change(Section, "sequence", _without([one.pk for one in banks]))
    context.change_settings(leave_out={folder(one) for one in banks})
    return coming, names


def _move_to_course(
    context: BackupContext, substitutes: Substitutes, banks: list[Activity]
) -> dict[int, str]:
    """Move the categories of question banks to the course; return by their ids the names that categories get."""
    types = dict(model_of_banks()._default_manager.filter(owner__in=banks).values_list("owner_id", "type"))
    tops = {contextid: top for contextid, _, top, _ in holders_of(context)}
    course = context.course
    holders = [
        Holder(one.contextid, one.title, types.get(one.pk) == BY_THE_SITE, tops.get(one.contextid), one)
        for one in banks
    ]
    top = tops.get(course.contextid) or 0
    move = QuestionMove(course, course.contextid, LEVEL_OF_COURSE, course.pk, holders, top, substitutes)
    move.apply()
    context.contexts.update({one.contextid: course.contextid for one in banks})
    return move.names


def _became_categories(banks: list[Activity]) -> Iterator[Finding]:
    """Yield the finding about question banks that become categories, if there are any."""
    if banks:
        yield Finding(
            "info",
            "banks-as-categories",
            f"Moodle 4.5 has no question banks. These become categories of the course: "
            f"{', '.join(f'“{one.title}”' for one in banks)}."
            " Their names, descriptions, dates and visibility stand where that Moodle passes over them; here an archive for"
            " Moodle 5 makes banks of them again. Their conditions, completion, tags and roles are not in the archive, and of a"
            " bank that the site made only the questions.",
            "questions.xml",
            "Write the archive for Moodle 5.3 (moodle=5.3) to keep all of the banks.",
        )


def _older_values(context: BackupContext, substitutes: Substitutes) -> Iterator[Finding]:
    """Let records have the values that Moodle 4.5 knows in place of newer ones; those without such a value are left out."""
    if not context.selection.people:
        return
    for model in structure.archived_models():
        for column, values in model.archive_meta.newer_values.items():
            rows = chosen_rows(context, model).filter(**{f"{column}__in": list(values)})
            found = Counter(rows.values_list(column, flat=True))
            for value, older in values.items():
                if value not in found:
                    continue
                if older is None:
                    substitutes.leave_out(model, f"{column} = {literal(value)}")
                else:
                    substitutes.change(model, column, where(f"{column} = {literal(value)}", literal(older)))
                yield _newer(structure.item_type_of(model), column, value, older, found[value])


def _newer(item_type: str, column: str, value: str, older: str | None, count: int) -> Finding:
    done = f"is written as {older}" if older else "is left out"
    return Finding(
        "info",
        "newer-value",
        f"Moodle 4.5 does not know the {column} “{value}” of {count} {item_type.replace('_', ' ')} records: each {done}.",
        item_type,
        "Write the archive for Moodle 5.3 (moodle=5.3) to keep it.",
    )
