"""Courses, gradebooks and people of old archives, read as those of today."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.archive.older_made import modern_of

COURSE, SECTION, GRADEBOOK = "course/course.xml", "sections/section_3/section.xml", "gradebook.xml"
V20, V26, V32, V33, V311, V40 = 2010112400, 2013111800, 2016120500, 2017051500, 2021051700, 2022041900


def course(*, form: str = "topics", more: str = "") -> str:
    return (
        f'<course id="2" contextid="20"><shortname>S</shortname><format>{form}</format><numsections>3</numsections>'
        f'<hiddensections>1</hiddensections><enablecompletion>1</enablecompletion><category id="1"><name>C</name></category>'
        f"<tags>\n</tags>{more}</course>"
    )


def options(folder: Path, text: str, *, version: int = V32) -> dict[str, str]:
    root = modern_of(folder, version, COURSE, text)
    assert root.find("hiddensections") is None
    assert root.findtext("enablecompletion") == "1"
    assert root.findtext("category/name") == "C"
    found = root.findall("courseformatoptions/courseformatoption")
    assert {each.findtext("format") for each in found} == {root.findtext("format")}
    return {each.findtext("name", ""): each.findtext("value", "") for each in found}


def test_options_of_the_format_among_the_fields_become_records(tmp_path: Path) -> None:
    assert options(tmp_path, course()) == {"hiddensections": "1"}


def test_options_that_the_format_has_no_more_are_left_out(tmp_path: Path) -> None:
    assert options(tmp_path, course(form="social", more="<numdiscussions>7</numdiscussions>")) == {
        "numdiscussions": "7"
    }
    assert options(tmp_path, course(form="wheel")) == {"numsections": "3", "hiddensections": "1"}


def test_an_unknown_field_of_a_course_is_no_option_of_moodles_formats(tmp_path: Path) -> None:
    text = course(more="<colour>red</colour>")
    assert options(tmp_path, text) == {"hiddensections": "1"}
    assert modern_of(tmp_path, V32, COURSE, text).findtext("colour") == "red"


@pytest.mark.parametrize(("version", "said"), [(V32, "1"), (V311, None)])
def test_before_3_11_a_course_shows_the_dates_of_activities(
    tmp_path: Path, version: int, said: str | None
) -> None:
    assert modern_of(tmp_path, version, COURSE, course()).findtext("showactivitydates") == said


def test_any_format_may_have_options(tmp_path: Path) -> None:
    found = options(tmp_path, course(form="wheel", more="<spokes>eight &amp; a half</spokes>"), version=V311)
    assert found["spokes"] == "eight & a half"


def test_parts_of_plugins_are_no_options(tmp_path: Path) -> None:
    part = "<plugin_local_flags_course><flag>red</flag></plugin_local_flags_course>"
    assert "plugin_local_flags_course" not in options(tmp_path, course(more=part))


def test_a_course_of_one_scorm_package_is_one_of_a_single_activity(tmp_path: Path) -> None:
    found = options(tmp_path, course(form="scorm"), version=V20)
    assert found["activitytype"] == "scorm"
    assert modern_of(tmp_path, V20, COURSE, course(form="scorm")).findtext("format") == "singleactivity"


def test_since_4_0_what_stands_there_is_something_else(tmp_path: Path) -> None:
    root = modern_of(tmp_path, V40, COURSE, course())
    assert root.findtext("hiddensections") == "1"
    assert root.find("courseformatoptions") is None


@pytest.mark.parametrize(
    ("number", "version", "form", "visible"),
    [(3, V32, "topics", "1"), (4, V32, "topics", "0"), (4, V32, "wheel", "1"), (4, V33, "topics", "1")],
)
def test_a_section_beyond_the_number_that_a_course_shows_is_hidden(
    tmp_path: Path, number: int, version: int, form: str, visible: str
) -> None:
    section = f'<section id="3"><number>{number}</number><visible>1</visible></section>'
    root = modern_of(tmp_path, version, SECTION, section, course__course=course(form=form))
    assert [each.text for each in root.iterfind("visible")] == [visible]


def test_the_version_at_which_a_gradebook_was_frozen_is_a_record(tmp_path: Path) -> None:
    text = '<gradebook calculations_freeze="20160511"><grade_categories>\n</grade_categories></gradebook>'
    root = modern_of(tmp_path, V26, GRADEBOOK, text)
    assert root.findtext("attributes/calculations_freeze") == "20160511"
    assert root.get("calculations_freeze") is None


def test_a_gradebook_that_was_not_frozen_has_no_such_record(tmp_path: Path) -> None:
    text = "<gradebook><grade_letters>\n</grade_letters></gradebook>"
    assert modern_of(tmp_path, V26, GRADEBOOK, text).find("attributes") is None


OWN_FIELD = '<custom_fields><custom_field id="5"><field_name>team</field_name></custom_field></custom_fields>'


@pytest.mark.parametrize("own", ["", OWN_FIELD])
def test_what_an_account_said_of_other_places_becomes_fields_of_the_site(tmp_path: Path, own: str) -> None:
    text = (
        '<users><user id="4"><username>anna</username><icq></icq><skype>anna.s</skype><url>http://a.example/?a&amp;b</url>'
        f"{own}</user>"
        '<user id="5"><username>boris</username><icq></icq><skype></skype><url></url></user></users>'
    )
    anna, boris = modern_of(tmp_path, V311, "users.xml", text)
    assert len(anna.findall("custom_fields")) == 1
    found = {each.findtext("field_name"): each.findtext("field_data") for each in anna.iter("custom_field")}
    assert found == {**({"team": None} if own else {}), "skype": "anna.s", "url": "http://a.example/?a&b"}
    assert {child.tag for child in boris} == {"username"}
