"""Pages that show jobs move while jobs run, and stop when they have ended; a job that has ended has its log."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from backup import services
from courses.models import Section
from jobs import queue, runner
from jobs.models import Job
from tests.pages.places import Place
from vault import schedules
from vault.models import Schedule

SignIn = Callable[[str], Client]
pytestmark = pytest.mark.django_db


def moves(page: str) -> bool:
    """Whether a part of the page is fetched again, with scripts and without."""
    with_scripts = re.search(r'id="moving" hx-get="[^"]+" hx-trigger="every', page) is not None
    assert with_scripts == ('<noscript><meta http-equiv="refresh"' in page)
    return with_scripts


def end(job: Job, state: str = "succeeded", **columns: object) -> None:
    columns = {"started": timezone.now() - timedelta(seconds=3), "finished": timezone.now(), **columns}
    Job.objects.filter(pk=job.pk).update(state=state, attempts=1, **columns)


def test_every_page_with_jobs_moves_until_they_have_ended(place: Place, as_person: SignIn) -> None:
    client = as_person("admin")
    schedule = Schedule(name="Nightly", scope="list", weekdays=[0], owner=place.admin)
    schedule.save()
    schedule.courses.add(place.course)
    run = schedules.start_run(schedule)
    addresses = [
        reverse("jobs"),
        reverse("courses"),
        reverse("course", args=[place.course.pk]),
        reverse("run", args=[run.pk]),
        reverse("schedule", args=[schedule.pk]),
        reverse("schedules"),
        reverse("administration"),
    ]
    for address in addresses:
        assert moves(client.get(address).content.decode()), address
    queue.cancel(Job.objects.get(), by=place.admin)
    for address in addresses:
        assert not moves(client.get(address).content.decode()), address


def test_the_number_beside_jobs_asks_again_until_there_are_none(place: Place, as_person: SignIn) -> None:
    job = queue.request("backup", by=place.manager, course=place.course, notify=False)
    client = as_person("manager")
    address = reverse("jobs-under-way")
    assert f'id="nav-count" hx-get="{address}"' in client.get(reverse("archives")).content.decode()
    assert "under way: </span>1<" in client.get(address).content.decode()
    end(job)
    assert client.get(address).content.decode().strip() == ""
    assert "nav-count" not in client.get(reverse("archives")).content.decode()
    assert as_person("teacher").get(address).content.decode().strip() == ""


@pytest.mark.django_db(transaction=True)
def test_a_job_that_has_ended_has_its_log(place: Place, as_person: SignIn) -> None:
    job = services.request_backup(place.course, by=place.manager, notify=False)
    runner.run(job.pk, raising=True)
    client = as_person("manager")
    page = client.get(reverse("job-log", args=[job.pk])).content.decode()
    lines = re.findall(r'<span class="(?:info|warning|error)">\s*(.*?)\s*</span>', page, re.DOTALL)
    assert lines[0] == "Requested."
    assert lines[1].startswith("Started by the worker ")
    assert any(line.startswith("Write the activities") for line in lines)
    assert lines[-1] == "Done."
    part = client.get(reverse("job-log", args=[job.pk]), headers={"HX-Request": "true"}).content.decode()
    assert "Done." in part
    assert "hx-get" not in part


def test_the_log_of_a_job_that_failed_says_why_and_what_was_found(place: Place, as_person: SignIn) -> None:
    job = queue.request("restore", by=place.manager, title="Geology", notify=False)
    end(job, "failed", error="users.xml: A number is none.", error_hint="Restore without people.")
    job.findings.create(attempt=1, level="warning", code="w", message="A file is missing.", place="files.xml")
    page = as_person("manager").get(reverse("job-log", args=[job.pk])).content.decode()
    assert "Error: users.xml: A number is none. Restore without people." in page
    assert "Warning: files.xml: A file is missing." in page


def test_a_job_of_a_section_leads_back_to_the_wizard_of_the_section(place: Place, as_person: SignIn) -> None:
    section = Section.objects.get(course=place.course)
    job = queue.request(
        "backup", by=place.teacher, course=place.course, archive_type="section", item=section.pk, notify=False
    )
    end(job, "failed", error="There is no room left.")
    page = as_person("teacher").get(reverse("job", args=[job.pk])).content.decode()
    assert reverse("backup-again", args=[job.pk]) in page
    answer = as_person("teacher").post(reverse("backup-again", args=[job.pk]), {"change": "1"})
    assert answer.headers["Location"] == reverse("backup-settings", args=["section", section.pk])


def test_a_job_of_somebody_who_may_no_more_has_no_links_to_what_is_closed(
    place: Place, as_person: SignIn
) -> None:
    job = queue.request("backup", by=place.student, course=place.course, notify=False)
    end(job, "failed", error="There is no room left.")
    page = as_person("student").get(reverse("job", args=[job.pk])).content.decode()
    assert "There is no room left." in page
    assert f"/course/{place.course.pk}/" not in page


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_the_list_and_the_number_follow_a_job_in_a_browser(place: Place, window: Callable[..., Page]) -> None:
    job = queue.request("backup", by=place.admin, course=place.course, title="Geology", notify=False)
    page = window("ada")
    page.goto(reverse("jobs"))
    row = page.get_by_role("row", name=re.compile("Geology"))
    expect(row).to_contain_text("Waiting")
    expect(page.locator("#nav-count")).to_be_visible()
    page.locator(f"#job-{job.pk}").focus()
    end(job)
    expect(row).to_contain_text("Done")
    expect(page.locator("#nav-count")).to_have_count(0)
    expect(page.locator(f"#job-{job.pk}")).to_be_focused()
    expect(page.locator("#moving[hx-get]")).to_have_count(0)


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_the_list_of_schedules_follows_a_run_in_a_browser(place: Place, window: Callable[..., Page]) -> None:
    schedule = Schedule.objects.create(name="Nightly", scope="list", weekdays=[0], owner=place.admin)
    schedule.courses.add(place.course)
    run = schedules.start_run(schedule)
    page = window("ada")
    page.goto(reverse("schedules"))
    row = page.get_by_role("row", name=re.compile("Nightly"))
    expect(row).to_contain_text("Running")
    page.locator(f"#run-{run.pk}").focus()
    queue.cancel(Job.objects.get(), by=place.admin)
    expect(row).not_to_contain_text("Running")
    expect(page.locator(f"#run-{run.pk}")).to_be_focused()
    expect(page.locator("#moving[hx-get]")).to_have_count(0)
