"""The step of a restore that moves question categories to contexts of the target and merges their tops."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection

from archive.findings import Finding
from courses.models import Category, Course
from courses.models.questions import QuestionCategory
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
    if orphaned:
        yield Finding(
            "info",
            "questions-moved",
            "Questions of activities that are not in the archive are the course's own now.",
            "questions.xml",
            "Look for them in the question bank of the course.",
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
