"""Quiz: its questions under their headings, and the attempts, each with every question and step."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from archive.numbers import natural, whole_or
from courses.activities.quiz import (
    QuestionAttempt,
    QuestionReference,
    QuestionSetReference,
    QuestionStep,
    QuestionUsage,
    Quiz,
    QuizAttempt,
    QuizFeedback,
    QuizGrade,
    QuizGradeItem,
    QuizOverride,
    QuizSection,
    QuizSlot,
    StepVariable,
)
from courses.models.questions import Question, QuestionCategory
from viewer.codes import meaning
from viewer.json_texts import read_json
from viewer.lookups import Phrase
from viewer.page_context import PageContext, fact, facts, marks, table, when
from viewer.panels import Detail, Entry, Panel, Sheet, Table, Value
from viewer.presentation import Meaning, Presentation
from viewer.questions import qtype
from viewer.review_times import reviewed
from viewer.words import ATTEMPT_STATES, STEP_STATES, duration_text, number

PLACE = re.compile(r"\{[A-Za-z]\w*\}")
"""A placeholder for a random number in a calculated question: {a}."""

RESPONSES = ("question/response_attachments", "question/response_answer", "question/response_bf_comment")


def present(page: PageContext) -> Iterator[Panel]:
    """Yield the questions, the attempts, the grades, and overrides for single people or groups."""
    quiz = page.content
    slots = QuizSlot._base_manager.filter(quiz=quiz).order_by("slot", "pk")
    yield page.listed("Questions", slots, lambda rows: _slots(page, rows), size=50)
    attempts = QuizAttempt._base_manager.filter(quiz=quiz).order_by("userid", "attemptnum", "pk")
    yield page.listed("Attempts", attempts, lambda rows: _attempts(page, rows), size=50, userdata=True)
    grades = QuizGrade._base_manager.filter(quiz=quiz).order_by("pk")
    yield page.listed("Grades", grades, lambda rows: _grades(page, rows), size=50, userdata=True)
    items = QuizGradeItem._base_manager.filter(quiz=quiz).order_by("sortorder", "pk")
    yield page.listed(
        "Grades of parts", items, lambda rows: table("Grade", ((row.name,) for row in rows)), name="items"
    )
    feedback = QuizFeedback._base_manager.filter(quiz=quiz).order_by("-mingrade", "pk")
    yield page.listed("Feedback by grade", feedback, lambda rows: _feedback(page, rows), name="feedback")
    overrides = QuizOverride._base_manager.filter(quiz=quiz).order_by("pk")
    if not page.people:
        overrides = overrides.filter(userid=None)
    yield page.listed(
        "Other times for some", overrides, lambda rows: _overrides(page, rows), name="overrides"
    )


def _slots(page: PageContext, rows: list[Any]) -> Iterable[Entry]:
    headings = {one.firstslot: one for one in QuizSection._base_manager.filter(quiz=page.content)}
    named = {one.within_id: one for one in QuestionReference._base_manager.filter(within__in=rows)}
    drawn = {one.within_id: one for one in QuestionSetReference._base_manager.filter(within__in=rows)}
    questions = _newest({one.questionbankentryid for one in named.values()})
    categories = (
        dict(QuestionCategory._base_manager.filter(course=page.course).values_list("pk", "name"))
        if drawn
        else {}
    )
    for row in rows:
        heading = headings.get(row.slot)
        if heading is not None and (heading.heading or heading.shufflequestions):
            yield Entry(
                title=heading.heading or "Questions",
                marks=("Heading", *marks(Shuffled=heading.shufflequestions)),
            )
        small = facts(
            fact("Mark", number(row.maxmark)),
            fact("Page", row.page),
            fact("Counts for", page.named("quiz_grade_item", row.quizgradeitemid)),
        )
        needs = marks(Needs_the_one_before=row.requireprevious)
        label = row.displaynumber or row.slot
        if row.pk in drawn:
            yield Entry(
                title=f"{label}. A random question",
                marks=needs,
                facts=(*small, _drawn_from(drawn[row.pk], categories)),
            )
        else:
            yield _named(page, label, named.get(row.pk), questions, needs, small)


def _named(
    page: PageContext,
    label: Any,
    reference: Any,
    questions: Any,
    needs: tuple[str, ...],
    small: tuple[Value, ...],
) -> Entry:
    versions = questions.get(reference.questionbankentryid, {}) if reference else {}
    asked = reference.version if reference and reference.version else max(versions, default=0)
    question = versions.get(asked)
    if question is None:
        return Entry(title=f"{label}. A question that is not in the course's bank", marks=needs, facts=small)
    place = question.version.entry.category.contextid
    text = page.rich(
        "", question, "questiontext", area="question/questiontext", item=question.pk, contextid=place
    )
    which = f"Version {asked}" if reference.version else "Always the newest version"
    return Entry(
        title=f"{label}. {question.name}",
        marks=(qtype(question), *needs),
        texts=(text,),
        facts=(*small, fact("Which", which)),
    )


def _newest(entries: set[int]) -> dict[int, dict[int, Any]]:
    """Return the questions of question bank entries, by entry id and version."""
    found: dict[int, dict[int, Any]] = {}
    rows = Question._base_manager.filter(version__entry__in=entries).select_related(
        "version__entry__category"
    )
    for row in rows.order_by("-parent", "pk"):
        if not row.parent:
            found.setdefault(row.version.entry_id, {})[row.version.version] = row
    return found


def _drawn_from(reference: Any, categories: dict[int, str]) -> Value:
    """Return the categories from which a random question is drawn, according to the slot's filter."""
    try:
        said = read_json(reference.filtercondition or "{}")
        chosen = said.get("filter", {}).get("category", {})
        drawn = chosen.get("values") or [said[old] for old in ("questioncategoryid",) if old in said]
        names = [categories.get(whole_or(one), str(one)) for one in drawn]
        inner = said.get("includingsubcategories") or chosen.get("filteroptions", {}).get(
            "includesubcategories"
        )
        others = [name for name in said.get("filter", {}) if name != "category"]
        others += [str(tag).partition(",")[2] for tag in said.get("tags", [])]
    except (ValueError, AttributeError, TypeError, OverflowError):
        return fact("Drawn from", reference.filtercondition)
    below = " and those below" if inner else ""
    return fact(
        "Drawn from", ", ".join(names) + below + (f"; filtered by {', '.join(others)}" if others else "")
    )


