"""Who sees an activity or section in old archives, as conditions of today."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from archive.errors import InvalidValue
from archive.xml import escape
from tests.archive.older_made import modern_of

MODULE, SECTION = "activities/page_7/module.xml", "sections/section_3/section.xml"
V26, V27, V311, V45 = 2013111800, 2014051200, 2021051700, 2024100700

OF_GRADE = """<availability id="1"><sourcecmid>$@NULL@$</sourcecmid><requiredcompletion>$@NULL@$</requiredcompletion>
<gradeitemid>3</gradeitemid><grademin>20.00000</grademin><grademax>$@NULL@$</grademax></availability>"""
OF_COMPLETION = """<availability id="2"><sourcecmid>5</sourcecmid><requiredcompletion>2</requiredcompletion>
<gradeitemid>$@NULL@$</gradeitemid><grademin>$@NULL@$</grademin><grademax>$@NULL@$</grademax></availability>"""
OF_MAIL = """<availability_field id="1"><userfield>email</userfield><operator>contains</operator><value>@</value>
<customfield>$@NULL@$</customfield><customfieldtype>$@NULL@$</customfieldtype></availability_field>"""
OF_OWN_FIELD = """<availability_field id="2"><userfield>$@NULL@$</userfield><operator>isempty</operator><value></value>
<customfield>team</customfield><customfieldtype>text</customfieldtype></availability_field>"""


def of_module(folder: Path, fields: str, *, version: int = V26) -> Any:
    """The conditions that come of an activity's fields; None when there are none."""
    xml = f'<module id="7" version="2013110500"><modulename>page</modulename>{fields}</module>'
    root = modern_of(folder, version, MODULE, xml)
    left = {child.tag for child in root} - {"modulename", "availability", "groupingid"}
    assert left == set(), "fields of old are still there"
    text = root.findtext("availability")
    return None if text in (None, "$@NULL@$") else json.loads(text)


def of_section(folder: Path, fields: str, *, version: int = V26) -> Any:
    """The conditions that come of a section's fields."""
    root = modern_of(folder, version, SECTION, f'<section id="3"><number>1</number>{fields}</section>')
    assert {child.tag for child in root} <= {"number", "availabilityjson"}
    text = root.findtext("availabilityjson")
    return None if text in (None, "$@NULL@$") else json.loads(text)


def dates(start: int, end: int, *, show: int = 1) -> str:
    return (
        f"<availablefrom>{start}</availablefrom><availableuntil>{end}</availableuntil>"
        f"<showavailability>{show}</showavailability>"
    )


def test_nothing_that_was_said_is_no_condition(tmp_path: Path) -> None:
    fields = f"<groupmembersonly>0</groupmembersonly>{dates(0, 0)}<availability_info>\n</availability_info>"
    assert of_module(tmp_path, fields) is None


@pytest.mark.parametrize(("show", "told"), [(1, True), (0, False)])
def test_dates_are_conditions_and_an_end_was_never_told(tmp_path: Path, show: int, told: bool) -> None:
    assert of_module(tmp_path, dates(1400000000, 1500000000, show=show)) == {
        "op": "&",
        "c": [{"type": "date", "d": ">=", "t": 1400000000}, {"type": "date", "d": "<", "t": 1500000000}],
        "showc": [told, False],
    }


def test_conditions_of_work_and_of_peoples_fields_all_hold(tmp_path: Path) -> None:
    info = f"<availability_info>{OF_GRADE}{OF_COMPLETION}{OF_MAIL}{OF_OWN_FIELD}</availability_info>"
    found = of_module(tmp_path, dates(0, 0) + info)
    assert found["op"] == "&"
    assert found["showc"] == [True] * 4
    assert found["c"] == [
        {"type": "profile", "op": "contains", "sf": "email", "v": "@"},
        {"type": "profile", "op": "isempty", "cf": "team"},
        {"type": "grade", "id": 3, "min": 20.0},
        {"type": "completion", "cm": 5, "e": 2},
    ]


def test_a_section_has_the_same_and_its_grouping(tmp_path: Path) -> None:
    fields = f"{dates(0, 0, show=0)}<groupingid>4</groupingid>{OF_GRADE}{OF_MAIL}"
    found = of_section(tmp_path, fields)
    assert [each["type"] for each in found["c"]] == ["grouping", "profile", "grade"]
    assert found["c"][0]["id"] == 4
    assert found["showc"] == [False, False, False]


@pytest.mark.parametrize(
    ("grouping", "expected"), [(4, {"type": "grouping", "id": 4}), (0, {"type": "group"})]
)
def test_for_members_of_groups_only_is_a_condition(
    tmp_path: Path, grouping: int, expected: dict[str, object]
) -> None:
    fields = f"<groupingid>{grouping}</groupingid><groupmembersonly>1</groupmembersonly>{dates(0, 0)}"
    assert of_module(tmp_path, fields) == {"op": "&", "c": [expected], "showc": [False]}


def test_in_2_7_it_joins_the_tree_that_is_there(tmp_path: Path) -> None:
    tree: dict[str, Any] = {"op": "&", "c": [{"type": "date", "d": "<", "t": 5}], "showc": [True]}
    fields = f"<groupmembersonly>1</groupmembersonly><availability>{escape(json.dumps(tree))}</availability>"
    found = of_module(tmp_path, fields, version=V27)
    assert found["c"] == [*tree["c"], {"type": "group"}]
    assert found["showc"] == [True, False]


def test_a_tree_of_another_kind_stands_in_a_new_one(tmp_path: Path) -> None:
    tree: dict[str, Any] = {"op": "|", "c": [{"type": "date", "d": "<", "t": 5}], "show": True}
    fields = f"<groupmembersonly>1</groupmembersonly><availability>{escape(json.dumps(tree))}</availability>"
    assert of_module(tmp_path, fields, version=V27) == {
        "op": "&",
        "c": [{"op": "|", "c": tree["c"]}, {"type": "group"}],
        "showc": [True, False],
    }


def test_a_date_that_is_none_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="availablefrom"):
        of_module(tmp_path, "<availablefrom>soon</availablefrom>")


def test_conditions_on_social_fields_name_the_fields_that_they_became(tmp_path: Path) -> None:
    tree = {
        "op": "|",
        "c": [{"op": "|", "c": [{"type": "profile", "op": "isempty", "sf": "skype"}]}],
        "show": True,
    }
    found = of_module(tmp_path, f"<availability>{escape(json.dumps(tree))}</availability>", version=V311)
    assert found["c"][0]["c"] == [{"type": "profile", "op": "isempty", "cf": "skype"}]
    assert (
        of_module(tmp_path, f"<availability>{escape(json.dumps(tree))}</availability>", version=V45) == tree
    )
