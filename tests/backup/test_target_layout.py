"""The layout of an archive for another Moodle: names are texts, and only what was chosen comes and is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from courses.changes import create_activity
from courses.models import Category as CourseCategory
from courses.models import Course, Section
from tests.archives_made import texts
from tests.backup.test_target_version import TREE, add_category, categories, course_with
from tests.jobs_done import back_up

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