def _attempts(page: PageContext, rows: list[Any]) -> Table:
    quiz = page.content
    return table(
        "Person | Attempt | State | Begun | Finished | Taken | Marks",
        (
            (
                Value("Person", page.person(row.userid), address=page.address("attempt", row.pk)),
                f"{row.attemptnum}{' (preview)' if row.preview else ''}",
                ATTEMPT_STATES.get(row.state, row.state),
                when(row.timestart),
                when(row.timefinish),
                duration_text(row.timefinish - row.timestart) if row.timefinish > row.timestart else "",
                f"{number(row.sumgrades, 2)} / {number(quiz.sumgrades, 2)}"
                if row.sumgrades is not None
                else "not marked",
            )
            for row in rows
        ),
        numeric=[1, 5, 6],
    )


def _grades(page: PageContext, rows: list[Any]) -> Table:
    most = number(page.content.grade)
    return table(
        "Person | Grade | Given",
        (
            (page.person(row.userid), f"{number(row.gradeval, 2)} / {most}", when(row.timemodified))
            for row in rows
        ),
        numeric=[1],
    )


def _feedback(page: PageContext, rows: list[Any]) -> Iterable[Entry]:
    for row in rows:
        yield Entry(
            title=f"From {number(row.mingrade)} to below {number(row.maxgrade)}",
            texts=(page.rich("", row, "feedbacktext"),),
        )


