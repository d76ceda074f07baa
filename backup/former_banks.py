"""Question banks that are categories of the course: what an archive for 4.5 keeps of them, and an archive for 5 takes back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from backup.expressions import literal
from backup.partial_banks import OF_ENTRY, chosen, ids_in, read_filter
from backup.question_banks import random_references
from backup.substitutes import Changed, Substitutes
from courses import registry, structure
from courses.file_areas import is_bank, models_of_area, path_to_course
from courses.models import Activity, Course, File
from courses.models.question_extras import QuestionComment, QuestionTag
from courses.models.questions import FORMER_INTRO, TOP, Question, QuestionCategory

OF_RECORD = ("name", "intro", "introformat", "type", "timecreated", "timemodified")
"""The columns of a bank that the category keeps, which has them as `bankname` and so on."""

OF_ACTIVITY = ("idnumber", "visible", "visibleoncoursepage")
"""The columns of a bank's activity that the category keeps in the same way; `banksection` is the number of its section."""

KEPT = tuple(f"bank{name}" for name in (*OF_RECORD, *OF_ACTIVITY, "section"))

INTRO = ("mod_qbank", "intro")
FORMER = FORMER_INTRO.split("/")[1]

IN_BANK = "((component = 'question' AND filearea NOT LIKE 'response\\_%%') OR component LIKE 'qtype\\_%%')"
"""SQL: whether a file is one of a question, as `courses.file_areas.is_bank` says."""


def where(condition: str, new: str) -> Changed:
    """Return the change of a column to the SQL expression `new` where a condition holds on the row of the table."""
    return lambda value: f"CASE WHEN {condition} THEN {new} ELSE {value} END"


def keep_what_banks_say(
    substitutes: Substitutes, banks: dict[int, Activity], made: dict[int, QuestionCategory]
) -> None:
    """Let categories keep what was said of the banks that they were, by the ids of the categories.

    Those of `made` are rows that the table lacks.
    """
    model = registry.activity_types()[registry.type_of_banks()]
    records = {one.owner_id: one for one in model._base_manager.filter(owner__in=banks.values())}
    fields = {one.name: one for one in QuestionCategory._meta.concrete_fields}
    for number, bank in banks.items():
        kept: dict[str, Any] = {f"bank{name}": getattr(records[bank.pk], name) for name in OF_RECORD}
        kept |= {f"bank{name}": getattr(bank, name) for name in OF_ACTIVITY}
        kept["banksection"] = bank.section.number
        for column, value in kept.items():
            if number in made:
                setattr(made[number], column, value)
            elif value is not None:
                text = f"{literal(str(value))}::{fields[column].db_type(connection)}"
                substitutes.change(QuestionCategory, column, where(f"id = {number}", text))
        component, area = INTRO
        own = f"contextid = {bank.contextid} AND component = '{component}' AND filearea = '{area}'"
        for column, new in (
            ("contextid", str(bank.course.contextid)),
            ("filearea", f"'{FORMER}'"),
            ("itemid", str(number)),
        ):
            substitutes.change(File, column, where(own, new))


@dataclass(frozen=True, slots=True)
class FormerBank:
    """A category that was a bank, and the ids of the categories of the bank: it, which becomes the top, and those below."""

    category: QuestionCategory
    inside: frozenset[int] = field(default_factory=frozenset)


def former_banks(course: Course) -> list[FormerBank]:
    """Return the categories of a course that were banks. One below another is in the bank that it was itself."""
    rows = QuestionCategory.objects.filter(course=course, contextid=course.contextid)
    tops = {one.pk: one for one in rows.filter(bankname__isnull=False).order_by("pk")}
    if not tops:
        return []
    parents = dict(rows.values_list("pk", "parent"))
    inside: dict[int, set[int]] = {number: set() for number in tops}
    for number in parents:
        above, seen = number, set[int]()
        while above in parents and above not in tops and above not in seen:
            seen.add(above)
            above = parents[above]
        if above in tops:
            inside[above].add(number)
    return [FormerBank(top, frozenset(inside[number])) for number, top in tops.items()]


