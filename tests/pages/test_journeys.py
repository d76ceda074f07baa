"""The two journeys in a real browser with a real worker: back a course up, and restore it as a new one."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from archive.container import open_archive
from archive.verify import verify
from courses.models import Course
from jobs import queue, sweep
from jobs.models import Job
from tests.conftest import PROJECT
from tests.pages.places import Place
from vault.models import StoredArchive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser, pytest.mark.worker]

Window = Callable[..., Page]
expect.set_options(timeout=60_000)


@pytest.fixture
def held_workers(
    site_environment: dict[str, str], tmp_path: Path
) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """Starts workers whose jobs wait at a step for as long as the file `hold` is there."""
    started: list[subprocess.Popen[bytes]] = []
    (tmp_path / "hold").touch()

    def start(step: str) -> subprocess.Popen[bytes]:
        environment = {
            **site_environment,
            "COURSEKEEP_TEST_HOLD_STEP": step,
            "COURSEKEEP_TEST_HOLD_FILE": str(tmp_path / "hold"),
        }
        command = [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "config",
            "worker",
            "--concurrency",
            "1",
            "--loglevel",
            "ERROR",
        ]
        command += [
            "--include",
            "tests.pages.holding",
            "--without-gossip",
            "--without-mingle",
            "--without-heartbeat",
        ]
        process = subprocess.Popen(command, cwd=PROJECT, env=environment, start_new_session=True)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_a_course_is_backed_up_and_its_archive_downloaded(
    place: Place, worker: object, window: Window, tmp_path: Path
) -> None:
    page = window("ada")
    page.get_by_role("link", name="Geology of the Alps").click()
    page.get_by_role("button", name="Back up now").click()
    expect(page.get_by_role("heading", name="The backup is complete")).to_be_visible()
    with page.expect_download() as coming:
        page.get_by_role("link", name="Download the archive").click()
    path = tmp_path / "course.mbz"
    coming.value.save_as(path)
    assert re.fullmatch(r"backup-moodle2-course-\d+-geo1-[\d-]+\.mbz", coming.value.suggested_filename)
    with open_archive(path) as archive:
        assert [finding for finding in verify(archive) if finding.level == "error"] == []
        assert b"To the glacier" in archive.read(f"activities/forum_{place.forum.pk}/forum.xml")
    page.goto("/")
    expect(page.get_by_role("row", name=re.compile("Geology of the Alps"))).to_contain_text(
        re.compile("just now|minute")
    )


def test_an_archive_is_restored_as_a_new_course_and_looked_at(
    place: Place, worker: object, window: Window
) -> None:
    page = window("ada")
    page.get_by_role("button", name="Back up Geology of the Alps now").click()
    page.get_by_role("link", name="Restore it").click()
    expect(page.get_by_role("heading", name="What is inside")).to_be_visible()
    page.get_by_role("link", name="Continue to “").click()
    page.get_by_role("button", name="Continue to “").click()
    page.get_by_label("Course name").fill("Geology again")
    page.get_by_label("Short name").fill("GEO2")
    page.get_by_role("button", name="Continue to “").click()
    expect(page.get_by_text("2 of 2 activities chosen")).to_be_visible()
    page.get_by_label("Rocks <b>and</b> minerals", exact=True).uncheck()
    expect(page.get_by_text("1 of 2 activities chosen")).to_be_visible()
    page.get_by_role("button", name="Continue to “").last.click()
    expect(page.get_by_text("Checks before the restore")).to_be_visible()
    page.get_by_role("button", name="Perform restore").click()
    page.get_by_role("link", name="Open the course").click()
    expect(page.get_by_role("heading", name="Geology again", level=1)).to_be_visible()
    expect(page.get_by_text("Rocks")).to_have_count(1)  # in the summary only
    page.get_by_role("link", name="Field trips").click()
    page.get_by_role("link", name="To the glacier").click()
    expect(page.get_by_text("Who comes along?")).to_be_visible()
    course = Course.objects.get(shortname="GEO2")
    assert [activity.modulename for activity in course.activities.all()] == ["forum"]


def test_both_journeys_go_by_keyboard_alone(place: Place, worker: object, window: Window) -> None:
    page = window("ada")

    def reach(name: str) -> None:
        """Press Tab until what has this name has the focus."""
        for _ in range(80):
            page.keyboard.press("Tab")
            said = page.evaluate(
                "() => { const e = document.activeElement;"
                " const label = e.labels && e.labels[0];"
                " return e.getAttribute('aria-label') || (label || e).innerText }"
            )
            if name in (said or ""):
                visible = page.evaluate(
                    "() => getComputedStyle(document.activeElement).outlineStyle !== 'none'"
                    " || getComputedStyle(document.activeElement).boxShadow !== 'none'"
                )
                assert visible, f"the focus on {name} cannot be seen"
                return
        raise AssertionError(f"Tab does not reach {name}")

    reach("Geology of the Alps")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Geology of the Alps", level=1).wait_for()
    reach("Choose what to back up")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="What to back up").wait_for()
    reach("Logs")
    page.keyboard.press("Space")
    reach("Continue to “")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Sections and activities").wait_for()
    reach("Field trips")
    page.keyboard.press("Space")
    expect(page.get_by_text("1 of 2 activities chosen")).to_be_visible()
    reach("Continue to “")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Check and back up").wait_for()
    reach("Perform backup")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="The backup is complete").wait_for()
    options = Job.objects.get().options
    assert (options["logs"], options[f"forum_{place.forum.pk}_included"]) == ("1", "0")
    reach("Restore it")
    page.keyboard.press("Enter")
    for heading, button in (
        ("What is inside", "Continue to “Where it goes”"),
        ("Where it goes", "Continue to “What to restore”"),
        ("What to restore", "Jump to “Check and restore”"),
        ("Check and restore", "Perform restore"),
    ):
        page.get_by_role("heading", name=heading, level=1).wait_for()
        reach(button)
        page.keyboard.press("Enter")
    page.get_by_role("heading", name="The restore is complete").wait_for()
    assert Course.objects.count() == 2


def test_both_journeys_go_without_scripts_on_a_phone(place: Place, worker: object, window: Window) -> None:
    page = window("ada", javascript=False, width=390)

    def over(heading: str) -> None:
        """The page looks again by itself, until the job is over."""
        page.get_by_role("heading", name=heading).wait_for(timeout=60_000)

    page.get_by_role("button", name="Back up Geology of the Alps now").click()
    over("The backup is complete")
    page.get_by_role("link", name="Restore it").click()
    page.get_by_role("link", name="Continue to “").click()
    page.get_by_role("button", name="Continue to “").click()
    page.get_by_role("button", name="Continue to “").click()
    page.get_by_label("Which ones").select_option("forum")
    page.get_by_role("button", name="Leave out").click()
    expect(page.get_by_text("1 of 2 activities chosen")).to_be_visible()
    page.get_by_role("button", name="Continue to “").last.click()
    page.get_by_role("button", name="Perform restore").click()
    over("The restore is complete")
    page.get_by_role("link", name="Open the course").click()
    expect(page.get_by_role("heading", name="Geology of the Alps", level=1)).to_be_visible()
    assert Course.objects.count() == 2


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_page_is_wider_than_a_phone(place: Place, window: Window, theme: Literal["light", "dark"]) -> None:
    queue.request("backup", by=place.admin, course=place.course, title="Geology of the Alps", notify=False)
    page = window("ada", width=390)
    page.emulate_media(color_scheme=theme)
    course = place.course.pk
    for address in (
        "/",
        f"/course/{course}/",
        f"/course/{course}/people/",
        f"/course/{course}/everything/",
        f"/activity/{place.forum.pk}/",
        f"/activity/{place.forum.pk}/records/forumpost/",
        "/archives/",
        "/jobs/",
        f"/jobs/{Job.objects.get().pk}/",
        "/schedules/",
        "/schedules/new/",
        "/restore/",
        "/administration/",
        "/administration/options/",
        f"/backup/course/{course}/",
        f"/backup/course/{course}/schema/",
        f"/backup/course/{course}/confirm/",
    ):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, address


def test_a_job_is_cancelled_while_it_runs(
    place: Place, held_workers: Callable[[str], subprocess.Popen[bytes]], window: Window
) -> None:
    held_workers("Write the activities")
    page = window("ada")
    page.get_by_role("button", name="Back up Geology of the Alps now").click()
    expect(page.get_by_role("heading", name="Write the activities")).to_be_visible()
    page.get_by_text("Log", exact=True).click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", name="The backup was cancelled")).to_be_visible()
    assert not StoredArchive.objects.exists()


def test_a_restore_whose_worker_is_killed_half_way_is_done_once_and_leaves_no_half_course(
    place: Place, held_workers: Callable[[str], subprocess.Popen[bytes]], window: Window, tmp_path: Path
) -> None:
    first = held_workers("Put links right")
    page = window("ada")
    page.get_by_role("button", name="Back up Geology of the Alps now").click()
    page.get_by_role("link", name="Restore it").click()
    page.get_by_role("link", name="Continue to “").click()
    page.get_by_role("button", name="Continue to “").click()
    page.get_by_role("button", name="Jump to “Check and restore”").click()
    page.get_by_role("button", name="Perform restore").click()
    expect(page.get_by_role("heading", name="Put links right")).to_be_visible()
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    assert Course.objects.count() == 1
    job = Job.objects.get(operation="restore")
    assert job.state == Job.State.RUNNING
    swept = sweep.sweep(now=timezone.now() + timedelta(minutes=5))
    assert swept.requeued == [job.pk]
    expect(page.get_by_role("heading", name="Waiting for a worker")).to_be_visible()
    expect(page.get_by_text("The worker that ran it stopped.")).to_be_visible()
    (tmp_path / "hold").unlink()
    held_workers("Put links right")
    expect(page.get_by_role("heading", name="The restore is complete")).to_be_visible()
    job.refresh_from_db()
    assert job.attempts == 2
    assert Course.objects.count() == 2
    page.get_by_role("link", name="Open the course").click()
    expect(page.get_by_role("link", name="Field trips")).to_be_visible()
