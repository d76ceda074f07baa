"""Adds many attempts to the quiz of a restored course, by SQL in the server."""

from __future__ import annotations

from typing import Any

from django.db import connection

from courses.activities.quiz import Quiz
from courses.models.people import UserEnrolment
from courses.models.questions import Question

QUESTIONS = 20
PEOPLE = 40
STEPS = 3
BEHAVIOUR = "deferredfeedback"
ROWS = (
    """INSERT INTO courses_quizattempt (id, quiz_id, userid, attemptnum, uniqueid, layout, currentpage, preview, state,
         timestart, timefinish, timemodified, timemodifiedoffline, timecheckstate, sumgrades)
       SELECT %(attempt)s + i, %(quiz)s, (%(people)s::bigint[])[1 + i %% cardinality(%(people)s::bigint[])], i,
         %(usage)s + i, '1,2,3,4,5,6,7,8,9,10,0,11,12,13,14,15,16,17,18,19,20,0', 0, 0, 'finished',
         1700000000 + i, 1700000900 + i, 1700000900 + i, 0, 0, 15.5
       FROM generate_series(1, %(attempts)s) AS i""",
    """INSERT INTO courses_questionusage (id, attempt_id, component, preferredbehaviour)
       SELECT %(usage)s + i, %(attempt)s + i, 'mod_quiz', %(behaviour)s FROM generate_series(1, %(attempts)s) AS i""",
    """INSERT INTO courses_questionattempt (id, usage_id, slot, behaviour, questionid, variant, maxmark, minfraction,
         maxfraction, flagged, questionsummary, rightanswer, responsesummary, timemodified)
       SELECT %(question)s + (i - 1) * %(each)s + slot, %(usage)s + i, slot, %(behaviour)s,
         (%(questions)s::bigint[])[1 + slot %% cardinality(%(questions)s::bigint[])], 1, 1, 0, 1, 0,
         'Which of these numbers are odd?: One; Two; Three; Four', 'One; Three', 'One; Two', 1700000900 + i
       FROM generate_series(1, %(attempts)s) AS i, generate_series(1, %(each)s) AS slot""",
    """INSERT INTO courses_questionstep (id, attempt_id, sequencenumber, state, fraction, timecreated, userid)
       SELECT %(step)s + (i - 1) * %(steps)s + s, %(question)s + i, s - 1,
         (ARRAY['todo', 'complete', 'gradedright'])[s], CASE WHEN s = 3 THEN 1 END, 1700000000 + s,
         (%(people)s::bigint[])[1 + ((i - 1) / %(each)s + 1) %% cardinality(%(people)s::bigint[])]
       FROM generate_series(1, %(attempts)s * %(each)s) AS i, generate_series(1, %(steps)s) AS s""",
    """INSERT INTO courses_stepvariable (step_id, name, value)
       SELECT %(step)s + i, (ARRAY['_order', 'answer', '-finish'])[1 + (i - 1) %% %(steps)s],
         (ARRAY['11,12,13,14', '2', '1'])[1 + (i - 1) %% %(steps)s]
       FROM generate_series(1, %(attempts)s * %(each)s * %(steps)s) AS i""",
)
TABLES = {
    "attempt": "quizattempt",
    "usage": "questionusage",
    "question": "questionattempt",
    "step": "questionstep",
}


def take(course: int, attempts: int) -> int:
    """Add finished attempts of twenty questions, with three steps each, and return the number of rows."""
    quiz = Quiz.objects.filter(owner__course=course).order_by("pk")[0]
    chosen = Question.objects.filter(version__entry__category__course=course, qtype="multichoice")
    people = (
        UserEnrolment.objects.filter(enrol__course=course).order_by("userid").values_list("userid", flat=True)
    )
    facts: dict[str, Any] = {
        "attempts": attempts,
        "quiz": quiz.pk,
        "people": list(people.distinct()[:PEOPLE]),
        "questions": list(chosen.order_by("pk").values_list("pk", flat=True)),
        "each": QUESTIONS,
        "steps": STEPS,
        "behaviour": BEHAVIOUR,
    }
    rows = 0
    with connection.cursor() as cursor:
        for name, table in TABLES.items():
            cursor.execute(f"SELECT coalesce(max(id), 0) FROM courses_{table}")
            facts[name] = cursor.fetchone()[0]
        for statement in ROWS:
            cursor.execute(statement, facts)
            rows += cursor.rowcount
        for table in TABLES.values():
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('courses_{table}', 'id'), max(id)) FROM courses_{table}"
            )
    return rows
