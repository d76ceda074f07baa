"""The backup wizard as plain forms, without a browser and without scripts."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from courses.models import Group
from courses.models.calendar import CalendarEvent
from jobs.models import Job
from selection.models import OptionDefault
from tests.pages.places import Place

SignIn = Callable[[str], Client]
pytestmark = pytest.mark.django_db

CONTENT = [
    "activities",
    "blocks",
    "files",
    "filters",
    "badges",
    "calendarevents",
    "questionbank",
    "groups",
    "competencies",
    "customfield",
]
CONTENT += ["contentbankcontent", "legacyfiles"]


def address(place: Place, stage: str) -> str:
    return reverse(f"backup-{stage}", args=["course", place.course.pk])


def boxes(page: str) -> dict[str, str]:
    """The checkboxes of a page by name, with their other attributes."""
    found = re.findall(r'<input class="form-check-input" type="checkbox" id="([^"]+)"([^>]*)>', page)
    return dict(found)


def test_one_press_backs_a_course_up_with_all_defaults(place: Place, as_person: SignIn) -> None:
    answer = as_person("manager").post(reverse("backup-now", args=["course", place.course.pk]))
    job = Job.objects.get()
    assert answer.headers["Location"] == reverse("job", args=[job.pk])
    assert (job.operation, job.course, job.requested_by) == ("backup", place.course, place.manager)
    assert (job.asked, job.options["users"], job.options["logs"]) == ({}, "1", "0")


def test_the_wizard_keeps_what_was_chosen_on_the_way(place: Place, as_person: SignIn) -> None:
    client = as_person("manager")
    chosen = {name: "1" for name in CONTENT if name != "badges"} | {
        "users": "1",
        "anonymize": "1",
        "comments": "1",
    }
    answer = client.post(address(place, "settings"), chosen)
    assert answer.headers["Location"] == address(place, "schema")
    schema = client.get(address(place, "schema")).content.decode()
    assert "2 of 2 activities chosen" in schema
    section = f"section_{place.course.sections.get().pk}"
    kept = {f"{section}_included": "1", f"{section}_userinfo": "1", f"forum_{place.forum.pk}_included": "1"}
    answer = client.post(address(place, "schema"), kept)
    assert answer.headers["Location"] == address(place, "confirm")
    review = client.get(address(place, "confirm")).content.decode()
    assert "1 of 2" in review
    assert "anonymous" in review
    answer = client.post(address(place, "confirm"), {"filename": "alps.mbz", "container": "zip"})
    job = Job.objects.get()
    assert answer.headers["Location"] == reverse("job", args=[job.pk])
    assert job.options["badges"] == "0"
    assert job.options["anonymize"] == "1"
    assert job.options[f"page_{place.page.pk}_included"] == "0"
    assert job.options[f"forum_{place.forum.pk}_included"] == "1"
    assert job.options[f"forum_{place.forum.pk}_userinfo"] == "0"
    assert (job.options["filename"], job.options["container"]) == ("alps.mbz", "zip")


def test_what_depends_on_people_goes_and_comes_with_them(place: Place, as_person: SignIn) -> None:
    client = as_person("manager")
    client.post(address(place, "settings"), dict.fromkeys([*CONTENT, "comments", "role_assignments"], "1"))
    page = client.get(address(place, "confirm")).content.decode()
    assert re.search(r"No:.{0,200}Comments", page, re.DOTALL)
    client.post(
        address(place, "settings"), dict.fromkeys([*CONTENT, "users", "comments", "role_assignments"], "1")
    )
    page = client.get(address(place, "confirm")).content.decode()
    assert re.search(r"Yes:.{0,200}Comments", page, re.DOTALL)


def test_one_can_jump_to_the_final_step(place: Place, as_person: SignIn) -> None:
    answer = as_person("manager").post(address(place, "settings"), {"users": "1", "jump": "1"})
    assert answer.headers["Location"] == address(place, "confirm")


def test_a_file_name_that_is_none_is_said_at_the_top_and_leads_to_its_field(
    place: Place, as_person: SignIn
) -> None:
    client = as_person("manager")
    page = client.post(address(place, "confirm"), {"filename": "a/b.mbz"}).content.decode()
    assert "<title>Error: Check and back up" in page
    summary = re.search(r'class="error-summary".*?</div>', page, re.DOTALL)
    assert summary is not None
    assert 'href="#filename"' in summary[0]
    assert "Names have none of" in summary[0]
    assert 'id="filename"' in page
    assert not Job.objects.exists()


def test_many_at_once_are_chosen_without_scripts_too(place: Place, as_person: SignIn) -> None:
    client = as_person("manager")
    answer = client.post(address(place, "schema"), {"bulk": "off", "bulk_type": "forum"})
    assert answer.headers["Location"] == address(place, "schema")
    client.post(address(place, "schema"), {"bulk": "on", "bulk_type": "all"})
    assert "2 of 2 activities chosen" in client.get(address(place, "schema")).content.decode()
    everything = dict.fromkeys(boxes(client.get(address(place, "schema")).content.decode()), "1")
    client.post(address(place, "schema"), everything | {"bulk": "off", "bulk_type": "page"})
    assert "1 of 2 activities chosen" in client.get(address(place, "schema")).content.decode()


def test_locked_options_are_shown_disabled_with_their_reason(place: Place, as_person: SignIn) -> None:
    OptionDefault.objects.create(operation="backup", name="badges", value="0", locked=True)
    page = as_person("teacher").get(address(place, "settings")).content.decode()
    found = boxes(page)
    assert "disabled" in found["users"]
    assert "disabled" in found["badges"]
    assert "disabled" not in found["blocks"]
    assert "It takes the right moodle/backup:userinfo" in page
    assert "The administrator has fixed this for the whole site." in page


def test_a_forged_value_of_a_locked_option_changes_nothing(place: Place, as_person: SignIn) -> None:
    client = as_person("teacher")
    client.post(address(place, "settings"), {"users": "1", "jump": "1"})
    client.post(address(place, "confirm"), {"filename": ""})
    assert Job.objects.get().options["users"] == "0"


def test_starting_over_forgets_the_choices(place: Place, as_person: SignIn) -> None:
    client = as_person("manager")
    client.post(address(place, "settings"), {"users": "1", "jump": "1"})
    assert "Left out" in client.get(address(place, "confirm")).content.decode()
    client.post(address(place, "reset"))
    assert "checked" in boxes(client.get(address(place, "settings")).content.decode())["blocks"]


def test_a_section_and_an_activity_have_the_wizard_too(place: Place, as_person: SignIn) -> None:
    client = as_person("manager")
    section = place.course.sections.get()
    for kind, pk in (("section", section.pk), ("activity", place.forum.pk)):
        for stage in ("settings", "schema", "confirm"):
            answer = client.get(reverse(f"backup-{stage}", args=[kind, pk]), follow=True)
            assert answer.status_code == 200
            assert answer.request["PATH_INFO"] == reverse(
                f"backup-{'confirm' if kind == 'activity' else stage}", args=[kind, pk]
            )
        answer = client.post(reverse("backup-confirm", args=[kind, pk]), {"filename": ""})
        job = Job.objects.first()
        assert job is not None
        assert (answer.status_code, job.archive_type, job.item) == (302, kind, pk)
    assert client.get("/backup/wish/1/").status_code == 404


def test_a_job_page_refreshes_itself_without_scripts_until_it_is_over(
    place: Place, as_person: SignIn
) -> None:
    client = as_person("manager")
    client.post(reverse("backup-now", args=["course", place.course.pk]))
    job = Job.objects.get()
    page = client.get(reverse("job", args=[job.pk])).content.decode()
    assert '<noscript><meta http-equiv="refresh"' in page
    assert "Waiting for a worker" in page
    assert client.post(reverse("job-cancel", args=[job.pk])).status_code == 302
    page = client.get(reverse("job", args=[job.pk])).content.decode()
    assert "http-equiv" not in page
    assert "The backup was cancelled" in page


def test_a_failed_job_says_what_to_do(place: Place, as_person: SignIn) -> None:
    job = Job.objects.create(
        operation="backup",
        state="failed",
        course=place.course,
        title="Geology",
        requested_by=place.manager,
        finished=timezone.now(),
        error="There is no room left.",
        error_hint="Make room on the server.",
    )
    job.findings.create(
        attempt=0, level="warning", code="w", message="A file is missing.", hint="Upload it again."
    )
    page = as_person("manager").get(reverse("job", args=[job.pk])).content.decode()
    assert "There is no room left." in page
    assert "Make room on the server." in page
    assert "Upload it again." in page
    assert "Change the settings and try again" in page


def test_without_the_groups_the_check_says_what_else_stays_away(place: Place, as_person: SignIn) -> None:
    group = Group.objects.create(course=place.course, name="Climbers")
    CalendarEvent.objects.create(course=place.course, name="Hut", eventtype="group", groupid=group.pk)
    client = as_person("manager")
    client.post(address(place, "settings"), dict.fromkeys((*CONTENT, "users"), "1"))
    assert "What is left out" not in client.get(address(place, "confirm")).content.decode()
    client.post(address(place, "settings"), {name: "1" for name in (*CONTENT, "users") if name != "groups"})
    page = client.get(address(place, "confirm")).content.decode()
    assert "The groups are left out, and what belongs to one of them: 1 calendar event." in page
    assert "Include the groups to keep it." in page
    assert not Job.objects.exists()


def test_the_wizard_asks_for_the_version_of_moodle(place: Place, as_person: SignIn) -> None:
    client = as_person("manager")
    page = client.get(address(place, "confirm")).content.decode()
    assert 'name="moodle"' in page
    assert "Moodle 5.1 to 5.3" in page
    client.post(address(place, "confirm"), {"filename": "alps.mbz", "container": "zip", "moodle": "5.3"})
    assert Job.objects.get().options["moodle"] == "5.3"
