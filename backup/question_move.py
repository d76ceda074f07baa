"""The move of question categories, with all that belongs to their questions, to another context of the archive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, cast

from django.db.models import Model

from backup.context import BackupContext
from backup.expressions import literal
from backup.former_banks import IN_BANK, keep_what_banks_say, where
from backup.question_banks import random_references
from backup.substitutes import Substitutes
from courses import registry
from courses.models import Activity, Course, File
from courses.models.question_extras import QuestionComment, QuestionTag
from courses.models.questions import TOP, QuestionCategory, top_category

LEVEL_OF_COURSE, LEVEL_OF_ACTIVITY = 50, 70
"""Context levels, as in Moodle."""


class Holder(NamedTuple):
    """A context that holds question categories: its id, the name that its top category gets, and the id of that, if any.

    The top category of a holder that is `plain` can be that of the context that its categories go to. `bank` is the question
    bank of the context, if it is that of one.
    """

    contextid: int
    name: str
    plain: bool
    top: int | None
    bank: Activity | None = None


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
            change(QuestionCategory, column, where(of_course, str(value)))
        self._hang()
        for model in (QuestionTag, QuestionComment):
            change(model, "contextid", where(f"contextid {moved}", str(self.to)))
        change(File, "contextid", where(f"{of_course} AND {IN_BANK}", str(self.to)))
        chosen_in = literal(f'("cat":"[0-9]+,)({"|".join(map(str, old))})"')
        replacement = literal(f'\\1{self.to}"')
        for random in random_references():
            change(random, "questionscontextid", where(f"questionscontextid {moved}", str(self.to)))
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
        self.substitutes.change(QuestionCategory, "parent", where(loose, str(top)))
        self.names = {one.top: one.name for one in others if one.top is not None}
        for number, name in self.names.items():
            self.substitutes.change(QuestionCategory, "name", where(f"id = {number}", literal(name)))
        banks = {one.top: one.bank for one in others if one.top is not None and one.bank is not None}
        made = {row.pk: row for row in self._made_for_banks(top, banks)}
        keep_what_banks_say(self.substitutes, banks, made)
        for row in made.values():
            self.substitutes.add(row)

    def _made_for_banks(self, top: int, banks: dict[int, Activity]) -> Iterator[QuestionCategory]:
        """Yield a category for each bank that has no top category; it is above those of the bank. Adds the banks to `banks`."""
        for one in self.holders:
            if one.bank is None or one.plain or one.top is not None:
                continue
            row = top_category(self.course, self.to, self.level, self.instance)
            row.pk, row.name, row.parent = self.substitutes.new_id(QuestionCategory), one.name[:255], top
            row.stamp, row.sortorder = f"bank {one.contextid}", 999
            loose = f"course_id = {self.course.pk} AND parent = 0 AND contextid = {one.contextid}"
            self.substitutes.change(QuestionCategory, "parent", where(loose, str(row.pk)))
            banks[row.pk] = one.bank
            yield row

    def _make_top(self) -> int:
        made = top_category(self.course, self.to, self.level, self.instance)
        made.pk = self.substitutes.new_id(QuestionCategory)
        self.substitutes.add(made)
        return made.pk


def holders_of(context: BackupContext) -> list[tuple[int, int, int | None, Activity | None]]:
    """Return the contexts that hold categories of the course: id, level, id of the top category, and the bank."""
    banks = {one.contextid: one for one in banks_of(context)}
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


def banks_of(context: BackupContext) -> list[Activity]:
    """Return the question banks of the course."""
    return list(
        Activity.objects.filter(course=context.course, modulename=registry.type_of_banks()).order_by("pk")
    )


def model_of_banks() -> type[Model]:
    """Return the content model of question banks."""
    return cast(type[Model], registry.activity_types()[registry.type_of_banks()])
