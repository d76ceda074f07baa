"""External tools: keys that nobody sees, and tools that several activities share."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lxml import etree

from archive.container import open_archive
from archive.verify import verify
from courses import encryption
from courses.activities.lti import Lti, LtiLineItem, LtiType, LtiTypeSecret, LtiTypeSetting
from courses.models import Activity, Course
from tests.archives_made import real
from tests.courses.activities.scene import page_of
from tests.courses.activities.test_records import restore_only
from tests.jobs_done import back_up, compared

pytestmark = pytest.mark.django_db(transaction=True)

OWN = "activities/lti_710/lti.xml"
SHARED = "activities/lti_731/lti.xml"
KEYS = ("resourcekey", "password")


def root_of(path: Path, activity: int) -> etree._Element:
    """The root of an activity's own file."""
    with open_archive(path) as archive:
        return etree.fromstring(archive.read(f"activities/lti_{activity}/lti.xml"))


def one_tool_for_both(fixtures: Path, target: Path) -> Path:
    """The rich course, in which both activities are of the tool that one of them has."""
    with open_archive(fixtures / "rich1-users.mbz") as archive:
        tool = re.search(rb"<ltitype id.*</ltitype>", archive.read(SHARED), re.DOTALL)
        own = archive.read(OWN)
    assert tool is not None
    own = own.replace(b"<typeid>0</typeid>", b"<typeid>1</typeid>")
    own = own.replace(b"<ltisubmissions>", tool[0] + b"\n<ltisubmissions>")
    return real(fixtures / "rich1-users.mbz", target, {OWN: own})


def test_a_secret_comes_out_as_it_came_in_and_is_on_no_page(fixtures: Path, tmp_path: Path) -> None:
    source = fixtures / "rich1-users.mbz"
    course = restore_only(source, "lti")
    path = back_up(course, tmp_path / "again.mbz")
    numbers = (
        Activity.objects.filter(course=course, modulename="lti").order_by("pk").values_list("pk", flat=True)
    )
    for old, new in zip((710, 731), numbers, strict=True):
        before, after = root_of(source, old), root_of(path, new)
        for name in (*KEYS, "value"):
            assert _encrypted(before, name) == _encrypted(after, name)
        assert len(_encrypted(before, "password")) == 1
    secrets = {
        *Lti.objects.values_list("password", flat=True),
        *Lti.objects.values_list("resourcekey", flat=True),
    }
    secrets |= set(LtiTypeSecret.objects.values_list("value", flat=True))
    assert len(secrets) == 6
    for activity in Activity.objects.filter(course=course, modulename="lti"):
        shown = page_of(activity)
        assert "tool.example.com" in shown or "lti.example.com" in shown
        assert [secret for secret in secrets if str(secret) in shown] == []


def _encrypted(root: etree._Element, name: str) -> list[str | None]:
    return [found.text for found in root.iter(name) if found.get("encrypted") == "true"]


def test_a_key_that_never_was_encrypted_is_encrypted_here(fixtures: Path, tmp_path: Path) -> None:
    with open_archive(fixtures / "rich1-users.mbz") as archive:
        own = archive.read(OWN)
    own = re.sub(
        rb'<password encrypted="true">[^<]*</password>', b"<password>plain &amp; old</password>", own
    )
    own = re.sub(
        rb'<resourcekey encrypted="true">[^<]*</resourcekey>', b"<resourcekey>$@NULL@$</resourcekey>", own
    )
    source = real(fixtures / "rich1-users.mbz", tmp_path / "old.mbz", {OWN: own})
    course = restore_only(source, "lti")
    first = Activity.objects.filter(course=course, modulename="lti").order_by("pk")[0]
    root = root_of(back_up(course, tmp_path / "again.mbz"), first.pk)
    (password,), (key,) = root.iter("password"), root.iter("resourcekey")
    assert (key.text, dict(key.items())) == ("$@NULL@$", {})
    assert dict(password.items()) == {"encrypted": "true"}
    assert encryption.reveal(password.text or "") == "plain & old"


def test_activities_that_share_a_tool_go_on_sharing_it(fixtures: Path, tmp_path: Path) -> None:
    source = one_tool_for_both(fixtures, tmp_path / "shared.mbz")
    for _ in range(2):
        course = restore_only(source, "lti")
        (number,) = set(Lti.objects.filter(owner__course=course).values_list("typeid", flat=True))
        tools = LtiType.objects.filter(lti__owner__course=course)
        assert list(tools.values_list("number", "course")) == [(number, course.pk)] * 2
        assert [LtiTypeSetting.objects.filter(type=tool).count() for tool in tools] == [7, 7]
        assert [LtiTypeSecret.objects.filter(type=tool).count() for tool in tools] == [2, 2]
    assert LtiType.objects.values("number").distinct().count() == 2
    first = back_up(course, tmp_path / "first.mbz")
    second = back_up(restore_only(first, "lti"), tmp_path / "second.mbz")
    assert [
        each.sentence() for each in compared(first, second).differences if "lti.xml" in each.sentence()
    ] == []


def test_an_activity_alone_brings_its_tool_along(fixtures: Path, tmp_path: Path) -> None:
    course = restore_only(one_tool_for_both(fixtures, tmp_path / "shared.mbz"), "lti")
    for activity in Activity.objects.filter(course=course, modulename="lti"):
        path = back_up(course, tmp_path / f"{activity.pk}.mbz", archive_type="activity", item=activity.pk)
        root = root_of(path, activity.pk)
        (tool,) = root.iter("ltitype")
        assert tool.get("id") == root.findtext("lti/typeid")
        with open_archive(path) as archive:
            assert [f.sentence() for f in verify(archive) if f.level == "error"] == []


def test_a_column_of_the_gradebook_knows_its_activity_and_its_tool(fixtures: Path) -> None:
    courses: list[Course] = [restore_only(fixtures / "rich1-users.mbz", "lti") for _ in range(2)]
    for course, column in zip(courses, LtiLineItem.objects.order_by("pk"), strict=True):
        tool = LtiType.objects.get(lti=column.lti)
        assert (column.ltilinkid, column.typeid, column.courseid) == (column.lti_id, tool.number, course.pk)
        assert column.lti.owner.course == course
