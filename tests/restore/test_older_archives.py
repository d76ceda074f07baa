"""Archives of older versions come in as courses of today, and go out so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from lxml import etree

from courses.models import Activity, Course, OpaqueElement, ProfileField, Section, User
from courses.models.course import CourseFormatOption
from tests.archive.sample import DATE
from tests.archives_made import small, texts
from tests.jobs_done import Restored, back_up, compared, faults, restore

FORUM, PAGE = "activities/forum_31/module.xml", "activities/page_32/module.xml"
SECTION = "sections/section_21/section.xml"
OLD_FIELDS = (
    "<groupmembersonly>1</groupmembersonly><availablefrom>1400000000</availablefrom><availableuntil>0</availableuntil>"
    '<showavailability>1</showavailability><availability_info><availability id="1"><sourcecmid>31</sourcecmid>'
    "<requiredcompletion>1</requiredcompletion><gradeitemid>$@NULL@$</gradeitemid></availability></availability_info>"
)

OLD_OPTIONS = "<format>topics</format><numsections>4</numsections><coursedisplay>1</coursedisplay>"


@pytest.fixture
def transactional_db(standing: None) -> None:
    """The tests of this module share what was committed."""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small archive as Moodle 2.6 would have made it."""
    return small(
        tmp_path_factory.mktemp("source") / "old.mbz",
        {
            "moodle_backup.xml": ("<backup_version>2024100700", "<backup_version>2013111800"),
            "course/course.xml": (
                "<format>topics</format>",
                f"<startdate>{DATE}</startdate>{OLD_OPTIONS}",
            ),
            PAGE: ("</module>", f"{OLD_FIELDS}</module>"),
            FORUM: ('version="2024"', 'version="2012112200.08"'),
            SECTION: (
                "<number>0</number>",
                "<number>0</number><groupingid>0</groupingid><availablefrom>5</availablefrom>",
            ),
            "users.xml": (
                "<deleted>0</deleted></user>",
                "<deleted>0</deleted><skype>anna.s</skype></user>",
                1,
            ),
        },
    )


@pytest.fixture(scope="module")
def restored(standing: None, source: Path) -> Restored:
    return restore(source)


def test_nothing_of_old_is_only_kept(transactional_db: None, restored: Restored) -> None:
    assert [element.xml for element in OpaqueElement.objects.all()] == []


def test_conditions_name_what_came(transactional_db: None, restored: Restored) -> None:
    page = Activity.objects.get(course=restored.course, modulename="page")
    forum = Activity.objects.get(course=restored.course, modulename="forum")
    tree = json.loads(page.availability or "")
    assert [each.get("type") for each in tree["c"]] == [None, "group", "date", "completion"], (
        "what it had is one of them"
    )
    assert tree["c"][3]["cm"] == forum.pk
    section = Section.objects.get(course=restored.course)
    assert json.loads(section.availabilityjson or "")["c"] == [{"type": "date", "d": ">=", "t": 5}]


def test_activities_have_the_version_of_4_5(transactional_db: None, restored: Restored) -> None:
    versions = Activity.objects.filter(course=restored.course).values_list("version", flat=True)
    assert {*versions} == {"2024100700"}


def test_a_version_with_a_point_is_one(transactional_db: None, tmp_path: Path) -> None:
    source = small(tmp_path / "point.mbz", {FORUM: ('version="2024"', 'version="2024.08"')})
    assert Activity.objects.get(course=restore(source).course, modulename="forum").version == "2024.08"


def test_options_of_the_format_and_fields_of_people_are_records(
    transactional_db: None, restored: Restored
) -> None:
    (option,) = CourseFormatOption.objects.filter(course=restored.course)
    assert (option.format, option.name, option.value) == ("topics", "coursedisplay", "1")
    field = ProfileField.objects.get(user=User.objects.get(username="anna"))
    assert (field.field_name, field.field_type, field.field_data) == ("skype", "social", "anna.s")


def test_what_goes_out_is_of_today_and_says_the_same(
    transactional_db: None, source: Path, restored: Restored, tmp_path: Path
) -> None:
    again = back_up(Course.objects.get(pk=restored.course.pk), tmp_path / "again.mbz")
    found = compared(source, again)
    assert found.totals == {}
    assert found.leaves.lost == {}
    assert faults(again) == []
    (page,) = (text for name, text in texts(again).items() if name.endswith("/module.xml") and "page" in name)
    assert etree.fromstring(page.encode()).find("groupmembersonly") is None


def test_an_anonymous_archive_does_not_say_who_somebody_is_elsewhere(
    transactional_db: None, restored: Restored, tmp_path: Path
) -> None:
    hidden = back_up(restored.course, tmp_path / "hidden.mbz", anonymize=1)
    assert "anna.s" not in "".join(texts(hidden).values())


def test_what_the_archive_mentions_and_does_not_hold_is_said_in_a_sentence(
    transactional_db: None, tmp_path: Path
) -> None:
    item = (
        '<activity_gradebook><grade_items><grade_item id="5"><categoryid>77</categoryid><itemtype>mod</itemtype>'
        "<itemmodule>page</itemmodule></grade_item></grade_items></activity_gradebook>"
    )
    source = small(tmp_path / "a.mbz", {"activities/page_32/grades.xml": item.encode()})
    finding = restore(source).job.findings.get(code="reference-lost", message__contains="grade")
    assert finding.message == "The archive mentions 1 grade category that it does not hold."
    assert finding.hint == "1 reference was cleared."
