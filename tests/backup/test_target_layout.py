"""The layout of an archive for another Moodle: names are texts, and only what was chosen comes and is told."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from lxml import etree

from archive.errors import UsageError
from backup.content import folder
from backup.services import request_backup, resolve_options
from courses.activities.quiz import Quiz, QuizAttempt
from courses.changes import create_activity
from courses.models import Activity, Course, Group, Section
from courses.models import Category as CourseCategory
from courses.models.questions import QuestionCategory
from courses.services import create_course
from jobs import runner
from jobs.models import Job
from tests.archives_made import texts
from tests.backup.test_target_version import NUMBERS, TREE, add_category, categories, course_with, written_for
from tests.jobs_done import back_up, faults
from tests.people_made import person

pytestmark = pytest.mark.django_db(transaction=True)

NASTY = (
    " || (SELECT 'injected') || ",
    "{value}",
    "' || {value} || '",
    "'; --",
    "%s %(a)s 100%",
    "$$ $1 $a$",
    r"\' \\ \1 E'\x27'",
    '"{0}" {name}',
)
"""Names that are SQL, or what a template or a query replaces."""


def test_names_of_banks_are_texts_whatever_they_say(tmp_path: Path) -> None:
    course = course_with(TREE, bank=NASTY[0])
    section = Section.objects.get(course=course)
    for name in NASTY[1:]:
        bank = create_activity(course, section, "qbank", name, type="standard")
        add_category(course, "top", 0, (bank.contextid, 70, bank.pk))
    found = categories(back_up(course, tmp_path / "a.mbz", moodle="4.5"))
    [top] = [number for number, one in found.items() if one.parent == "0"]
    assert sorted(one.name for one in found.values() if one.parent == top) == sorted(NASTY)


@pytest.mark.parametrize("name", NASTY)
def test_names_of_courses_and_categories_are_texts_whatever_they_say(tmp_path: Path, name: str) -> None:
    course = course_with(TREE)
    Course.objects.filter(pk=course.pk).update(fullname=name)
    CourseCategory.objects.filter(pk=course.category_id).update(name=name)
    add_category(course, "top", 0, (course.category.contextid, 40, course.category_id))
    path = back_up(course, tmp_path / "a.mbz", moodle="5.3")
    assert name in {one.name for one in categories(path).values()}
    [bank] = [text for member, text in texts(path).items() if member.endswith("/qbank.xml")]
    assert etree.fromstring(bank.encode()).findtext("qbank/name") == name


def listed_groups(path: Path) -> bool:
    """Whether an archive has the course's group that nothing in it needs."""
    return "Nobody needs it" in texts(path).get("groups.xml", "")


@pytest.mark.parametrize(("asked", "bank"), [("4.5", "Rivers of the world"), ("5.3", "")])
@pytest.mark.parametrize(("left_out", "is_part"), [(0, False), (1, True)])
def test_banks_that_a_version_adds_or_lacks_make_no_part_of_a_whole(
    tmp_path: Path, asked: str, bank: str, left_out: int, is_part: bool
) -> None:
    course = course_with(TREE, bank=bank)
    section = Section.objects.get(course=course)
    Group.objects.create(course=course, name="Nobody needs it")
    # Chosen and left out are as many for a part, and one more is chosen for a whole, as the teacher sees them.
    others = 2 if bank else 1
    pages = [create_activity(course, section, "page", f"Page {n}") for n in range(others - 1 + left_out)]
    off: dict[str, Any] = {f"page_{one.pk}_included": 0 for one in pages}
    path = back_up(course, tmp_path / "a.mbz", moodle=asked, **off)
    assert listed_groups(path) != is_part
    assert listed_groups(back_up(course, tmp_path / "b.mbz", moodle="as_is", **off)) != is_part


def told(code: str) -> str:
    """The messages of the latest job that have a code."""
    return " ".join(one.message for one in Job.objects.latest("pk").findings.filter(code=code))


@pytest.mark.parametrize(("chosen", "comes"), [("page", False), ("quiz", True)])
def test_a_part_for_5_3_has_a_bank_only_if_it_uses_its_questions(
    tmp_path: Path, chosen: str, comes: bool
) -> None:
    course = course_with(TREE)
    above = (course.category.contextid, 40, course.category_id)
    add_category(course, "Of nobody", add_category(course, "top", 0, above).pk, above)
    create_activity(course, Section.objects.get(course=course), "page", "Page")
    off: dict[str, Any] = {
        f"{folder(one)}_included": 0
        for one in Activity.objects.filter(course=course).exclude(modulename=chosen)
    }
    path = back_up(course, tmp_path / "a.mbz", moodle="5.3", **off)
    assert faults(path) == []
    members = texts(path)
    assert any("/qbank_" in name for name in members) == comes
    names = {one.name for one in categories(path).values()} if "questions.xml" in members else set()
    assert names == ({"top", "Category 1", "Category 2", "Category 3"} if comes else set())
    assert bool(told("categories-as-bank")) == comes


@pytest.mark.parametrize(("archive_type", "written"), [("course", True), ("activity", False)])
def test_categories_are_said_to_become_a_bank_if_it_is_written(
    tmp_path: Path, archive_type: str, written: bool
) -> None:
    course = course_with(TREE)
    quiz = Activity.objects.get(course=course).pk if archive_type == "activity" else None
    path = back_up(course, tmp_path / "a.mbz", moodle="5.3", archive_type=archive_type, item=quiz)
    assert any("/qbank_" in name for name in texts(path)) == written
    assert ("become a hidden bank" in told("categories-as-bank")) == written


def told_places() -> list[str]:
    """Return the item types of the names that the latest job found too long, one for each name."""
    found = Job.objects.latest("pk").findings.filter(code="name-too-long")
    return sorted(one.place.rpartition(" ")[0] for one in found)


