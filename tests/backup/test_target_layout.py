"""The layout of an archive for another Moodle: names are texts, and only what was chosen comes and is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from backup.content import folder
from courses.changes import create_activity
from courses.models import Activity, Course, Group, Section
from courses.models import Category as CourseCategory
from jobs.models import Job
from tests.archives_made import texts
from tests.backup.test_target_version import TREE, add_category, categories, course_with
from tests.jobs_done import back_up, faults

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
