"""Question banks stay apart on the way from Moodle 5 to 4.5 and back, with all that is said of them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from lxml import etree

from courses import pool
from courses.activities.quiz import QuestionReference, Quiz, QuizSlot
from courses.changes import create_activity, create_section
from courses.models import Activity, Course, File, Section
from courses.models.questions import QuestionCategory
from courses.services import create_course, delete_course
from jobs.models import Job
from tests.archives_made import texts
from tests.backup.test_target_version import (
    SLOW,
    add_category,
    add_question,
    categories,
    contexts_of_question_files,
    draw,
    entries,
    randoms,
    trip,
)
from tests.jobs_done import back_up, compared, faults, restore

pytestmark = pytest.mark.django_db(transaction=True)

Shape = tuple[int, int, bool]


def course_with_banks(shapes: list[Shape], *, own: int = 0) -> Course:
    """A course with a bank for each shape, and a quiz that uses all of them, and `own` questions of the course itself.

    A shape says how many categories a bank has, one in another, how many questions each, and whether it has a top category.
    """
    course = create_course("Geography", "Geography of rivers")
    create_section(course, "Week 1")
    quiz = create_activity(course, Section.objects.get(course=course, number=0), "quiz", "Rivers")
    for number, (depth, questions, has_top) in enumerate(shapes):
        bank = add_bank(course, number)
        context = (bank.contextid, 70, bank.pk)
        parent = add_category(course, "top", 0, context).pk if has_top else 0
        for level in range(depth):
            category = add_category(course, f"Category {number}-{level}", parent, context)
            parent = category.pk
            draw(quiz.instance, quiz.contextid, QuizSlot.objects.count() + 1, category)
            for position in range(questions):
                use(quiz, add_question(course, category, f"q{number}-{level}-{position}"))
    if own:
        context = (course.contextid, 50, course.pk)
        category = add_category(course, "Own", add_category(course, "top", 0, context).pk, context)
        for position in range(own):
            use(quiz, add_question(course, category, f"own-{position}"))
    return course


def add_bank(course: Course, number: int) -> Activity:
    """Add a bank whose description has a picture, to one of the two sections in turn."""
    section = Section.objects.get(course=course, number=number % 2)
    bank = create_activity(
        course,
        section,
        "qbank",
        f"Bank {number} 'ä' %",
        type="standard" if number % 2 else "",
        intro=f'<img src="@@PLUGINFILE@@/{number}.png"> 100%',
        introformat=1,
        timecreated=1000 + number,
        timemodified=2000 + number,
    )
    Activity.objects.filter(pk=bank.pk).update(
        idnumber=f"B{number}", visible=number % 2, visibleold=number % 2, visibleoncoursepage=1
    )
    sha1, size = pool.put(io.BytesIO(f"picture {number}".encode()))
    File.objects.create(
        course=course,
        contenthash=sha1,
        filesize=size,
        contextid=bank.contextid,
        component="mod_qbank",
        filearea="intro",
        itemid=0,
        filepath="/",
        filename=f"{number}.png",
    )
    return bank


def use(quiz: Activity, entry: int) -> None:
    slot = QuizSlot.objects.create(quiz_id=quiz.instance, slot=QuizSlot.objects.count() + 1, page=1)
    QuestionReference.objects.create(within=slot, usingcontextid=quiz.contextid, questionbankentryid=entry)


def said_of_banks(path: Path) -> list[tuple[Any, ...]]:
    """Return of each bank of an archive what is said of it: its record, its activity, its pictures and its questions."""
    members, found = texts(path), []
    files = etree.fromstring(members["files.xml"].encode())
    tree = etree.fromstring(members["questions.xml"].encode())
    for name, text in members.items():
        if name.endswith("/qbank.xml"):
            root = etree.fromstring(text.encode())
            module = etree.fromstring(members[name.replace("/qbank.xml", "/module.xml")].encode())
            contextid = root.get("contextid")
            held = [one for one in tree if one.findtext("contextid") == contextid]
            found.append(
                (
                    *(root.findtext(f"qbank/{one}") for one in ("name", "intro", "introformat", "type")),
                    *(root.findtext(f"qbank/{one}") for one in ("timecreated", "timemodified")),
                    *(
                        module.findtext(one)
                        for one in ("idnumber", "visible", "visibleoncoursepage", "sectionnumber")
                    ),
                    sorted(
                        (one.findtext("component"), one.findtext("filearea"), one.findtext("filename"))
                        for one in files
                        if one.findtext("contextid") == contextid
                    ),
                    sorted(
                        one.findtext("name") or "" for category in held for one in category.iter("question")
                    ),
                    sorted(one.findtext("name") or "" for one in held),
                    {one.get("contextid") for category in held for one in category.iter("tag")}
                    <= {contextid},
                )
            )
    return sorted(found, key=str)


def without_tops(said: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Return what is said of banks, without the top categories: a bank that has none gets one."""
    return [(*one[:-2], [name for name in one[-2] if name != "top"], one[-1]) for one in said]


SHAPES = some.lists(
    some.tuples(some.integers(0, 2), some.integers(0, 2), some.booleans()), min_size=1, max_size=4
)


@SLOW
@given(shapes=SHAPES)
def test_banks_are_the_same_after_the_way_to_4_5_and_back(tmp_path: Path, shapes: list[Shape]) -> None:
    first, _, last = trip(tmp_path, course_with_banks(shapes), "5.3", "4.5", "5.3")
    assert len(said_of_banks(first)) == len(shapes)
    assert without_tops(said_of_banks(last)) == without_tops(said_of_banks(first))
    assert len(randoms(last)) == len(randoms(first))
    drawn = {(one.contextid, number) for number, one in categories(last).items()}
    assert {(context, chosen.partition(",")[0]) for context, chosen in randoms(last)} <= drawn
    assert {chosen.partition(",")[2] == context for context, chosen in randoms(last)} <= {True}


