"""Journeys in a real browser with a real worker: import, copy, people in conflict, and removal with return."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from courses.activities.forum import ForumPost
from courses.models import Activity, Course, Role, RoleAssignment, User
from courses.services import create_course
from jobs.models import Job
from tests.archives_made import small
from tests.pages.places import Place, person
from tests.pages.test_restore_journeys import go_on, wait_for_stage
from transfer.copies import WEEK
from transfer.models import RemovedItem

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser, pytest.mark.worker]

Window = Callable[..., Page]
expect.set_options(timeout=60_000)
BOTH_WIDTHS = pytest.mark.parametrize(
    ("javascript", "width"), [(True, 1280), (False, 390)], ids=["desktop", "phone without scripts"]
)


@BOTH_WIDTHS
def test_a_teacher_imports_two_activities_of_her_other_course(
    place: Place, worker: object, window: Window, javascript: bool, width: int
) -> None:
    other = create_course("SEA1", "Geology of the sea", category=place.course.category)
    teaching = Role.objects.get(shortname="editingteacher")
    RoleAssignment.objects.create(roleid=teaching.pk, userid=place.teacher.pk, contextid=other.contextid)
    page = window("tess", javascript=javascript, width=width)
    page.get_by_role("link", name="Geology of the sea").first.click()
    page.get_by_role("link", name="Import from another course").click()
    page.get_by_role("link", name="Geology of the Alps").click()
    page.get_by_label("Search sections and activities").fill("field")
    if not javascript:
        page.get_by_role("button", name="Search").click()
    expect(page.get_by_label(re.compile("Rocks"))).to_be_hidden()
    expect(page.get_by_text("1 found")).to_be_visible()
    page.get_by_label(re.compile("Field trips")).check()
    page.get_by_label("Search sections and activities").fill("")
    if not javascript:
        page.get_by_role("button", name="Search").click()
    expect(page.get_by_label(re.compile("Field trips"))).to_be_checked()
    page.get_by_label(re.compile("Rocks")).check()
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("heading", name=re.compile("^The import is complete"))).to_be_visible()
    page.get_by_role("link", name="Open the course").click()
    expect(page.get_by_role("heading", name="Geology of the sea", level=1)).to_be_visible()
    expect(page.get_by_role("link", name="Field trips")).to_be_visible()
    titles = Activity.objects.filter(course=other).order_by("title").values_list("title", flat=True)
    assert list(titles) == ["Field trips", "Rocks <b>and</b> minerals"]
    assert ForumPost.objects.count() == 1


@BOTH_WIDTHS
def test_a_course_is_copied_with_names_dates_and_teachers(
    place: Place, worker: object, window: Window, javascript: bool, width: int
) -> None:
    Course.objects.filter(pk=place.course.pk).update(startdate=1_725_235_200)
    page = window("ada", javascript=javascript, width=width)
    page.get_by_role("link", name="Geology of the Alps").first.click()
    page.get_by_role("link", name="Copy the course").click()
    page.get_by_label("Course name").fill("Geology next year")
    page.get_by_label("Short name").fill("GEO2")
    page.get_by_label("Start date").fill("2027-09-01")
    page.get_by_label(re.compile("People with these roles")).check()
    page.get_by_label("Teacher", exact=True).check()
    page.get_by_role("button", name="Make the copy").click()
    expect(page.get_by_role("heading", name=re.compile("^The copy is complete"))).to_be_visible()
    page.get_by_role("link", name="Open the course").click()
    expect(page.get_by_role("heading", name="Geology next year", level=1)).to_be_visible()
    copy = Course.objects.get(shortname="GEO2")
    assert (copy.startdate - 1_725_235_200) % WEEK == 0
    held = RoleAssignment.objects.filter(contextid=copy.contextid)
    assert [one.userid for one in held] == [place.teacher.pk]


@BOTH_WIDTHS
def test_three_people_in_conflict_are_resolved_in_three_ways(
    place: Place, worker: object, window: Window, tmp_path: Path, javascript: bool, width: int
) -> None:
    there = {name: person(name) for name in ("anna", "boris", "carla")}
    third = (
        '<user id="13" contextid="613"><username>carla</username><email>c@example.com</email></user></users>'
    )
    path = small(tmp_path / "a.mbz", {"users.xml": ("</users>", third)})
    page = window("ada", javascript=javascript, width=width)
    page.get_by_role("link", name="Restore", exact=True).first.click()
    page.get_by_label(re.compile("Choose an .mbz file")).set_input_files(path)
    page.get_by_role("button", name="Upload and look inside").click()
    for stage in ("What is inside", "Where it goes", "What to restore", "Sections and activities"):
        wait_for_stage(page, stage)
        go_on(page)
    wait_for_stage(page, "People and roles")
    decide = {"anna": "The same person", "boris": "Somebody else", "carla": "Leave out"}
    for name, choice in decide.items():
        page.get_by_role("region", name=name).get_by_label(re.compile(choice)).check()
    page.get_by_role("region", name="boris").get_by_label("User name of the new account").fill("boris2")
    go_on(page)
    wait_for_stage(page, "Check and restore")
    expect(page.get_by_role("button", name="Perform restore", exact=True)).to_be_visible()
    go_on(page)
    expect(page.get_by_role("heading", name=re.compile("^The restore is complete"))).to_be_visible()
    posts = ForumPost.objects.exclude(discussion__forum__owner=place.forum)
    boris = User.objects.get(username="boris2")
    assert set(posts.values_list("userid", flat=True)) == {there["anna"].pk, boris.pk}
    assert not User.objects.filter(email="c@example.com").exists()
    assert Job.objects.get(operation="restore").result["people_created"] == 1


@BOTH_WIDTHS
def test_an_activity_is_removed_and_brought_back(
    place: Place, worker: object, window: Window, javascript: bool, width: int
) -> None:
    page = window("tess", javascript=javascript, width=width)
    page.get_by_role("link", name="Geology of the Alps").first.click()
    page.get_by_role("link", name="Field trips").click()
    page.get_by_role("link", name="Remove", exact=True).click()
    page.get_by_role("button", name=re.compile("^Remove")).click()
    expect(page.get_by_role("heading", name="It was removed")).to_be_visible()
    assert not Activity.objects.filter(pk=place.forum.pk).exists()
    page.get_by_role("main").get_by_role("link", name=re.compile("recycle bin", re.IGNORECASE)).first.click()
    page.get_by_role("button", name=re.compile("^Bring back")).click()
    expect(page.get_by_role("heading", name=re.compile("^The return is complete"))).to_be_visible()
    page.get_by_role("link", name="Open the course").click()
    page.get_by_role("link", name="Field trips").click()
    expect(page.get_by_role("heading", name="Field trips", level=1)).to_be_visible()
    assert Activity.objects.filter(pk=place.forum.pk).exists()
    [post] = ForumPost.objects.all()
    assert (post.message, post.userid) == ("<p>Who comes along?</p>", place.student.pk)
    assert not RemovedItem.objects.exists()
