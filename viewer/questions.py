"""Questions of a question bank, with their answers and the other records of their types."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from courses import structure
from courses.models.answers import QuestionAnswer
from courses.models.question_extras import QuestionComment, QuestionHint, QuestionTag
from courses.models.questions import Question
from courses.summaries import list_title
from viewer import unserialised
from viewer.page_context import PageContext, fact, facts
from viewer.panels import Entry, Value
from viewer.records import opaque_sizes, record_entries
from viewer.words import number, size_text

QTYPES = {
    "calculated": "Calculated",
    "calculatedmulti": "Calculated multiple choice",
    "calculatedsimple": "Simple calculated",
    "ddimageortext": "Drag and drop onto a picture",
    "ddmarker": "Drag and drop markers",
    "ddwtos": "Drag and drop into text",
    "description": "Description",
    "essay": "Essay",
    "gapselect": "Select missing words",
    "match": "Matching",
    "missingtype": "Of a missing type",
    "multianswer": "Embedded answers (Cloze)",
    "multichoice": "Multiple choice",
    "numerical": "Numerical",
    "ordering": "Ordering",
    "random": "Random",
    "randomsamatch": "Random short-answer matching",
    "shortanswer": "Short answer",
    "truefalse": "True or false",
}
OWN = (QuestionAnswer, QuestionHint, QuestionTag, QuestionComment)
WORD_TYPES = ("ddwtos", "gapselect")
"""Question types whose answers are words for gaps; the feedback column holds the group of the word."""

STATUS = {"draft": "Draft", "hidden": "Deleted, but in use"}


def qtype(question: Any) -> str:
    """Return the name of a question's type."""
    return QTYPES.get(question.qtype, str(question.qtype))


def entries(page: PageContext, rows: Sequence[Any]) -> Iterator[Entry]:
    """Yield an entry for each question with all its records; one query for each model, however many questions."""
    answers = page.below(QuestionAnswer, "question", rows)
    hints = page.below(QuestionHint, "question", rows)
    tags = page.below(QuestionTag, "question", rows)
    comments = page.below(QuestionComment, "question", rows)
    special = _extra_entries(page, rows)
    opaque = opaque_sizes(Question, rows)
    for row in rows:
        version = row.version
        place = version.entry.category.contextid
        below = [_answer(page, row, one, place) for one in answers.get(row.pk, ())]
        below += special.get(row.pk, [])
        below += [
            Entry(
                title=f"Hint {n}",
                texts=(page.rich("", one, "hint", area="question/hint", item=one.pk, contextid=place),),
            )
            for n, one in enumerate(hints.get(row.pk, ()), 1)
        ]
        below += [
            Entry(
                title="Comment",
                who=page.person(one.userid),
                when=one.timecreated,
                texts=(page.text("", one.content),),
            )
            for one in comments.get(row.pk, ())
            if page.people
        ]
        yield Entry(
            title=row.name,
            name=f"q{row.pk}",
            marks=(
                qtype(row),
                f"Version {version.version}",
                STATUS.get(version.status, ""),
                *(f"#{one.rawname}" for one in tags.get(row.pk, ())),
            ),
            texts=(
                _text(page, row, "", "questiontext", place),
                _text(page, row, "General feedback", "generalfeedback", place),
            ),
            facts=facts(
                fact("Default mark", number(row.defaultmark)),
                fact("Penalty", number(row.penalty, 4)),
                fact("ID number", version.entry.idnumber),
                fact("Made by", page.person(row.createdby)),
                fact("Part of", page.named("question", row.parent)),
                fact("Changed", row.timemodified, "moment"),
                fact("Preserved as it is", size_text(opaque[row.pk]) if row.pk in opaque else ""),
            ),
            below=tuple(below),
            folded="Answers and everything else" if below else "",
        )


def _text(page: PageContext, row: Any, label: str, column: str, place: int) -> Value:
    return page.rich(label, row, column, area=f"question/{column}", item=row.pk, contextid=place)


def _answer(page: PageContext, row: Any, one: Any, place: int) -> Entry:
    said = page.rich("", one, "answertext", area="question/answer", item=one.pk, contextid=place)
    feedback = page.rich(
        "Feedback", one, "feedback", area="question/answerfeedback", item=one.pk, contextid=place
    )
    if row.qtype in WORD_TYPES:
        return Entry(title="Word", texts=(said,), facts=facts(fact("Group", _group(one.feedback))))
    worth = "" if row.qtype == "ordering" else f"{number(one.fraction * 100, 2)} %"
    return Entry(title="Answer", marks=(worth,), texts=(said, feedback))


def _group(feedback: str) -> Any:
    """Return the group of a word: the number, or a member of a serialised record."""
    said = unserialised.read(feedback)
    return said.get("draggroup") if isinstance(said, dict) else feedback


def _extra_entries(page: PageContext, rows: Sequence[Any]) -> dict[int, list[Entry]]:
    """Return entries for the records that only some question types have, by question id."""
    found: dict[int, list[Entry]] = {}
    for model, link in _extra_models():
        for parent, records in page.below(model, link, rows).items():
            title = list_title(model) if len(records) > 1 else str(model._meta.verbose_name).capitalize()
            inner = tuple(
                one for one in record_entries(page, model, records, titled=False) if one.facts or one.texts
            )
            if not inner:
                continue
            found.setdefault(parent, []).append(Entry(title=title, below=inner))
    return found


def _extra_models() -> Iterable[tuple[Any, str]]:
    seen: dict[Any, str] = {}
    for child in structure.element(Question).children():
        link = next((f for f in child.model._meta.concrete_fields if f.column == child.column), None)
        if child.model not in OWN and link is not None:
            seen.setdefault(child.model, link.name)
    return seen.items()
