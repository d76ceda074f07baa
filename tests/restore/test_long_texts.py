"""Texts that are longer than their column: the names of newer Moodles fit, others are cut, and a finding names the place."""

from __future__ import annotations

from pathlib import Path

import pytest

from courses.fields import LONGEST_NAME
from courses.models import Activity, Course, Group, Section, User
from courses.models.badges import BadgeParameter
from restore.services import review
from restore.shortened import NAMED
from tests.archives_made import small, texts
from tests.jobs_done import back_up, faults, restore

pytestmark = pytest.mark.django_db(transaction=True)

LONG = "Ä long name 🙂 " * 100
NAME = LONG[:LONGEST_NAME].strip()
COURSE = "course/course.xml"
SECTION = "sections/section_21/section.xml"
PAGE = "activities/page_32/page.xml"
MANIFEST = "moodle_backup.xml"


def test_names_as_long_as_moodle_5_allows_come_in_and_go_out(tmp_path: Path) -> None:
    path = small(
        tmp_path / "a.mbz",
        {
            COURSE: ("<fullname>A sample", f"<fullname>{NAME}"),
            MANIFEST: ("<original_course_fullname>A sample", f"<original_course_fullname>{NAME}"),
            SECTION: ("<name>Start", f"<name>{NAME}"),
            PAGE: ("<name>Reading", f"<name>{NAME}"),
        },
    )
    done = restore(path)
    assert "text-shortened" not in done.findings
    assert done.course.fullname == NAME
    assert Section.objects.filter(course=done.course, name=NAME).exists()
    written = back_up(done.course, tmp_path / "b.mbz")
    assert faults(written) == []
    found = texts(written)
    assert f"<fullname>{NAME}</fullname>" in found[COURSE]
    assert sum(f"<name>{NAME}</name>" in text for text in found.values()) == 2


def test_a_text_that_is_too_long_is_cut_and_its_place_is_named(tmp_path: Path) -> None:
    path = small(tmp_path / "a.mbz", {"groups.xml": ("<name>Red", "<name>" + "R" * 300)})
    assert not [
        finding for finding in review(path, by=None, target={}, options={}) if finding.level == "error"
    ]
    done = restore(path)
    [finding] = done.job.findings.filter(code="text-shortened")
    assert (finding.level, finding.place) == ("warning", "groups.xml, <group id=41>, <name>")
    assert "300" in finding.message
    assert Group.objects.get(course=done.course).name == "R" * 254
    assert faults(back_up(done.course, tmp_path / "b.mbz")) == []


def test_a_name_longer_than_any_moodle_allows_is_cut(tmp_path: Path) -> None:
    path = small(tmp_path / "a.mbz", {COURSE: ("<fullname>A sample", f"<fullname>{LONG * 2}")})
    done = restore(path)
    assert Course.objects.get(pk=done.course.pk).fullname == (LONG * 2)[:LONGEST_NAME]
    assert done.findings.count("text-shortened") == 1


def test_a_user_name_that_is_too_long_is_cut_and_found_again(tmp_path: Path) -> None:
    path = small(tmp_path / "a.mbz", {"users.xml": ("<username>anna", "<username>" + "a" * 101)})
    restore(path)
    assert "text-shortened" not in restore(path).findings
    assert User.objects.filter(username="a" * 100).count() == 1


def test_many_texts_of_one_element_are_counted(tmp_path: Path) -> None:
    groups = "".join(
        f'<group id="{number}"><name>{number}{"x" * 300}</name></group>'
        for number in range(100, 100 + NAMED + 5)
    )
    done = restore(small(tmp_path / "a.mbz", {"groups.xml": ("<groups>", f"<groups>{groups}")}))
    found = [finding.message for finding in done.job.findings.filter(code="text-shortened")]
    assert len(found) == NAMED + 1
    assert found[-1].startswith("5 more texts in <name>")


def test_a_text_that_grows_by_a_new_id_is_cut_too(tmp_path: Path) -> None:
    name = "x" * 230 + "_" + "7" * 18
    badges = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<badges><badge id="1"><name>B</name><criteria><criterion id="2">'
        f'<criteriatype>1</criteriatype><parameters><parameter id="3"><name>{name}{"9" * 9}</name><value>{"v" * 300}</value>'
        "<criteriatype>1</criteriatype></parameter></parameters></criterion></criteria></badge></badges>"
    )
    done = restore(small(tmp_path / "a.mbz", {"badges.xml": badges.encode()}))
    assert done.findings.count("text-shortened") == 2
    [parameter] = BadgeParameter.objects.filter(criterion__badge__course=done.course)
    assert (len(parameter.name), len(parameter.value or "")) == (255, 255)


def test_the_title_of_an_activity_in_the_manifest_may_be_of_any_length(tmp_path: Path) -> None:
    title = "t" * 5000
    done = restore(small(tmp_path / "a.mbz", {MANIFEST: ("<title>Reading", f"<title>{title}")}))
    assert Activity.objects.filter(course=done.course, title=title[:LONGEST_NAME]).exists()