def _overrides(page: PageContext, rows: list[Any]) -> Table:
    return table(
        "For | Opens | Due | Closes | Time limit | Attempts | Password | Reason",
        (
            (
                page.person(row.userid) if row.userid else page.group(row.groupid),
                when(row.timeopen),
                when(row.duedate),
                when(row.timeclose),
                duration_text(row.timelimit) if row.timelimit else "",
                row.attempts or "",
                "has one of its own" if row.password else "",
                page.text("", row.reason, row.reasonformat),
            )
            for row in rows
        ),
    )


def attempt(page: PageContext, number_: int) -> Sheet:
    """Return the sheet of one attempt: each question with the response, the mark and the steps."""
    row = page.one(QuizAttempt._base_manager.filter(quiz=page.content), number_)
    asked = QuestionAttempt._base_manager.filter(usage__attempt=row).order_by("slot", "pk")
    about = Panel(
        "This attempt",
        facts=facts(
            fact("State", ATTEMPT_STATES.get(row.state, row.state)),
            fact("Begun", row.timestart, "moment"),
            fact("Finished", row.timefinish or "", "moment"),
            fact(
                "Marks",
                f"{number(row.sumgrades, 2)} of {number(page.content.sumgrades, 2)}"
                if row.sumgrades is not None
                else "",
            ),
            fact("Layout", row.layout.replace(",0", " |").replace(",", " ")),
        ),
    )
    questions = page.listed("Questions", asked, lambda rows: _asked(page, rows), size=20)
    return Sheet(page.person(row.userid), (about, questions), about=f"Attempt {row.attemptnum}")


def _asked(page: PageContext, rows: list[Any]) -> Iterable[Entry]:
    questions = Question._base_manager.select_related("version__entry__category").in_bulk(
        [row.questionid for row in rows]
    )
    steps = page.below(QuestionStep, "attempt", rows, order=("sequencenumber", "pk"))
    said = page.below(StepVariable, "step", [one for some in steps.values() for one in some])
    for row in rows:
        question = questions.get(row.questionid)
        done = steps.get(row.pk, [])
        last = done[-1] if done else None
        fraction = next((one.fraction for one in reversed(done) if one.fraction is not None), None)
        mark = (
            f"{number(fraction * row.maxmark, 2)} / {number(row.maxmark, 2)}"
            if fraction is not None
            else "no mark"
        )
        yield Entry(
            title=f"{row.slot}. {question.name if question else 'A question that is not in the bank'}",
            marks=(
                *((STEP_STATES.get(last.state, last.state), mark) if last else ()),
                *marks(Flagged=row.flagged),
            ),
            texts=(*_question(page, question), *_summaries(row, question), *_comments(page, done, said)),
            facts=facts(
                fact("Behaviour", meaning("", "behaviour", row.behaviour) or row.behaviour),
                fact("Variant", row.variant if row.variant > 1 else ""),
            ),
            below=tuple(_step(page, one, said.get(one.pk, ())) for one in done),
            folded=f"{len(done)} steps",
        )


def _question(page: PageContext, question: Any) -> tuple[Value, ...]:
    if question is None:
        return ()
    place = question.version.entry.category.contextid
    return (
        page.rich(
            "", question, "questiontext", area="question/questiontext", item=question.pk, contextid=place
        ),
    )


def _summaries(row: Any, question: Any) -> tuple[Value, ...]:
    """Return the response and the right answer; also the question's text, if the question is gone or has random numbers."""
    asked = row.questionsummary or ""
    drew = question is None or PLACE.search(question.questiontext)
    return (
        Value("As it was asked", asked if drew else "", "lines"),
        Value("Response", row.responsesummary or "none", "lines"),
        Value("Right answer", row.rightanswer or "", "lines"),
    )