def test_the_name_of_a_bank_is_cut_or_told_as_that_of_the_category_that_it_becomes(tmp_path: Path) -> None:
    course = course_with(TREE, bank="ä" * 300)
    back_up(course, tmp_path / "a.mbz", moodle="4.5")
    assert told_places() == ["question_category"]
    found = categories(back_up(course, tmp_path / "b.mbz", moodle="4.5", long_names="cut"))
    assert told_places() == ["question_category"]
    assert [len(one.name) for one in found.values() if "ä" in one.name] == [255]


def test_only_what_is_in_the_archive_is_told(tmp_path: Path) -> None:
    course = course_with(TREE)
    long = "ä" * 300
    section = Section.objects.get(course=course)
    page = create_activity(course, section, "page", "Page")
    Section.objects.filter(pk=section.pk).update(name=long)
    Course.objects.filter(pk=course.pk).update(fullname=long)
    QuestionCategory.objects.filter(course=course, name="Category 1").update(name=long)
    quiz = Quiz.objects.get(owner__course=course)
    Quiz.objects.filter(pk=quiz.pk).update(name=long)
    QuizAttempt.objects.create(quiz=quiz, userid=person("p").pk, attemptnum=1, uniqueid=1, state="submitted")
    back_up(course, tmp_path / "a.mbz", moodle="4.5", questionbank=0)
    assert told_places() == ["course", "course_section"]
    assert told("newer-value") == ""
    off: dict[str, Any] = {f"section_{section.pk}_included": 0}
    no_people: dict[str, Any] = {f"quiz_{quiz.owner_id}_userinfo": 0}
    back_up(course, tmp_path / "b.mbz", moodle="4.5", **off)
    assert "quiz" not in told_places()
    assert "course_section" not in told_places()
    assert "question_category" in told_places()
    back_up(course, tmp_path / "c.mbz", moodle="4.5", archive_type="activity", item=page.pk)
    assert told_places() == []
    back_up(course, tmp_path / "d.mbz", moodle="4.5", **no_people)
    assert told_places() == ["course", "course_section", "question_category", "quiz"]
    assert told("newer-value") == ""
    back_up(course, tmp_path / "e.mbz", moodle="4.5")
    assert "finished" in told("newer-value")


def test_names_are_told_or_cut_if_nothing_else_is_written_otherwise_and_the_numbers_are_those_of_4_5(
    tmp_path: Path,
) -> None:
    course = course_with(TREE)
    Section.objects.filter(course=course).update(name="ä" * 300)
    path = back_up(course, tmp_path / "a.mbz", moodle="as_is")
    assert written_for(path) == {"4.5", NUMBERS["4.5"]}
    assert told_places() == ["course_section"]
    assert names_of_sections(path) == ["ä" * 300]
    path = back_up(course, tmp_path / "b.mbz", moodle="as_is", long_names="cut")
    assert told_places() == ["course_section"]
    assert names_of_sections(path) == ["ä" * 255]
    job = request_backup(course, by=None, mode="samesite", path=str(tmp_path / "c.mbz"), notify=False)
    runner.run(job.pk, raising=True)
    assert told_places() == []
    assert names_of_sections(tmp_path / "c.mbz") == ["ä" * 300]


def names_of_sections(path: Path) -> list[str]:
    """The names of the sections of an archive."""
    found = [text for name, text in texts(path).items() if name.endswith("/section.xml")]
    return [etree.fromstring(text.encode()).findtext("name") or "" for text in found]


def test_without_a_wish_a_course_with_banks_keeps_them(tmp_path: Path) -> None:
    path = back_up(course_with(TREE, bank="Rivers of the world"), tmp_path / "a.mbz")
    assert written_for(path) == {"5.3", NUMBERS["5.3"]}
    assert {one.level for one in categories(path).values()} == {"70"}
    assert any("/qbank_" in name for name in texts(path))


def test_the_versions_to_choose_are_those_that_take_the_names(tmp_path: Path) -> None:
    course = create_course("G", "Geography")
    for asked in ("5.1", "5.2", "5.3"):
        assert resolve_options(course, by=None, options={"moodle": asked}).text("moodle") == "5.3"
    with pytest.raises(UsageError, match="moodle cannot be"):
        resolve_options(course, by=None, options={"moodle": "5.0"})


@pytest.mark.parametrize("asked", ["4.5", "5.3"])
def test_the_files_of_people_are_found_by_an_index(tmp_path: Path, asked: str) -> None:
    course = course_with(TREE, bank="Rivers" if asked == "4.5" else "")
    found: list[str] = []

    def look(execute: Any, sql: Any, parameters: Any, many: bool, context: Any) -> Any:
        if "component = 'user'" in str(sql) and isinstance(parameters, dict) and not found:
            with connection.connection.cursor() as cursor:
                cursor.execute("SET LOCAL enable_seqscan = off")
                query = re.split(r"; (?:CLOSE|FETCH) ", str(sql).partition(" CURSOR FOR ")[2])[0]
                cursor.execute(f"EXPLAIN {query}", parameters)
                found.extend(line for (line,) in cursor.fetchall())
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(look):
        back_up(course, tmp_path / "a.mbz", moodle=asked)
    assert any("Index Cond" in line and "course_id" in line for line in found), found


def test_a_bank_that_is_chosen_for_a_part_comes_for_4_5(tmp_path: Path) -> None:
    course = course_with(TREE, bank="Rivers of the world")
    off: dict[str, Any] = {
        f"{folder(one)}_included": 0
        for one in Activity.objects.filter(course=course).exclude(modulename="qbank")
    }
    found = categories(back_up(course, tmp_path / "a.mbz", moodle="4.5", **off))
    assert "Rivers of the world" in {one.name for one in found.values()}
