"""Restores in a real browser with a real worker: into a course, in its place, and again after one that was cancelled."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from courses.models import Activity, Course, Section
from jobs.models import Job
from tests.pages.places import Place, activity
from tests.pages.test_journeys import held_workers
from tests.pages.test_restore_pages import archives

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser, pytest.mark.worker]
__all__ = ["archives", "held_workers"]

Window = Callable[..., Page]
expect.set_options(timeout=60_000)


def go_on(page: Page) -> None:
    """Press the button that goes on; it is in view without scrolling."""
    button = page.locator(".bar-actions .btn-primary")
    expect(button).to_be_in_viewport(ratio=1)
    button.click()


def wait_for_stage(page: Page, name: str) -> None:
    expect(page.get_by_role("heading", name=name, level=1, exact=True)).to_be_visible()


@pytest.mark.parametrize(
    ("javascript", "width"), [(True, 1280), (False, 390)], ids=["desktop", "phone without scripts"]
)
def test_a_teacher_uploads_a_backup_of_her_course_and_replaces_its_content(
    place: Place, archives: dict[str, Path], worker: object, window: Window, javascript: bool, width: int
) -> None:
    late = activity(place.course, "page", "Added since the backup", content="", intro="")
    page = window("tess", javascript=javascript, width=width)
    page.get_by_role("link", name="Geology of the Alps").first.click()
    page.get_by_role("main").get_by_role("link", name="Restore", exact=True).click()
    page.get_by_label(re.compile("Choose an .mbz file")).set_input_files(archives["course"])
    page.get_by_role("button", name="Upload and look inside").click()
    wait_for_stage(page, "What is inside")
    go_on(page)
    wait_for_stage(page, "Where it goes")
    expect(page.get_by_label("Into a course", exact=True)).to_be_checked()
    expect(page.get_by_role("radio", name=re.compile("Geology of the Alps"))).to_be_checked()
    page.get_by_label("Replace the content of a course").check()
    go_on(page)
    wait_for_stage(page, "What to restore")
    go_on(page)
    wait_for_stage(page, "Sections and activities")
    go_on(page)
    wait_for_stage(page, "Check and restore")
    expect(page.get_by_text("replaces the content of Geology of the Alps")).to_be_visible()
    expect(page.get_by_role("button", name="Perform restore")).to_be_visible()
    go_on(page)
    expect(page.get_by_role("heading", name=re.compile("^The restore is complete"))).to_be_visible()
    page.get_by_role("link", name="Open the course").click()
    expect(page.get_by_role("heading", name="Geology of the Alps", level=1)).to_be_visible()
    expect(page.get_by_role("link", name="Field trips")).to_be_visible()
    assert not Activity.objects.filter(pk=late.pk).exists()
    assert Course.objects.get() == place.course
    assert sorted(place.course.activities.values_list("modulename", flat=True)) == ["forum", "page"]


def test_a_restore_is_cancelled_and_started_again_with_the_same_choices(
    place: Place,
    archives: dict[str, Path],
    held_workers: Callable[[str], subprocess.Popen[bytes]],
    window: Window,
    tmp_path: Path,
) -> None:
    held_workers("Put links right")
    page = window("ada")
    page.goto("/restore/")
    page.get_by_label(re.compile("Choose an .mbz file")).set_input_files(archives["course"])
    page.get_by_role("button", name="Upload and look inside").click()
    wait_for_stage(page, "What is inside")
    go_on(page)
    wait_for_stage(page, "Where it goes")
    page.get_by_label("As a new course").check()
    go_on(page)
    wait_for_stage(page, "What to restore")
    page.get_by_label("Course name").fill("Geology again")
    page.get_by_label("Short name").fill("GEO7")
    go_on(page)
    wait_for_stage(page, "Sections and activities")
    page.get_by_label("Search sections and activities").fill("field")
    expect(page.get_by_text("1 found")).to_be_visible()
    expect(page.get_by_label("Rocks <b>and</b> minerals", exact=True)).to_be_hidden()
    page.get_by_role("button", name="Leave out").click()
    expect(page.locator("#so-far")).to_contain_text("1 of 2")
    go_on(page)
    wait_for_stage(page, "Check and restore")
    page.get_by_role("link", name="Back").click()
    expect(page.get_by_text("1 of 2 activities chosen")).to_be_visible()
    go_on(page)
    # The worker waits in the check as well, since that is a restore that is undone.
    page.get_by_role("button", name="Perform restore without waiting").click()
    expect(page.get_by_role("heading", name="Put links right")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", name="The restore was cancelled")).to_be_visible()
    assert Course.objects.count() == 1
    (tmp_path / "hold").unlink()
    page.get_by_role("button", name="Start again with the same choices").click()
    wait_for_stage(page, "Check and restore")
    expect(page.get_by_text("GEO7")).to_be_visible()
    expect(page.get_by_role("button", name="Perform restore")).to_be_visible()
    go_on(page)
    expect(page.get_by_role("heading", name=re.compile("^The restore is complete"))).to_be_visible()
    course = Course.objects.get(shortname="GEO7")
    assert [one.modulename for one in course.activities.all()] == ["page"]
    first, second = Job.objects.filter(operation="restore").order_by("pk")
    assert (first.asked, first.target) == (second.asked, second.target)


def test_one_activity_is_backed_up_on_one_page_and_comes_back_into_a_chosen_section(
    place: Place, worker: object, window: Window
) -> None:
    trips = Section.objects.create(course=place.course, number=1, name="Trips")
    page = window("ada")
    page.goto(f"/activity/{place.forum.pk}/")
    page.get_by_role("link", name="Back up this activity").click()
    wait_for_stage(page, "Check and back up")
    page.get_by_label("Badges").uncheck()
    expect(page.locator("#so-far")).to_contain_text("Badges")
    go_on(page)
    expect(page.get_by_role("heading", name="The backup is complete")).to_be_visible()
    assert Job.objects.get().options["badges"] == "0"
    page.get_by_role("link", name="Restore it").click()
    wait_for_stage(page, "What is inside")
    go_on(page)
    wait_for_stage(page, "Where it goes")
    page.get_by_label("Name, short name, id number or category").fill("geo1")
    expect(page.get_by_text("1 course matches “geo1”")).to_be_visible()
    page.get_by_label("Place in “Geology of the Alps”").select_option(f"{trips.pk}:")
    go_on(page)
    wait_for_stage(page, "Check and restore")
    expect(page.locator("#so-far")).to_contain_text("Geology of the Alps, Trips")
    page.get_by_label("Calendar events").uncheck()
    expect(page.locator("#so-far")).to_contain_text("Calendar events")
    go_on(page)
    expect(page.get_by_role("heading", name=re.compile("^The restore is complete"))).to_be_visible()
    trips.refresh_from_db()
    copy = Activity.objects.get(section=trips)
    assert (copy.title, trips.sequence) == ("Field trips", str(copy.pk))
    assert Job.objects.get(operation="restore").options["calendarevents"] == "0"
