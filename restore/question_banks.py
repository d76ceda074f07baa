"""The step of a restore that moves question categories to contexts of the target and merges their tops.

Since Moodle 5 question categories belong to activities only. An archive of 5.x may have some categories of a bank without the
bank: those that its quizzes draw from. They get a bank of their own; those of an archive of 4.5 become the course's.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection

from archive.findings import Finding
from courses import registry
from courses.archive_release import has_banks
from courses.changes import create_activity, create_section
from courses.models import Activity, Category, Course, Section
from courses.models.questions import BY_THE_SITE, TOP, QuestionBankEntry, QuestionCategory, top_category
from courses.structure import item_type_of
from jobs.plan import StepEvent
from restore.context import RestoreContext

OF_COURSES, OF_COURSE, OF_ACTIVITY = 40, 50, 70
"""Context levels, as in Moodle: of a category of courses, a course, an activity."""

SHARED = "Shared question bank"

ORPHANED = """
SELECT DISTINCT c.contextid FROM courses_questioncategory c WHERE c.course_id = %s AND c.contextlevel = %s
AND NOT EXISTS (SELECT 1 FROM courses_activity a WHERE a.id = c.contextinstanceid AND a.contextid = c.contextid)
ORDER BY c.contextid
"""
OWNERS = """
UPDATE courses_questioncategory c SET contextlevel = %(level)s, contextinstanceid = a.id FROM courses_activity a
WHERE a.contextid = c.contextid AND a.course_id = %(course)s AND c.course_id = %(course)s
AND (c.contextlevel <> %(level)s OR c.contextinstanceid <> a.id)
"""
MOVES = (
    """UPDATE courses_questioncategory SET contextid = %(to)s, contextlevel = %(level)s, contextinstanceid = %(instance)s
    WHERE course_id = %(course)s AND contextid = ANY(%(old)s)""",
    """UPDATE courses_questiontag SET contextid = %(to)s WHERE contextid = ANY(%(old)s)""",
    """UPDATE courses_questionsetreference SET questionscontextid = %(to)s WHERE questionscontextid = ANY(%(old)s)""",
    """UPDATE courses_questionsetreference
    SET filtercondition = regexp_replace(filtercondition, %(chosen_in)s, '\\1' || %(to)s || '"')
    WHERE questionscontextid = %(to)s AND filtercondition ~ %(chosen_in)s""",
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


def hang_categories(course: Course) -> None:
    """Hang categories whose parent did not come below the top category of their context, which is made if there is none."""
    rows = QuestionCategory.objects.filter(course=course)
    lost = rows.exclude(parent=0).exclude(parent__in=rows.values("pk"))
    for one in lost.order_by("contextid", "pk").distinct("contextid"):
        tops = rows.filter(contextid=one.contextid, name=TOP, parent=0).order_by("pk")
        top = tops.first()
        if top is None:
            top = top_category(course, one.contextid, one.contextlevel, one.contextinstanceid)
            top.save()
        lost.filter(contextid=one.contextid).update(parent=top.pk)


def merge_banks(context: RestoreContext) -> Iterator[StepEvent]:
    """Move question categories whose context was not restored, and merge the top categories of a context into one.

    Those of a category of courses go to the category of the target course, those of an activity to the course itself.
    """
    course = context.course
    assert course is not None
    context.loaders.choose().flush()
    _correct_owners(course)
    banks = list(_make_banks(course)) if has_banks(context.manifest) else []
    orphaned = _move(course, _orphaned(course, OF_ACTIVITY), to=course)
    moved = [*_move(course, _orphaned(course, OF_COURSES), to=course.category), *orphaned]
    with connection.cursor() as cursor:
        cursor.execute(JOIN, {"course": course.pk, "moved": moved})
        cursor.execute(DROP, {"course": course.pk, "moved": moved})
        context.joined |= {(item_type_of(QuestionCategory), gone): stays for gone, stays in cursor.fetchall()}
    if context.target.course is not None:
        _place_in_contexts(course)
        yield from _clear_taken_idnumbers(context, course)
    if banks:
        yield Finding(
            "info",
            "bank-made",
            "Questions come from banks that are not in the archive. New ones were made for them:"
            f" {', '.join(f'“{bank.title}”' for bank in banks)}.",
            "questions.xml",
            "They are hidden, in the first section; give them the names that you know them by.",
        )
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


def _correct_owners(course: Course) -> None:
    """Give categories in the context of an activity of the course the level and the id of that activity."""
    with connection.cursor() as cursor:
        cursor.execute(OWNERS, {"course": course.pk, "level": OF_ACTIVITY})


def _make_banks(course: Course) -> Iterator[Activity]:
    """Make a hidden question bank in the first section for each context whose activity is not here; yield the banks."""
    modulename = registry.type_of_banks()
    contexts = _orphaned(course, OF_ACTIVITY) if modulename else []
    for contextid in contexts:
        section = Section.objects.filter(course=course).order_by("number").first() or create_section(course)
        bank = create_activity(
            course, section, modulename, _bank_name(contextid), type=BY_THE_SITE, introformat=1
        )
        Activity.objects.filter(pk=bank.pk).update(visible=0, visibleold=0, visibleoncoursepage=0)
        _move(course, [contextid], to=bank)
        yield bank


def _bank_name(contextid: int) -> str:
    """Return the name of a bank that is made for the categories of a context: that of its first category, or a general one."""
    rows = QuestionCategory.objects.filter(contextid=contextid).exclude(name=TOP, parent=0)
    return rows.order_by("sortorder", "pk").values_list("name", flat=True).first() or SHARED


def _orphaned(course: Course, level: int) -> list[int]:
    """Return the contexts of a level that categories of the course have and nothing here."""
    here = (course.contextid, course.category.contextid)
    with connection.cursor() as cursor:
        cursor.execute(ORPHANED, [course.pk, level])
        return [contextid for (contextid,) in cursor.fetchall() if contextid not in here]


def _move(course: Course, old: list[int], *, to: Course | Category | Activity) -> list[int]:
    """Move the categories of the contexts `old`, with their files, to the context of `to`.

    Returns the ids of the moved categories.
    """
    if not old:
        return []
    levels: dict[type, int] = {Course: OF_COURSE, Category: OF_COURSES, Activity: OF_ACTIVITY}
    values = {
        "course": course.pk,
        "old": old,
        "to": to.contextid,
        "instance": to.pk,
        "level": levels[type(to)],
        "chosen_in": f'("cat":"[0-9]+,)({"|".join(map(str, old))})"',
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM courses_questioncategory WHERE contextid = ANY(%(old)s)", values)
        moved = [number for (number,) in cursor.fetchall()]
        for move in MOVES:
            cursor.execute(move, values)
    return moved