@SLOW
@given(shapes=SHAPES)
def test_what_4_5_has_of_banks_is_the_same_after_the_way_to_5_3_and_back(
    tmp_path: Path, shapes: list[Shape]
) -> None:
    course = course_with_banks(shapes, own=1)
    paths = trip(tmp_path, restored_from_4_5(course, tmp_path), "4.5", "5.3", "4.5")
    assert compared(paths[0], paths[2]).totals == {}


def restored_from_4_5(course: Course, tmp_path: Path) -> Course:
    """The course as it is after a way over Moodle 4.5."""
    path = back_up(course, tmp_path / "before.mbz", moodle="4.5")
    delete_course(course)
    return restore(path).course


def test_an_archive_for_4_5_keeps_what_is_said_of_banks_in_their_categories(tmp_path: Path) -> None:
    path = back_up(course_with_banks([(1, 1, True), (0, 0, False)]), tmp_path / "a.mbz", moodle="4.5")
    assert faults(path) == []
    root = etree.fromstring(texts(path)["questions.xml"].encode())
    kept = {one.findtext("bankname"): one for one in root if one.find("bankname") is not None}
    assert kept.keys() == {"Bank 0 'ä' %", "Bank 1 'ä' %"}
    one = kept["Bank 1 'ä' %"]
    assert [one.findtext(f"bank{name}") for name in ("type", "idnumber", "visible", "section", "timecreated")] == [
        "standard", "B1", "1", "1", "1001",
    ]  # fmt: skip
    files = etree.fromstring(texts(path)["files.xml"].encode())
    assert {one.findtext("itemid") for one in files if one.findtext("filearea") == "formerintro"} == {
        one.get("id") for one in kept.values()
    }
    assert "banks-as-categories" in {one.code for one in Job.objects.latest("pk").findings.all()}


def test_an_archive_of_a_course_without_former_banks_says_nothing_of_banks(tmp_path: Path) -> None:
    course = course_with_banks([], own=2)
    assert "<bank" not in texts(back_up(course, tmp_path / "a.mbz", moodle="4.5"))["questions.xml"]


def test_compare_explains_what_a_bank_keeps_as_a_category(tmp_path: Path) -> None:
    course = course_with_banks([(1, 1, True), (0, 0, False)], own=1)
    old, new = (back_up(course, tmp_path / f"{asked}.mbz", moodle=asked) for asked in ("4.5", "5.3"))
    assert compared(old, new).totals == {}
    assert compared(new, old).totals == {}


def test_former_banks_come_once_into_a_course_that_has_them(tmp_path: Path) -> None:
    path = back_up(course_with_banks([(1, 1, True), (0, 0, False)], own=1), tmp_path / "a.mbz", moodle="4.5")
    course = restore(path).course

    def there() -> list[int]:
        held = QuestionCategory.objects.filter(course=course, contextid=course.contextid)
        pictures = File.objects.filter(course=course, component="mod_qbank")
        return [held.count(), held.filter(bankname__isnull=False).count(), pictures.count()]

    before = there()
    assert before[1:] == [2, 2]
    restore(path, target={"course": course.pk})
    assert there() == before
    assert len(said_of_banks(back_up(course, tmp_path / "b.mbz", moodle="5.3"))) == 3


def test_the_course_keeps_its_own_questions_beside_former_banks(tmp_path: Path) -> None:
    course = restored_from_4_5(course_with_banks([(1, 1, True), (1, 0, True)], own=2), tmp_path)
    said = said_of_banks(back_up(course, tmp_path / "b.mbz", moodle="5.3"))
    assert {one[0]: one[-3] for one in said} == {
        "Bank 0 'ä' %": ["q0-0-0"],
        "Bank 1 'ä' %": [],
        "Geography of rivers": ["own-0", "own-1"],
    }
    assert {one.code for one in Job.objects.latest("pk").findings.all()} >= {
        "banks-again",
        "categories-as-bank",
    }


def test_a_part_has_the_former_banks_that_it_uses(tmp_path: Path) -> None:
    course = restored_from_4_5(course_with_banks([(1, 2, True), (1, 1, True)], own=1), tmp_path)
    section = Section.objects.get(course=course, number=0)
    other = create_activity(course, section, "quiz", "Other")
    category = QuestionCategory.objects.get(course=course, name="Category 1-0")
    draw(other.instance, other.contextid, 1, category)
    off: dict[str, Any] = {
        f"quiz_{one.owner_id}_included": 0
        for one in Quiz.objects.filter(owner__course=course)
        if one.pk != other.instance
    }
    path = back_up(course, tmp_path / "b.mbz", moodle="5.3", **off)
    assert faults(path) == []
    assert [(one[0], one[-3]) for one in said_of_banks(path)] == [("Bank 1 'ä' %", ["q1-0-0"])]
    assert entries(path) == {"q1-0-0"}
    alone = back_up(course, tmp_path / "c.mbz", moodle="5.3", archive_type="activity", item=other.pk)
    assert faults(alone) == []
    assert said_of_banks(alone) == []
    assert entries(alone) == {"q1-0-0"}
    assert contexts_of_question_files(alone) == {one.contextid for one in categories(alone).values()}
    assert len(contexts_of_question_files(alone)) == 1