def move_to_bank(substitutes: Substitutes, former: FormerBank, bank: Activity) -> None:
    """Let the categories of a former bank, and what belongs to their questions, be those of a bank, which is an activity."""
    course, top, change = former.category.course, former.category.pk, substitutes.change
    inside, contextid = f"id = {ids_in(former.inside)}", str(bank.contextid)
    for column, new in (
        ("contextid", contextid),
        ("contextlevel", "70"),
        ("contextinstanceid", str(bank.pk)),
    ):
        change(QuestionCategory, column, where(inside, new))
    for column, new in (("name", f"'{TOP}'"), ("parent", "0"), *((one, "NULL") for one in KEPT)):
        change(QuestionCategory, column, where(f"id = {top}", new))
    questions = _ids_of(Question, former)
    for model in (QuestionTag, QuestionComment):
        change(model, "contextid", where(f"question_id IN ({questions})", contextid))
    of_course = f"course_id = {course.pk} AND contextid = {course.contextid}"
    change(File, "contextid", where(f"{of_course} AND ({_of_questions(former)})", contextid))
    own = f"{of_course} AND component = '{INTRO[0]}' AND filearea = '{FORMER}' AND itemid = {top}"
    for column, new in (("contextid", contextid), ("filearea", f"'{INTRO[1]}'"), ("itemid", "0")):
        change(File, column, where(own, new))
    _move_random(substitutes, former, bank)


def _move_random(substitutes: Substitutes, former: FormerBank, bank: Activity) -> None:
    """Let random questions be drawn from the bank that are drawn from its first category here, or one in it."""
    old, contextid = former.category.course.contextid, str(bank.contextid)
    for model in random_references():
        rows = chosen(model, questionscontextid=old)
        drawn = [
            number
            for number, text in rows.values_list("pk", "filtercondition")
            if former.inside.intersection(read_filter(text or "").categories or ())
        ]
        these = f"id = {ids_in(drawn)}"
        substitutes.change(model, "questionscontextid", where(these, contextid))
        pattern, replacement = literal(f'("cat":"[0-9]+,){old}"'), literal(f'\\1{contextid}"')
        again = f"regexp_replace(filtercondition, {pattern}, {replacement})"
        substitutes.change(model, "filtercondition", where(these, again))


def _of_questions(former: FormerBank) -> str:
    """Return the SQL of whether a file belongs to a question of a former bank.

    The item of an area that no model declares is the question, as plugins have it.
    """
    declared = [one for one in structure.item_types("files") if is_bank(*one)]
    by_model: defaultdict[structure.Model, list[tuple[str, str]]] = defaultdict(list)
    for one in declared:
        for model in models_of_area(*one):
            if path_to_course(model).endswith(OF_ENTRY):
                by_model[model].append(one)
    parts = [
        f"{_in_areas(areas)} AND itemid IN ({_ids_of(model, former)})" for model, areas in by_model.items()
    ]
    parts.append(f"{IN_BANK} AND NOT {_in_areas(declared)} AND itemid IN ({_ids_of(Question, former)})")
    return " OR ".join(parts)


def _in_areas(areas: Iterable[tuple[str, str]]) -> str:
    shown = ", ".join(f"({literal(component)}, {literal(area)})" for component, area in areas)
    return f"(component, filearea) IN ({shown})"


def _ids_of(model: structure.Model, former: FormerBank) -> str:
    """Return the query of the ids of a model's records in the questions of a former bank."""
    way = f"{path_to_course(model).removesuffix('__course')}__in"
    rows = model._base_manager.filter(**{way: sorted(former.inside)}).order_by().values("pk")
    sql, numbers = rows.query.sql_with_params()
    return str(sql % numbers)
