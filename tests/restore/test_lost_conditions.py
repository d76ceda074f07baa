"""Conditions, calculations and links to what a restore does not bring are named, and never become others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from courses.activities.forum import Forum
from courses.activities.page import Page
from courses.fields import ConditionTree
from courses.models import Activity, Course, Group, OpaqueElement, ProfileField
from courses.models.grades import GradeCategory, GradeItem
from tests.archives_made import Change, small
from tests.courses.activities import scene
from tests.jobs_done import Restored, back_up, restore
from tests.people_made import person

pytestmark = pytest.mark.django_db(transaction=True)


def guarded(course: Course, *conditions: dict[str, Any], op: str = "&") -> Activity:
    """Return an activity of the course that is open on these conditions."""
    page = scene.activity(course, Page, name="Guarded", intro="").owner
    tree = {"op": op, "c": list(conditions), "showc": [True] * len(conditions)}
    Activity.objects.filter(pk=page.pk).update(availability=json.dumps(tree))
    return page


def scenery(folder: Path) -> tuple[Path, Activity, Activity]:
    """Return an archive of a course, its forum with a grade, and a page that is open after the forum and to a group."""
    course = scene.course()
    forum = scene.activity(course, Forum, name="First", intro="").owner
    item = GradeItem.objects.create(
        course=course,
        activity=forum,
        itemtype="mod",
        itemmodule="forum",
        iteminstance=forum.instance,
        itemname="Points",
    )
    group = Group.objects.create(course=course, name="Red")
    page = guarded(
        course,
        {"type": "completion", "cm": forum.pk, "e": 1},
        {"type": "grade", "id": item.pk, "min": 50},
        {"type": "group", "id": group.pk},
        {"type": "date", "d": "<", "t": 1},
    )
    return back_up(course, folder / "a.mbz"), forum, page


def conditions_of(done: Restored) -> list[dict[str, Any]]:
    """Return the conditions of the guarded page that was restored."""
    page = Activity.objects.get(course=done.course, title="Guarded")
    found: list[dict[str, Any]] = json.loads(page.availability or "{}").get("c", [])
    return found


def test_each_lost_condition_is_named_with_its_place_and_what_would_mend_it(tmp_path: Path) -> None:
    path, forum, page = scenery(tmp_path)
    left_out: dict[str, Any] = {f"forum_{forum.pk}_included": "0"}
    done = restore(path, **left_out)
    first, second = done.job.findings.filter(code="condition-lost").order_by("message")
    assert "“Guarded” name “First”" in second.message
    assert "the grade of “First”" in first.message
    assert second.place == f"activities/page_{page.pk}/module.xml, <availability>, course_module {forum.pk}"
    assert {first.about, second.about} == {f"page_{page.pk}"}
    assert {first.bring, second.bring} == {f"forum_{forum.pk}"}
    [completion, grade, group, date] = conditions_of(done)
    assert (completion["cm"], grade["id"], date["t"]) == (0, 0, 1)
    assert group["id"] == Group.objects.get(course=done.course).pk


def test_lost_conditions_are_left_out_or_hide_what_they_restrict(tmp_path: Path) -> None:
    path, forum, _ = scenery(tmp_path)
    left_out: dict[str, Any] = {f"forum_{forum.pk}_included": "0"}
    done = restore(path, lost_conditions="leave_out", **left_out)
    assert [one["type"] for one in conditions_of(done)] == ["group", "date"]
    assert "left out" in done.job.findings.filter(code="condition-lost")[0].message
    done = restore(path, lost_conditions="hide", **left_out)
    page = Activity.objects.get(course=done.course, title="Guarded")
    assert page.visible == 0
    assert len(conditions_of(done)) == 4


def test_a_group_that_stays_away_is_nobody_and_named(tmp_path: Path) -> None:
    path, _, _ = scenery(tmp_path)
    done = restore(path, groups="0")
    [finding] = done.job.findings.filter(code="condition-lost")
    assert "the group “Red”" in finding.message
    assert [one.get("id") for one in conditions_of(done) if one["type"] == "group"] == [-1]


def with_profile_fields(folder: Path) -> Path:
    """Return an archive of a page that is open to people of a department, of a team, and with a mail address."""
    course = scene.course()
    guarded(
        course,
        {"type": "profile", "cf": "department", "op": "isequalto", "v": "Physics"},
        {"type": "profile", "cf": "team", "op": "isnotempty"},
        {"type": "profile", "sf": "email", "op": "contains", "v": "@"},
    )
    return back_up(course, folder / "a.mbz")


def test_a_condition_on_a_profile_field_that_nobody_here_has_is_named(tmp_path: Path) -> None:
    path = with_profile_fields(tmp_path)
    ProfileField.objects.create(user=person("lea"), field_name="team", field_type="text", field_data="A")
    done = restore(path)
    [finding] = done.job.findings.filter(code="condition-lost")
    assert "“Guarded” name the profile field “department”, which nobody on this site has." in finding.message
    assert finding.place.endswith("<availability>, profile_field department")
    assert finding.bring == ""
    assert [one.get("cf", one.get("sf")) for one in conditions_of(done)] == ["department", "team", "email"]


def test_a_condition_on_a_profile_field_that_comes_with_the_people_is_not_lost(tmp_path: Path) -> None:
    path = with_profile_fields(tmp_path)
    for name in ("department", "team"):
        ProfileField.objects.create(user=person(name), field_name=name, field_type="text", field_data="A")
    assert "condition-lost" not in restore(path).findings


def test_lost_conditions_on_profile_fields_are_left_out_or_hide_what_they_restrict(tmp_path: Path) -> None:
    path = with_profile_fields(tmp_path)
    done = restore(path, lost_conditions="leave_out")
    assert [one.get("cf", one.get("sf")) for one in conditions_of(done)] == ["email"]
    done = restore(path, lost_conditions="hide")
    assert Activity.objects.get(course=done.course, title="Guarded").visible == 0


def test_conditions_on_profile_fields_alone_stay_as_they_are_written() -> None:
    text = '{ "op": "&", "c": [ {"type": "profile", "cf": "team", "op": "isnotempty"} ], "showc": [true] }'
    field: ConditionTree = Activity._meta.get_field("availability")
    assert field.relink(text, known=lambda _type, _old: None, root="", original="") == text


NOTE = "<note>$@PAGEVIEWBYID*32@$ and $@PAGEVIEWBYID*32@$ and $@FORUMVIEWBYID*31@$</note>"


def test_lost_links_in_opaque_content_are_counted_with_those_in_texts(tmp_path: Path) -> None:
    """In an element that no model describes, and in a member; they stay tokens or become addresses as before."""
    changes: dict[str, Change] = {
        "activities/forum_31/forum.xml": ("<name>News</name>", f"<name>News</name>{NOTE}"),
        "activities/forum_31/plugin.xml": f"<plugin>{NOTE}</plugin>".encode(),
    }
    plain: dict[str, Any] = {"page_32_included": "0"}
    [before] = restore(small(tmp_path / "a.mbz"), **plain).job.findings.filter(code="link-lost")
    done = restore(small(tmp_path / "b.mbz", changes), **plain)
    [after] = done.job.findings.filter(code="link-lost")
    first, second = (int(one.message.partition(" ")[0]) for one in (before, after))
    assert second == first + 4
    assert after.bring == "page_32"
    element = OpaqueElement.objects.get(course=done.course, xml__contains="<note>")
    assert "$@FORUMVIEWBYID" in element.xml
    assert "PAGEVIEWBYID" not in element.xml


@pytest.mark.parametrize(
    ("conditions", "left"),
    [
        ('{"op":"&","c":[{"type":"completion","cm":5,"e":1}],"showc":[true]}', None),
        (
            '{"op":"|","c":[{"op":"&","c":[{"type":"group","id":5}]}],"show":true}',
            '{"op":"|","c":[{"op":"&","c":[{"type":"group","id":5}]}],"show":true}',
        ),
        (
            '{"op":"&","c":[{"type":"completion","cm":5,"e":1},{"type":"date","t":1}],"showc":[true,false]}',
            '{"op":"&","c":[{"type":"date","t":1}],"showc":[false]}',
        ),
        ('{"op":"&","c":[],"showc":[]}', '{"op":"&","c":[],"showc":[]}'),
    ],
)
def test_a_tree_without_lost_conditions(conditions: str, left: str | None) -> None:
    assert ConditionTree.without(conditions, {("course_module", 5)}) == left


def test_an_activity_that_goes_back_into_its_course_keeps_its_conditions(tmp_path: Path) -> None:
    course = scene.course()
    forum = scene.activity(course, Forum, name="First", intro="").owner
    page = guarded(course, {"type": "completion", "cm": forum.pk, "e": 1})
    path = back_up(course, tmp_path / "a.mbz", archive_type="activity", item=page.pk)
    done = restore(path, target={"course": course.pk})
    again = Activity.objects.filter(course=course, title="Guarded").exclude(pk=page.pk).get()
    assert json.loads(again.availability or "")["c"][0]["cm"] == forum.pk
    assert "condition-lost" not in done.findings


def test_each_lost_calculation_is_named_and_names_no_other_item(tmp_path: Path) -> None:
    course = scene.course()
    forum = scene.activity(course, Forum, name="First", intro="").owner
    category = GradeCategory.objects.create(course=course, depth=1, fullname="?", path="/1/")
    item = GradeItem.objects.create(
        course=course,
        activity=forum,
        itemtype="mod",
        itemmodule="forum",
        iteminstance=forum.instance,
        itemname="Points",
    )
    total = GradeItem.objects.create(
        course=course, itemtype="course", iteminstance=category.pk, calculation=f"=##gi{item.pk}## * 2"
    )
    path = back_up(course, tmp_path / "a.mbz")
    whole = restore(path).course
    [new] = GradeItem.objects.filter(course=whole, itemname="Points")
    assert GradeItem.objects.get(course=whole, itemtype="course").calculation == f"=##gi{new.pk}## * 2"
    options: dict[str, Any] = {f"forum_{forum.pk}_included": "0", "only_needed": "0"}
    done = restore(path, **options)
    [finding] = done.job.findings.filter(code="calculation-lost")
    assert "“First”" in finding.message
    assert finding.place == f"gradebook.xml, <grade_item id={total.pk}>, <calculation>, grade_item {item.pk}"
    assert finding.bring == f"forum_{forum.pk}"
    assert GradeItem.objects.get(course=done.course, itemtype="course").calculation == "=##gi0## * 2"
    done = restore(path, lost_calculations="leave_out", **options)
    assert GradeItem.objects.get(course=done.course, itemtype="course").calculation is None


def test_links_to_what_is_left_out_are_named(tmp_path: Path) -> None:
    course = scene.course()
    forum = scene.activity(course, Forum, name="First", intro="").owner
    address = f"{settings.SITE_URL}/mod/forum/view.php?id={forum.pk}"
    scene.activity(course, Page, name="Second", intro=f'<a href="{address}">look</a>')
    path = back_up(course, tmp_path / "a.mbz")
    assert "link-lost" not in restore(path).findings
    left_out: dict[str, Any] = {f"forum_{forum.pk}_included": "0"}
    done = restore(path, **left_out)
    [finding] = done.job.findings.filter(code="link-lost")
    assert "1 link leads to “First”" in finding.message
    assert finding.bring == f"forum_{forum.pk}"
