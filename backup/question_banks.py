"""The step of a backup that finds the question categories to export.

An activity brings all categories of each context from which it uses questions, and of its own: as Moodle does, since a
category without those above and below it is not the same. A whole course brings all of its own but those of activities that
stay behind.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import connection

from backup.content import folder
from backup.context import BackupContext
from courses import registry, structure
from courses.models import Activity
from jobs.plan import StepEvent
from selection.selection import COURSE_OWNER

CATEGORY = "question_category"
ENTRY = "courses_questionbankentry e JOIN courses_questioncategory c ON c.id = e.category_id AND c.course_id = %(course)s"
USED = f"""
WITH used(user_context, bank_context) AS (
    SELECT own, own FROM unnest(%(contexts)s::bigint[]) AS own
  UNION
    SELECT r.usingcontextid, c.contextid FROM courses_questionreference r JOIN {ENTRY} ON e.id = r.questionbankentryid
    WHERE r.usingcontextid = ANY(%(contexts)s)
  UNION
    SELECT r.usingcontextid, r.questionscontextid FROM courses_questionsetreference r
    WHERE r.usingcontextid = ANY(%(contexts)s)
  UNION
    {{mentioned}}
)
SELECT used.user_context, c.id FROM used
JOIN courses_questioncategory c ON c.contextid = used.bank_context AND c.course_id = %(course)s
"""
"""SQL: each activity that uses categories, by its context, with the ids of the categories."""

USED_ENTRIES = """
    SELECT r.questionbankentryid FROM courses_questionreference r WHERE r.usingcontextid = ANY(%(contexts)s)
  UNION
    SELECT mentioned.entry FROM ({mentioned}) AS mentioned (contextid, entry)
"""
"""SQL: the entries that activities name or have attempts at; not those that random questions are drawn from."""

MENTIONED = f"""
    SELECT m.contextid, {{found}} FROM {{source}}
    JOIN courses_activity m ON m.id = t0.owner_id
    JOIN courses_question question ON question.id = {{row}}."{{column}}"
    JOIN courses_questionversion v ON v.id = question.version_id
    JOIN {ENTRY} ON e.id = v.entry_id
    WHERE m.contextid = ANY(%({{contexts}})s)
"""
"""SQL: the contexts of the categories whose questions are referenced by records of one activity type."""


def used_categories() -> str:
    """Return the SQL of the pairs (context of an activity, id of a category that it uses).

    Its parameters are `course`, and the contexts of all activities (`contexts`) and of those `with_userdata`. Records of
    userdata count in the activities of `with_userdata`, all others in those of `contexts`.
    """
    return USED.format(mentioned=_mentioned("c.contextid"))


def _mentioned(found: str) -> str:
    """Return the SQL of the questions in records of activities: the activity's context, and the expression `found`."""
    mentioned = []
    for modulename, model in registry.activity_types().items():
        if not registry.uses_questions(modulename):
            continue
        for chain in structure.chains(structure.element(model)):
            userdata = any(element.model.archive_meta.userdata for element in chain)
            mentioned += [
                MENTIONED.format(
                    found=found,
                    source=structure.source(chain),
                    row=f"t{len(chain) - 1}",
                    column=field.column,
                    contexts="with_userdata" if userdata else "contexts",
                )
                for field in chain[-1].references()
                if field.refers == "question"
            ]
    return " UNION ".join(mentioned or ["SELECT NULL::bigint, NULL::bigint"])


def random_references() -> list[structure.Model]:
    """Return the models of random questions: those that name the context of a question bank."""
    return [
        model
        for model in structure.archived_models()
        if {"questionscontextid", "filtercondition"} <= {one.name for one in model._meta.concrete_fields}
    ]


def used_contexts(context: BackupContext) -> set[int]:
    """Return the contexts of the categories that the chosen activities use."""
    with connection.cursor() as cursor:
        cursor.execute(used_categories(), chosen_users(context))
        used = [category for _, category in cursor.fetchall()]
        cursor.execute("SELECT DISTINCT contextid FROM courses_questioncategory WHERE id = ANY(%s)", [used])
        return {contextid for (contextid,) in cursor.fetchall()}


def used_entries(context: BackupContext) -> set[int]:
    """Return the ids of the entries that the chosen activities name or have attempts at."""
    with connection.cursor() as cursor:
        cursor.execute(USED_ENTRIES.format(mentioned=_mentioned("e.id")), chosen_users(context))
        return {number for (number,) in cursor.fetchall() if number}


def chosen_users(context: BackupContext) -> dict[str, Any]:
    """Return the parameters of `used_categories`: the contexts of the chosen activities."""
    chosen = Activity.objects.filter(course=context.course).order_by("pk")
    activities = [one for one in chosen if context.selection.includes(folder(one))]
    with_userdata = [one.contextid for one in activities if context.selection.with_userdata(folder(one))]
    return {
        "contexts": [one.contextid for one in activities],
        "with_userdata": with_userdata,
        "course": context.course.pk,
    }


def find_banks(context: BackupContext) -> Iterator[StepEvent]:
    """Note the categories that each activity uses, and for a whole course also those of no activity."""
    if not context.selection.allows("questionbank"):
        return
    owners = {activity.contextid: folder(activity) for activity in context.content.activities}
    with_userdata = [activity.contextid for activity in context.content.with_userdata]
    parameters: dict[str, Any] = {
        "contexts": list(owners),
        "with_userdata": with_userdata,
        "course": context.course.pk,
    }
    with connection.cursor() as cursor:
        cursor.execute(used_categories(), parameters)
        for contextid, category in cursor.fetchall():
            context.references.by_owner[owners[contextid]][CATEGORY].add(category)
        _note_those_of_course(context, cursor)
        mentioned = set().union(*(one[CATEGORY] for one in list(context.references.by_owner.values())))
        cursor.execute(
            "SELECT DISTINCT contextid FROM courses_questioncategory WHERE id = ANY(%s) AND course_id = %s",
            [sorted(mentioned), context.course.pk],
        )
        context.references.banks.update(contextid for (contextid,) in cursor.fetchall())
    yield 0


def _note_those_of_course(context: BackupContext, cursor: Any) -> None:
    """Note the categories of no activity for a whole course; for a part those of the banks that become categories."""
    if not context.content.only_needed:
        which = "NOT IN (SELECT contextid FROM courses_activity WHERE course_id = %(course)s)"
    elif context.contexts:
        which = "= ANY(%(moved)s)"
    else:
        return
    cursor.execute(
        f"SELECT id FROM courses_questioncategory WHERE course_id = %(course)s AND contextid {which}",
        {"course": context.course.pk, "moved": sorted(set(context.contexts.values()))},
    )
    context.references.by_owner[COURSE_OWNER][CATEGORY].update(number for (number,) in cursor.fetchall())
