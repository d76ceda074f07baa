"""The step of a backup that decides the layout of what is written, by the Moodle that it is written for.

Moodle 4.5 has question categories of the course, 5.x question banks, which are activities. For 4.5 each bank becomes a category
below the course's top category; a bank that the site made, not a person, has the course's own questions. For 5.x the categories
of the course become one bank, hidden and named after the course. Nothing else of a question changes: not its ids, nor what
refers to it. What is read otherwise is in `backup/substitutes.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Generator, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, cast

from django.db.models import Model

from archive.errors import UsageError
from archive.findings import Finding
from backup.content import folder
from backup.context import BackupContext
from backup.expressions import literal
from backup.long_names import chosen_rows, shorten_names
from backup.markers import leave_out_named_markers
from backup.moodle_version import AS_IS
from backup.partial_banks import leave_out_unused
from backup.question_banks import random_references, used_contexts
from backup.substitutes import Changed, Substitutes
from courses import bulk, registry, structure
from courses.models import Activity, Category, Context, Course, File, Section
from courses.models.question_extras import QuestionComment, QuestionTag
from courses.models.questions import BY_THE_SITE, TOP, QuestionCategory, top_category
from jobs.plan import StepEvent
from selection.settings import Setting
from selection.table import ITEM

OF_COURSE, OF_ACTIVITY = 50, 70
"""Context levels, as in Moodle."""

IN_BANK = "((component = 'question' AND filearea NOT LIKE 'response\\_%%') OR component LIKE 'qtype\\_%%')"
"""SQL: whether a file is one of a question, as `courses.file_areas.is_bank` says."""


class Holder(NamedTuple):
    """A context that holds question categories: its id, the name that its top category gets, and the id of that, if any.

    The top category of a holder that is `plain` can be that of the context that its categories go to.
    """

    contextid: int
    name: str
    plain: bool
    top: int | None


@dataclass
class QuestionMove:
    """The move of the categories of some contexts to the context `to` of a level, which `instance` has.

    `top` is the top category there; 0 if the first plain holder brings one, or else one is made.
    """

    course: Course
    to: int
    level: int
    instance: int
    holders: list[Holder]
    top: int = 0
    substitutes: Substitutes = field(default_factory=Substitutes)
    names: dict[int, str] = field(default_factory=dict)
    """The names that former top categories get, by their ids; after `apply`."""

    def apply(self) -> None:
        """Let categories, tags, comments, files and random questions have their new context."""
        old = [one.contextid for one in self.holders]
        moved = f"= ANY(ARRAY[{','.join(map(str, old))}]::bigint[])"
        change, of_course = self.substitutes.change, f"course_id = {self.course.pk} AND contextid {moved}"
        here: tuple[tuple[str, int], ...] = (
            ("contextid", self.to),
            ("contextlevel", self.level),
            ("contextinstanceid", self.instance),
        )
        for column, value in here:
            change(QuestionCategory, column, _where(of_course, str(value)))
        self._hang()
        for model in (QuestionTag, QuestionComment):
            change(model, "contextid", _where(f"contextid {moved}", str(self.to)))
        change(File, "contextid", _where(f"{of_course} AND {IN_BANK}", str(self.to)))
        chosen_in = literal(f'("cat":"[0-9]+,)({"|".join(map(str, old))})"')
        replacement = literal(f'\\1{self.to}"')
        for random in random_references():
            change(random, "questionscontextid", _where(f"questionscontextid {moved}", str(self.to)))
            change(
                random,
                "filtercondition",
                lambda value: (
                    f"CASE WHEN questionscontextid {moved}"
                    f" THEN regexp_replace({value}, {chosen_in}, {replacement}) ELSE {value} END"
                ),
            )

    def _hang(self) -> None:
        """Hang the categories without a parent below one top category; those that were tops get the names of their holders."""
        tops = [one for one in self.holders if one.top is not None]
        first = next((one for one in tops if one.plain and not self.top), None)
        top = self.top or (first.top if first else None) or self._make_top()
        others = [one for one in tops if one is not first]
        old = ",".join(str(one.contextid) for one in self.holders)
        loose = f"course_id = {self.course.pk} AND parent = 0 AND id <> {top} AND contextid = ANY(ARRAY[{old}]::bigint[])"
        self.substitutes.change(QuestionCategory, "parent", _where(loose, str(top)))
        self.names = {one.top: one.name for one in others if one.top is not None}
        for number, name in self.names.items():
            self.substitutes.change(QuestionCategory, "name", _where(f"id = {number}", literal(name)))

    def _make_top(self) -> int:
        made = top_category(self.course, self.to, self.level, self.instance)
        made.pk = unused_id(QuestionCategory)
        self.substitutes.add(made)
        return made.pk


def _where(condition: str, new: str) -> Changed:
    """Return the change of a column to the SQL expression `new` where a condition holds on the row of the table."""
    return lambda value: f"CASE WHEN {condition} THEN {new} ELSE {value} END"


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
            added = yield from _categories_as_bank(context, substitutes)
            leave_out_unused(context, substitutes, whole=added)
        else:
            banks, names = _banks(context), dict[int, str]()
            if banks:
                coming, names = _banks_as_categories(context, substitutes, banks)
                yield from _became_categories(coming)
            yield from _older_values(context, substitutes)
            yield from shorten_names(context, substitutes, names)
    elif not context.version.has_banks and not _stays_here(context):
        yield from shorten_names(context, substitutes, {})
    substitutes.make()
    bulk.only_read()
    yield 0


def _stays_here(context: BackupContext) -> bool:
    """Whether the archive is for this site only, as that of a copy is."""
    return context.selection.settings["moodle"].lock == "mode"


def unused_id(model: type[Model], *, least: int = 2) -> int:
    """Return the lowest id from `least` on that no row has; the same in every backup, as sequences begin far above it."""
    number = least
    while model._default_manager.filter(pk=number).exists():
        number += 1
    return number


def _holders(context: BackupContext) -> list[tuple[int, int, int | None, Activity | None]]:
    """Return the contexts that hold categories of the course: id, level, id of the top category, and the bank."""
    banks = {one.contextid: one for one in _banks(context)}
    rows = QuestionCategory.objects.filter(course=context.course).order_by("contextid", "pk")
    found: dict[int, tuple[int, int, int | None, Activity | None]] = {}
    for contextid, level, parent, name, number in rows.filter(parent=0).values_list(
        "contextid", "contextlevel", "parent", "name", "pk"
    ):
        known = found.get(contextid, (contextid, level, None, banks.get(contextid)))
        if known[2] is None and parent == 0 and name == TOP:
            known = (*known[:2], number, known[3])
        found[contextid] = known
    return list(found.values())


def _banks(context: BackupContext) -> list[Activity]:
    return list(
        Activity.objects.filter(course=context.course, modulename=registry.type_of_banks()).order_by("pk")
    )


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
    types = dict(_model_of_banks()._default_manager.filter(owner__in=banks).values_list("owner_id", "type"))
    tops = {contextid: top for contextid, _, top, _ in _holders(context)}
    course = context.course
    holders = [
        Holder(one.contextid, one.title, types.get(one.pk) == BY_THE_SITE, tops.get(one.contextid))
        for one in banks
    ]
    top = tops.get(course.contextid) or 0
    move = QuestionMove(course, course.contextid, OF_COURSE, course.pk, holders, top, substitutes)
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
            f"{', '.join(f'“{one.title}”' for one in banks)}. Their descriptions and settings are not in the archive.",
            "questions.xml",
            "Write the archive for Moodle 5.3 (moodle=5.3) to keep the banks.",
        )


def _categories_as_bank(
    context: BackupContext, substitutes: Substitutes
) -> Generator[Finding, None, list[int]]:
    """Let the question categories of the course be a bank, for a Moodle that has questions in banks only.

    Returns the contexts of the categories that the archive has whole, as those of a bank that is in it.
    """
    if not context.selection.allows("questionbank") or not registry.type_of_banks():
        return []
    course, holders = context.course, _holders_to_move(context)
    if not holders:
        return []
    bank = Activity(
        pk=unused_id(Activity),
        course=course,
        modulename=registry.type_of_banks(),
        version=str(registry.activity_types()[registry.type_of_banks()].activity_type.version),
        instance=unused_id(_model_of_banks()),
        contextid=unused_id(Context),
        title=course.fullname,
        added=course.timecreated,
        visible=0,
        visibleold=0,
        visibleoncoursepage=0,
    )
    QuestionMove(course, bank.contextid, OF_ACTIVITY, bank.pk, holders, 0, substitutes).apply()
    added = context.archive_type == "course" and _add_bank(context, substitutes, bank)
    become = (
        f"become a hidden bank “{course.fullname}”" if added else "are written as those of a bank elsewhere"
    )
    yield Finding(
        "info",
        "categories-as-bank",
        f"Moodle 5 has questions in question banks only. The question categories of the course {become}.",
        "questions.xml",
        "Write the archive for Moodle 4.5 (moodle=4.5) to keep them as categories of the course.",
    )
    return [one.contextid for one in holders] if added else []


def _holders_to_move(context: BackupContext) -> list[Holder]:
    """Return the contexts of no activity whose categories come, the course's first; of a part those that it uses."""
    contextid_of_course = context.course.contextid
    found = [one for one in _holders(context) if one[1] != OF_ACTIVITY]
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


def _add_bank(context: BackupContext, substitutes: Substitutes, bank: Activity) -> bool:
    """Add a bank to the first section that comes along; return False if none does."""
    sections = Section.objects.filter(course=context.course).order_by("number")
    section = next((one for one in sections if context.selection.includes(f"section_{one.pk}")), None)
    if section is None:
        return False
    bank.section = section
    substitutes.add(bank)
    others = _model_of_banks()._default_manager.filter(owner__course=context.course, type=BY_THE_SITE)
    substitutes.add(
        _model_of_banks()(
            pk=bank.instance,
            owner=bank,
            name=bank.title,
            timecreated=context.course.timecreated,
            timemodified=context.course.timemodified,
            intro="",
            introformat=1,
            type="standard" if others.exists() else BY_THE_SITE,
        )
    )
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
    return True


def _model_of_banks() -> type[Model]:
    return cast(type[Model], registry.activity_types()[registry.type_of_banks()])


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
                    substitutes.change(model, column, _where(f"{column} = {literal(value)}", literal(older)))
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
