"""The step of a backup that decides the layout of what is written, by the Moodle that it is written for.

Moodle 4.5 has question categories of the course, 5.x question banks, which are activities. For 4.5 each bank becomes a category
below the course's top category; a bank that the site made, not a person, has the course's own questions. For 5.x the categories
of the course become one bank, hidden and named after the course. Nothing else of a question changes: not its ids, nor what
refers to it. What is read otherwise is in `backup/substitutes.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, cast

from django.db.models import Model

from archive.errors import UsageError
from archive.findings import Finding
from backup.content import folder
from backup.context import BackupContext
from backup.expressions import literal
from backup.long_names import shorten_names
from backup.markers import leave_out_named_markers
from backup.moodle_version import AS_IS
from backup.question_banks import used_contexts
from backup.substitutes import Substitutes
from courses import bulk, registry, structure
from courses.file_areas import path_to_course
from courses.models import Activity, Category, Context, Course, File, Section
from courses.models.question_extras import QuestionComment, QuestionTag
from courses.models.questions import TOP, QuestionCategory
from jobs.plan import StepEvent
from selection.settings import Setting
from selection.table import ITEM

OF_COURSE, OF_ACTIVITY = 50, 70
"""Context levels, as in Moodle."""

BY_THE_SITE = "system"
"""The `type` of a question bank that Moodle or a restore made, not a person."""

IN_BANK = "((component = 'question' AND filearea NOT LIKE 'response\\_%%') OR component LIKE 'qtype\\_%%')"
"""SQL: whether a file is one of a question, as `courses.file_areas.is_bank` says."""

WITHOUT = (
    "CASE WHEN {value} IS NULL THEN NULL ELSE array_to_string(ARRAY(SELECT one FROM unnest(string_to_array({value}, ','))"
    " WITH ORDINALITY AS listed (one, position) WHERE one <> ALL(ARRAY[%s]) ORDER BY position), ',') END"
)
"""SQL: a list of ids, as text, without some."""


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

    def apply(self) -> None:
        """Let categories, tags, comments, files and random questions have their new context."""
        old = [one.contextid for one in self.holders]
        moved = f"= ANY(ARRAY[{','.join(map(str, old))}]::bigint[])"
        new = f"CASE WHEN {{value}} {moved} THEN {self.to} ELSE {{value}} END"
        change, of_course = self.substitutes.change, f"course_id = {self.course.pk} AND contextid {moved}"
        for column, value in (
            ("contextid", self.to),
            ("contextlevel", self.level),
            ("contextinstanceid", self.instance),
        ):
            change(QuestionCategory, column, f"CASE WHEN {of_course} THEN {value} ELSE {{value}} END")
        self._hang()
        for model in (QuestionTag, QuestionComment):
            change(model, "contextid", new)
        change(File, "contextid", f"CASE WHEN {of_course} AND {IN_BANK} THEN {self.to} ELSE {{value}} END")
        chosen_in = literal(f'("cat":"[0-9]+,)({"|".join(map(str, old))})"')
        for random in random_references():
            change(random, "questionscontextid", new)
            replaced = (
                f"regexp_replace({{value}}, {chosen_in}, {literal(chr(92) + '1' + str(self.to) + chr(34))})"
            )
            change(
                random,
                "filtercondition",
                f"CASE WHEN questionscontextid {moved} THEN {replaced} ELSE {{value}} END",
            )

    def _hang(self) -> None:
        """Hang the categories without a parent below one top category; those that were tops get the names of their holders."""
        tops = [one for one in self.holders if one.top is not None]
        first = next((one for one in tops if one.plain and not self.top), None)
        top = self.top or (first.top if first else None) or self._make_top()
        others = [one for one in tops if one is not first]
        old = ",".join(str(one.contextid) for one in self.holders)
        loose = f"course_id = {self.course.pk} AND parent = 0 AND id <> {top} AND contextid = ANY(ARRAY[{old}]::bigint[])"
        self.substitutes.change(
            QuestionCategory, "parent", f"CASE WHEN {loose} THEN {top} ELSE {{value}} END"
        )
        for one in others:
            named = f"CASE WHEN id = {one.top} THEN {literal(one.name)} ELSE {{value}} END"
            self.substitutes.change(QuestionCategory, "name", named)

    def _make_top(self) -> int:
        made = QuestionCategory(
            pk=unused_id(QuestionCategory),
            course=self.course,
            name=TOP,
            contextid=self.to,
            contextlevel=self.level,
            contextinstanceid=self.instance,
            stamp=f"top {self.to}",
            sortorder=0,
        )
        self.substitutes.add(made)
        return made.pk


def choose_layout(context: BackupContext) -> Iterator[StepEvent]:
    """Decide what is written otherwise than it is here; from then on the transaction only reads. Yields findings."""
    substitutes = Substitutes()
    leave_out_named_markers(context, substitutes)
    if context.selection.settings.text("moodle") != AS_IS:
        if context.version.has_banks:
            yield from _categories_as_bank(context, substitutes)
        else:
            yield from _banks_as_categories(context, substitutes)
            yield from _older_values(context, substitutes)
            yield from shorten_names(context, substitutes)
    substitutes.make()
    bulk.only_read()
    yield 0


def random_references() -> list[type[Model]]:
    """Return the models of random questions: those that name the context of a question bank."""
    return [
        model
        for model in structure.archived_models()
        if {"questionscontextid", "filtercondition"} <= {one.name for one in model._meta.concrete_fields}
    ]


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


def _banks_as_categories(context: BackupContext, substitutes: Substitutes) -> Iterator[Finding]:
    """Let the question banks of the course be categories of the course, for a Moodle that has no banks."""
    banks = _banks(context)
    if not banks:
        return
    names = {folder(one) for one in banks}
    if context.archive_type == "activity" and context.item in {one.pk for one in banks}:
        raise UsageError(
            "Moodle 4.5 has no question banks, so one alone cannot be written for it.",
            hint="Write it for Moodle 5.3 (moodle=5.3), or back up the course or an activity that uses it.",
        )
    used = used_contexts(context)
    coming = [one for one in banks if context.selection.includes(folder(one)) or one.contextid in used]
    types = dict(_model_of_banks()._default_manager.filter(owner__in=banks).values_list("owner_id", "type"))
    tops = {contextid: top for contextid, _, top, _ in _holders(context)}
    course = context.course
    if coming:
        holders = [
            Holder(one.contextid, one.title, types.get(one.pk) == BY_THE_SITE, tops.get(one.contextid))
            for one in coming
        ]
        QuestionMove(
            course,
            course.contextid,
            OF_COURSE,
            course.pk,
            holders,
            tops.get(course.contextid) or 0,
            substitutes,
        ).apply()
        context.contexts.update({one.contextid: course.contextid for one in coming})
    substitutes.leave_out(
        Activity, f"course_id = {course.pk} AND modulename = {literal(registry.type_of_banks())}"
    )
    listed = ",".join(literal(str(one.pk)) for one in banks)
    substitutes.change(Section, "sequence", WITHOUT % listed)
    context.change_settings(leave_out=names)
    if coming:
        yield Finding(
            "info",
            "banks-as-categories",
            f"Moodle 4.5 has no question banks. These become categories of the course: "
            f"{', '.join(f'“{one.title}”' for one in coming)}. Their descriptions and settings are not in the archive.",
            "questions.xml",
            "Write the archive for Moodle 5.3 (moodle=5.3) to keep the banks.",
        )


def _categories_as_bank(context: BackupContext, substitutes: Substitutes) -> Iterator[Finding]:
    """Let the question categories of the course be a bank, for a Moodle that has questions in banks only."""
    if not context.selection.allows("questionbank") or not registry.type_of_banks():
        return
    course = context.course
    found = [one for one in _holders(context) if one[1] != OF_ACTIVITY]
    if not found:
        return
    found.sort(key=lambda one: one[0] != course.contextid)
    categories = dict(
        Category.objects.filter(contextid__in=[one[0] for one in found]).values_list("contextid", "name")
    )
    holders = [
        Holder(contextid, categories.get(contextid, "Site"), contextid == course.contextid, top)
        for contextid, _, top, _ in found
    ]
    bank = Activity(
        pk=unused_id(Activity),
        course=course,
        modulename=registry.type_of_banks(),
        version=str(context.version.number),
        instance=unused_id(_model_of_banks()),
        contextid=unused_id(Context),
        title=course.fullname,
        added=course.timecreated,
        visible=0,
        visibleold=0,
        visibleoncoursepage=0,
    )
    QuestionMove(course, bank.contextid, OF_ACTIVITY, bank.pk, holders, 0, substitutes).apply()
    if context.archive_type == "course":
        _add_bank(context, substitutes, bank)
    yield Finding(
        "info",
        "categories-as-bank",
        "Moodle 5 has questions in question banks only. The question categories of the course become a hidden bank"
        f" “{course.fullname}”.",
        "questions.xml",
        "Write the archive for Moodle 4.5 (moodle=4.5) to keep them as categories of the course.",
    )


def _add_bank(context: BackupContext, substitutes: Substitutes, bank: Activity) -> None:
    """Add a bank to the first section that comes along."""
    sections = Section.objects.filter(course=context.course).order_by("number")
    section = next((one for one in sections if context.selection.includes(f"section_{one.pk}")), None)
    if section is None:
        return
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
    listed = f"concat_ws(',', nullif({{value}}, ''), {literal(str(bank.pk))})"
    substitutes.change(Section, "sequence", f"CASE WHEN id = {section.pk} THEN {listed} ELSE {{value}} END")
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


def _model_of_banks() -> type[Model]:
    return cast(type[Model], registry.activity_types()[registry.type_of_banks()])


def _older_values(context: BackupContext, substitutes: Substitutes) -> Iterator[Finding]:
    """Let records have the values that Moodle 4.5 knows in place of newer ones; those without such a value are left out."""
    if not context.selection.people:
        return
    for model in structure.archived_models():
        for column, values in model.archive_meta.newer_values.items():
            rows = model._base_manager.filter(
                **{path_to_course(model): context.course, f"{column}__in": list(values)}
            )
            found = Counter(rows.values_list(column, flat=True))
            for value, older in values.items():
                if value not in found:
                    continue
                if older is None:
                    substitutes.leave_out(model, f"{column} = {literal(value)}")
                else:
                    changed = (
                        f"CASE WHEN {{value}} = {literal(value)} THEN {literal(older)} ELSE {{value}} END"
                    )
                    substitutes.change(model, column, changed)
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
