"""The step of a restore that moves question categories to contexts of the target and merges their tops."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection

from archive.findings import Finding
from courses.models import Category, Course
from courses.models.questions import QuestionBankEntry, QuestionCategory
from courses.structure import item_type_of
from jobs.plan import StepEvent
from restore.context import RestoreContext

OF_COURSES, OF_COURSE, OF_ACTIVITY = 40, 50, 70
"""Context levels, as in Moodle: of a category of courses, a course, an activity."""

ORPHANED = """
SELECT DISTINCT c.contextid FROM courses_questioncategory c WHERE c.course_id = %s AND c.contextlevel = %s
AND NOT EXISTS (SELECT 1 FROM courses_activity a WHERE a.id = c.contextinstanceid AND a.contextid = c.contextid)
"""
MOVES = (
    """UPDATE courses_questioncategory SET contextid = %(to)s, contextlevel = %(level)s, contextinstanceid = %(instance)s
    WHERE course_id = %(course)s AND contextid = ANY(%(old)s)""",
    """UPDATE courses_questiontag SET contextid = %(to)s WHERE contextid = ANY(%(old)s)""",
    """UPDATE courses_questionsetreference SET questionscontextid = %(to)s WHERE questionscontextid = ANY(%(old)s)""",
    """UPDATE courses_file SET contextid = %(to)s WHERE course_id = %(course)s AND contextid = ANY(%(old)s)
    AND (component = 'question' OR component LIKE 'qtype\\_%%')""",
)
TOPS = """
SELECT id, first_value(id) OVER (PARTITION BY contextid ORDER BY id = ANY(%(moved)s), id) AS first
FROM courses_questioncategory WHERE course_id = %(course)s AND parent = 0 AND name = 'top'
"""
"""SQL: each top category of the course, and the one that stays the top of its context: one that was not moved, if any."""
JOIN = f"""
UPDATE courses_questioncategory c SET parent = tops.first FROM ({TOPS}) AS tops
WHERE c.parent = tops.id AND tops.id <> tops.first
"""
DROP = f"""
DELETE FROM courses_questioncategory c USING ({TOPS}) AS tops WHERE c.id = tops.id AND tops.id <> tops.first
AND NOT EXISTS (SELECT 1 FROM courses_questionbankentry e WHERE e.category_id = c.id) RETURNING c.id, tops.first
"""

SAME_NUMBER_IN_CONTEXT = """
SELECT new.id, old.id FROM courses_questioncategory new JOIN courses_questioncategory old USING (course_id, contextid, idnumber)
WHERE course_id = %s AND idnumber <> '' AND new.id <> old.id
"""
SAME_NUMBER_IN_CATEGORY = """
SELECT new.id, old.id FROM courses_questioncategory c JOIN courses_questionbankentry new ON new.category_id = c.id
JOIN courses_questionbankentry old ON old.category_id = c.id AND old.idnumber = new.idnumber
WHERE c.course_id = %s AND new.idnumber <> '' AND new.id <> old.id
"""
"""SQL: the pairs of categories in one context, and of questions in one category, that have the same ID number."""


def merge_banks(context: RestoreContext) -> Iterator[StepEvent]:
    """Move question categories whose context was not restored, and merge the top categories of a context into one.

    Those of a category of courses go to the category of the target course, those of an activity to the course itself.
    """
    course = context.course
    assert course is not None
    context.loaders.choose().flush()
    orphaned = _move(course, OF_ACTIVITY, to=course)
    moved = [*_move(course, OF_COURSES, to=course.category), *orphaned]
    with connection.cursor() as cursor:
        cursor.execute(JOIN, {"course": course.pk, "moved": moved})
        cursor.execute(DROP, {"course": course.pk, "moved": moved})
        context.joined |= {(item_type_of(QuestionCategory), gone): stays for gone, stays in cursor.fetchall()}
    if context.target.course is not None:
        _place_in_contexts(course)
        yield from _clear_taken_idnumbers(context, course)
    if orphaned:
        yield Finding(
            "info",
            "questions-moved",
            "Questions of activities that are not in the archive are the course's own now.",
            "questions.xml",
            "Look for them in the question bank of the course.",
        )


def _place_in_contexts(course: Course) -> None:
    """Give categories whose context was matched with one of the target its level and instance too."""
    rows = QuestionCategory.objects.filter(course=course)
    for to, level in ((course, OF_COURSE), (course.category, OF_COURSES)):
        wrong = rows.filter(contextid=to.contextid).exclude(contextlevel=level, contextinstanceid=to.pk)
        wrong.update(contextlevel=level, contextinstanceid=to.pk)


def _clear_taken_idnumbers(context: RestoreContext, course: Course) -> Iterator[Finding]:
    """Clear the ID numbers of new categories and questions that others have in the same context or category, as Moodle does."""
    for model, noun, query in (
        (QuestionCategory, "question categories", SAME_NUMBER_IN_CONTEXT),
        (QuestionBankEntry, "questions", SAME_NUMBER_IN_CATEGORY),
    ):
        with connection.cursor() as cursor:
            cursor.execute(query, [course.pk])
            pairs = cursor.fetchall()
        arrived = context.ids.olds_of(item_type_of(model), {number for pair in pairs for number in pair})
        taken = {new for new, old in pairs if new in arrived and old not in arrived}
        if taken:
            model._base_manager.filter(pk__in=taken).update(idnumber=None)
            yield Finding(
                "info",
                "idnumber-taken",
                f"{len(taken)} new {noun} came without ID number: others in the course have the same numbers.",
                "questions.xml",
                "Give them other ID numbers if something outside the course refers to them.",
            )


def _move(course: Course, level: int, *, to: Course | Category) -> list[int]:
    """Move the categories of a context level whose context is not here, with their files, to the context of `to`.

    Returns the ids of the moved categories.
    """
    with connection.cursor() as cursor:
        cursor.execute(ORPHANED, [course.pk, level])
        old = [
            contextid
            for (contextid,) in cursor.fetchall()
            if contextid not in (to.contextid, course.contextid)
        ]
        if not old:
            return []
        values = {
            "course": course.pk,
            "old": old,
            "to": to.contextid,
            "instance": to.pk,
            "level": OF_COURSE if isinstance(to, Course) else OF_COURSES,
        }
        cursor.execute("SELECT id FROM courses_questioncategory WHERE contextid = ANY(%(old)s)", values)
        moved = [number for (number,) in cursor.fetchall()]
        for move in MOVES:
            cursor.execute(move, values)
        return moved