def _comments(page: PageContext, steps: list[Any], said: dict[int, list[Any]]) -> Iterable[Value]:
    """Return the last comment of a marker."""
    for step in reversed(steps):
        found = {one.name: one.value for one in said.get(step.pk, ())}
        if found.get("-comment"):
            return (_text(page, step, "-comment", found),)
    return ()


WRITTEN = {"answer": "response_answer", "-comment": "response_bf_comment"}
"""File areas of a step's variables that can be rich text; the text's format is another variable."""

VARIABLES = {
    "answer": "Answer",
    "attachments": "Files",
    "_choiceorder": "Order of the choices",
    "_order": "Order of the answers",
    "_separators": "Signs of numbers",
    "_stemorder": "Order of the parts",
    "-certainty": "Certainty",
    "-comment": "Comment",
    "-finish": "Handed in",
    "-mark": "Mark",
    "-maxmark": "Highest mark",
    "-seen": "Seen",
    "-submit": "Checked",
    "-tryagain": "Tried again",
}
"""Labels of the variables of a step; those that only some question types have are shown under their names."""


def _text(page: PageContext, step: Any, name: str, found: dict[str, Any]) -> Value:
    text_format = str(found.get(f"{name}format") or "")
    place = f"{page.contextid}/question/{WRITTEN[name]}/{step.pk}"
    return page.text(VARIABLES[name], found[name], whole_or(text_format, 1), place)


def _variable(page: PageContext, name: str, value: Any) -> Value:
    label = VARIABLES.get(name) or (f"Value of {name[5:]}" if name.startswith("_var_") else name)
    numbers = [part for part in str(value or "").split(",") if natural(part) is not None]
    if name == "_order" and numbers:
        names = (page.named("question_answer", whole_or(one), instead=one) for one in numbers)
        return fact(label, Phrase(*[part for one in names for part in ("; ", one)][1:]))
    return fact(label, "yes" if name in ("-finish", "-submit", "-tryagain", "-seen") else value)


def _step(page: PageContext, row: Any, said: Iterable[Any]) -> Entry:
    found = {one.name: one.value for one in said}
    texts = [name for name in WRITTEN if found.get(name) and f"{name}format" in found]
    return Entry(
        title=f"{row.sequencenumber + 1}. {STEP_STATES.get(row.state, row.state)}",
        who=page.person(row.userid),
        when=max(row.timecreated, 0),
        marks=(f"{number(row.fraction * 100, 1)} %",) if row.fraction is not None else (),
        files=page.files(row.pk, *RESPONSES),
        texts=tuple(_text(page, row, name, found) for name in texts),
        facts=tuple(
            _variable(page, name, value)
            for name, value in found.items()
            if name not in texts and name.removesuffix("format") not in texts
        ),
    )


MEANINGS: dict[str, Meaning] = {
    **{
        f"quiz.{field.name}": reviewed
        for field in Quiz._meta.concrete_fields
        if field.name.startswith("review")
    },
    "quiz.attempts_number": {0: "unlimited"},
    "quiz.grademethod": {1: "highest grade", 2: "average", 3: "first attempt", 4: "last attempt"},
    "quiz.navmethod": {"free": "free", "sequential": "one after the other"},
    "quiz.overduehandling": {
        "autoabandon": "not counted",
        "autosubmit": "handed in by itself",
        "graceperiod": "extra time to hand in",
    },
    "quiz.questiondecimalpoints": {-1: "as for grades"},
}

PRESENTATION = Presentation(
    present,
    details={"attempt": Detail(attempt)},
    covers=(
        QuizSlot,
        QuestionReference,
        QuestionSetReference,
        QuizSection,
        QuizFeedback,
        QuizOverride,
        QuizGrade,
        QuizGradeItem,
        QuizAttempt,
        QuestionUsage,
        QuestionAttempt,
        QuestionStep,
        StepVariable,
    ),
    meanings=MEANINGS,
)
