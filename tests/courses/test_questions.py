"""The question bank and the quizzes that draw on it: what comes in, what comes along, and what its ids point at."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from lxml import etree

from archive.container import open_archive
from courses import questions
from courses.activities.quiz import (
    QuestionAttempt,
    QuestionSetReference,
    QuestionStep,
    Quiz,
    QuizAttempt,
    StepVariable,
)
from courses.models import Activity, Course, File
from courses.models.answers import QuestionAnswer
from courses.models.question_extras import QuestionComment, QuestionTag
from courses.models.questions import Question, QuestionBankEntry, QuestionCategory
from courses.questions.match import MatchPair
from courses.questions.multianswer import Cloze
from tests.jobs_done import back_up, compared, restore

pytestmark = pytest.mark.django_db(transaction=True)

PART = "question_category/question_bank_entries/question_bank_entry/question_version/question_versions/questions/question"


def member(path: Path, name: str) -> etree._Element:
    """The root of a member of an archive."""
    with open_archive(path) as archive:
        return etree.fromstring(archive.read(name))


def changed(source: Path, folder: Path, change: Callable[[str, bytes], bytes]) -> Path:
    """An archive as a folder, its XML changed."""
    with open_archive(source) as archive:
        for name in archive.members:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            content = archive.read(name)
            path.write_bytes(change(name, content) if name.endswith(".xml") else content)
    return folder


def quizzes(path: Path, **options: str) -> Course:
    """The course of an archive, of whose activities only the quizzes and two others come: the others take their time."""
    manifest = member(path, "moodle_backup.xml")
    told = (
        one.findtext("directory") or ""
        for one in manifest.iterfind("information/contents/activities/activity")
    )
    names = [directory.rpartition("/")[2] for directory in told]
    chosen = [
        name for name in names if name.startswith(("quiz", "subsection")) or name in ("forum_679", "page_687")
    ]
    left: dict[str, Any] = {f"{name}_included": "0" for name in names if name not in chosen}
    return restore(path, **{"only_needed": "0", **left, **options}).course


def of(course: Course) -> dict[int, Question]:
    """The questions that a course brought along, by their ids."""
    return {one.pk: one for one in Question.objects.filter(version__entry__category__course=course)}


@pytest.fixture
def twice(fixtures: Path) -> Course:
    """The second of two restores of the same course, so that no id is by chance what it was."""
    return [quizzes(fixtures / "rich1-users.mbz") for _ in range(2)][1]


def quiz_of(course: Course, start: str = "Quiz1") -> Quiz:
    """A quiz by the beginning of its name."""
    return Quiz.objects.get(owner__course=course, name__startswith=start)


def test_every_question_of_the_archive_is_there_with_the_part_of_its_type(
    fixtures: Path, tmp_path: Path
) -> None:
    source = fixtures / "rich1-users.mbz"
    course = quizzes(source)
    there = of(course)
    assert len(there) == 45
    assert {one.qtype for one in there.values()} == set(questions.types()) - {"missingtype", "random"}
    assert QuestionAnswer.objects.count() == len(member(source, "questions.xml").findall(".//answers/answer"))
    for question in member(back_up(course, tmp_path / "back.mbz"), "questions.xml").findall(PART):
        parts = [child.tag for child in question if child.tag.startswith("plugin_qtype_")]
        name = question.findtext("qtype")
        assert parts == ([] if name == "description" else [f"plugin_qtype_{name}_question"])


def test_the_ids_in_steps_are_of_what_the_question_has_here(twice: Course) -> None:
    there = of(twice)
    steps = StepVariable.objects.filter(step__attempt__usage__attempt__quiz__owner__course=twice)
    seen = set()
    for one in steps.filter(name__startswith="_").select_related("step__attempt"):
        question = there[one.step.attempt.questionid]
        numbers = {int(number) for number in (one.value or "").split(",") if number.isdigit()}
        if one.name == "_order" and question.qtype == "multichoice":
            assert numbers == set(
                QuestionAnswer.objects.filter(question=question).values_list("pk", flat=True)
            )
        elif one.name == "_stemorder" and question.qtype == "match":
            assert numbers <= set(MatchPair.objects.filter(question=question).values_list("pk", flat=True))
        elif one.name == "_stemorder" and question.qtype == "randomsamatch":
            assert numbers <= set(there)
        elif one.name.startswith(("_stem_", "_right_")):
            assert int(one.name.rpartition("_")[2]) in there
        elif question.qtype == "multianswer" and one.name.endswith("_order"):
            inside = Cloze.objects.get(of=question).sequence.split(",")
            assert QuestionAnswer.objects.filter(question__in=inside, pk__in=numbers).count() == len(numbers)
        else:
            continue
        seen.add((question.qtype, one.name.rstrip("0123456789")))
    assert len(seen) == 7
    for one in steps.filter(name__startswith="response_").select_related("step__attempt"):
        assert int(one.name.rpartition("_")[2]) == one.step.attempt.questionid


def test_a_random_slot_draws_from_a_category_that_is_here(twice: Course) -> None:
    slots = QuestionSetReference.objects.filter(within__quiz=quiz_of(twice))
    assert slots.count() == 2
    for slot in slots:
        (number,) = json.loads(slot.filtercondition or "")["filter"]["category"]["values"]
        category = QuestionCategory.objects.get(pk=number)
        assert (category.course, category.name) == (twice, "Random pool")
        assert slot.questionscontextid == category.contextid == twice.contextid
        assert slot.usingcontextid == quiz_of(twice).owner.contextid


def test_a_category_belongs_to_what_its_level_says(twice: Course) -> None:
    levels = {10: (1, 0), 40: (twice.category.contextid, twice.category.pk), 50: (twice.contextid, twice.pk)}
    quiz = quiz_of(twice).owner
    levels[70] = (quiz.contextid, quiz.pk)
    for category in QuestionCategory.objects.filter(course=twice):
        assert (category.contextid, category.contextinstanceid) == levels[category.contextlevel]
    assert set(QuestionTag.objects.filter(question__in=of(twice)).values_list("contextid", flat=True)) == {
        twice.contextid
    }


def test_a_quiz_alone_brings_the_questions_that_it_uses_and_no_other_activity_does(
    twice: Course, tmp_path: Path
) -> None:
    quiz = quiz_of(twice, "Subquiz").owner
    path = back_up(twice, tmp_path / "quiz.mbz", archive_type="activity", item=quiz.pk)
    names = {one.findtext("name") for one in member(path, "questions.xml")}
    assert "Sub sub" in names
    assert "Quiz-context cat" not in names
    told = member(path, f"activities/quiz_{quiz.pk}/inforef.xml").findall(
        "question_categoryref/question_category/id"
    )
    assert {one.text for one in told} == {one.get("id") for one in member(path, "questions.xml")}
    pictures = {one.findtext("component") for one in member(path, "files.xml")}
    assert "question" in pictures
    assert "qtype_ddmarker" not in pictures
    other = Activity.objects.filter(course=twice, modulename="forum").order_by("pk")[0]
    path = back_up(twice, tmp_path / "forum.mbz", archive_type="activity", item=other.pk)
    assert len(member(path, "questions.xml")) == 0
    assert "question" not in {one.findtext("component") for one in member(path, "files.xml")}


def test_a_quiz_that_stays_behind_keeps_its_own_questions_unless_another_uses_them(
    twice: Course, tmp_path: Path
) -> None:
    quiz = quiz_of(twice).owner
    options: dict[str, Any] = {f"quiz_{quiz.pk}_included": "0"}
    path = back_up(twice, tmp_path / "without.mbz", **options)
    names = {one.findtext("name") for one in member(path, "questions.xml")}
    assert "Quiz-context cat" not in names
    assert {"Course cat A & <b>", "System cat (RICH1)", "Coursecat cat", "Empty category"} <= names


def test_questions_of_a_quiz_that_is_left_out_stay_away_with_their_pictures(fixtures: Path) -> None:
    course = quizzes(fixtures / "rich1-users.mbz", quiz_704_included="0")
    names = set(QuestionCategory.objects.filter(course=course).values_list("name", flat=True))
    assert "Quiz-context cat" not in names
    assert {"Course cat A & <b>", "Coursecat cat", "Empty category"} <= names
    assert not File.objects.filter(course=course, component="qtype_ddmarker", filename="mkmap.png").exists()


def test_a_quiz_that_comes_into_a_course_joins_its_questions(twice: Course, tmp_path: Path) -> None:
    quiz = quiz_of(twice, "Subquiz").owner
    path = back_up(twice, tmp_path / "quiz.mbz", archive_type="activity", item=quiz.pk)
    before = QuestionCategory.objects.filter(course=twice).count()
    assert restore(path, target={"course": twice.pk}).course == twice
    tops = QuestionCategory.objects.filter(course=twice, parent=0, contextid=twice.contextid)
    assert tops.count() == 1
    assert QuestionCategory.objects.filter(course=twice).count() == before
    assert Quiz.objects.filter(owner__course=twice, name__startswith="Subquiz").count() == 2


def test_a_question_type_that_nobody_knows_goes_through_as_it_is(fixtures: Path, tmp_path: Path) -> None:
    def rename(name: str, content: bytes) -> bytes:
        if name != "questions.xml":
            return content
        content = content.replace(b"<qtype>multichoice<", b"<qtype>of_others<")
        return content.replace(b"plugin_qtype_multichoice_question", b"plugin_qtype_of_others_question")

    source = changed(fixtures / "rich1-users.mbz", tmp_path / "others", rename)
    course = restore(source).course
    path = back_up(course, tmp_path / "back.mbz")
    told = compared(source, path)
    assert [each.sentence() for each in told.differences if "quiz.xml" in each.member] == []
    assert [each.sentence() for each in told.differences if each.member == "questions.xml"] == []
    assert not QuestionAnswer.objects.filter(question__qtype="of_others").exists()
    answers = {one.get("id") for one in member(path, "questions.xml").iter("answer")}
    kept = StepVariable.objects.filter(
        name="_order",
        step__attempt__questionid__in=[one.pk for one in of(course).values() if one.qtype == "of_others"],
    )
    assert kept.count() > 20
    for one in kept:
        assert set((one.value or "").split(",")) <= answers


def test_without_people_the_questions_come_and_what_people_wrote_of_them_does_not(
    fixtures: Path, tmp_path: Path
) -> None:
    course = quizzes(fixtures / "rich1-users.mbz")
    assert QuestionComment.objects.get().itemid in of(course)
    path = back_up(course, tmp_path / "without.mbz", users=0)
    assert len(member(path, "questions.xml").findall(PART)) == 45
    assert member(path, "questions.xml").find(".//comment") is None
    quizzes(fixtures / "rich1-users.mbz", users="0")
    assert QuestionComment.objects.count() == 1
    assert QuizAttempt.objects.filter(quiz__owner__course=course).count() == QuizAttempt.objects.count()


def test_old_archives_come_in_with_entries_and_slots(fixtures: Path) -> None:
    course = restore(fixtures / "older" / "moodle_311_quiz.mbz").course
    assert QuestionBankEntry.objects.filter(category__course=course).count() == 2
    quiz = Quiz.objects.get(owner__course=course)
    drawn = QuestionSetReference.objects.filter(within__quiz=quiz)
    assert drawn.count() == 3
    tags = dict(QuestionTag.objects.filter(question__in=of(course)).values_list("tagid", "name"))
    for one in drawn:
        told = json.loads(one.filtercondition or "")
        assert QuestionCategory.objects.get(pk=told["questioncategoryid"]).course == course
        for tag in told["tags"]:
            number, _, name = tag.partition(",")
            assert tags[int(number)] == name
            assert name in {"first question", "one", "number one", "second question"}


def test_the_number_of_attempts_does_not_change_the_number_of_queries(twice: Course, tmp_path: Path) -> None:
    quiz = quiz_of(twice)
    counts = []
    for _ in range(3):
        with CaptureQueriesContext(connection) as queries:
            path = back_up(twice, tmp_path / "counted.mbz", archive_type="activity", item=quiz.owner.pk)
        counts.append(len(queries))
        _double(quiz)
    assert counts[1] == counts[2]
    again = restore(path).course
    assert QuestionStep.objects.filter(attempt__usage__attempt__quiz__owner__course=again).exists()
    assert QuestionAttempt.objects.filter(usage__attempt__quiz__owner__course=again).count() == 1296


def _double(quiz: Quiz) -> None:
    """Adds as many attempts as there are, with one usage each and the questions of the first."""
    for attempt in QuizAttempt.objects.filter(quiz=quiz):
        inside = list(QuestionAttempt.objects.filter(usage__attempt=attempt))
        usage = inside[0].usage
        attempt.pk, usage.pk = None, None
        attempt.save()
        usage.attempt = attempt
        usage.save()
        for one in inside:
            one.pk, one.usage = None, usage
        QuestionAttempt.objects.bulk_create(inside)
