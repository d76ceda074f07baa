"""The pages of schedules."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from courses.services import create_course
from jobs.models import Job
from tests.pages.places import Place
from vault import schedules
from vault.models import Schedule

SignIn = Callable[[str], Client]
pytestmark = pytest.mark.django_db

FORM = {
    "name": "Every night",
    "enabled": "on",
    "scope": "list",
    "weekdays": ["0", "4"],
    "time": "02:30",
    "timezone": "Europe/Madrid",
    "people": "anonymous",
    "keep_count": "5",
    "skip_unchanged": "on",
}


def test_a_schedule_is_made_with_the_rights_of_its_maker(place: Place, as_person: SignIn) -> None:
    answer = as_person("manager").post(reverse("schedule-new"), {**FORM, "courses": [place.course.pk]})
    schedule = Schedule.objects.get()
    assert answer.headers["Location"] == reverse("schedule", args=[schedule.pk])
    assert (schedule.owner, schedule.weekdays, schedule.hour, schedule.minute) == (
        place.manager,
        [0, 4],
        2,
        30,
    )
    assert (schedule.options, schedule.keep_count) == ({"users": "1", "anonymize": "1"}, 5)
    assert list(schedule.courses.all()) == [place.course]
    page = as_person("manager").get(reverse("schedule", args=[schedule.pk])).content.decode()
    assert "Monday, Friday at 02:30 (Europe/Madrid)" in page
    assert "No runs yet" in page


def test_what_is_wrong_with_a_schedule_is_said_at_the_top_and_at_the_field(
    place: Place, as_person: SignIn
) -> None:
    wrong = {
        "name": "",
        "scope": "list",
        "time": "25:99",
        "timezone": "UTC",
        "people": "with",
        "keep_count": "-1",
    }
    page = as_person("manager").post(reverse("schedule-new"), wrong).content.decode()
    assert "<title>Error: New schedule" in page
    for field, sentence in (
        ("id_name", "Give the schedule a name"),
        ("id_weekdays_0", "Choose at least one day of the week."),
        ("id_time", "Enter the time as 02:30."),
        ("id_courses", "Choose at least one course."),
        ("id_keep_count", "Enter 0 (keeps all) or more."),
    ):
        assert f'<a href="#{field}">{sentence}' in page
        assert f'id="{field}"' in page
        assert page.count(sentence) == 2
    assert not Schedule.objects.exists()


def test_courses_of_others_cannot_be_put_on_a_schedule(place: Place, as_person: SignIn) -> None:
    other = create_course("X", "Somebody else's")
    page = (
        as_person("teacher").post(reverse("schedule-new"), {**FORM, "courses": [other.pk]}).content.decode()
    )
    assert "You may not back up one of the chosen courses." in page
    page = as_person("teacher").post(reverse("schedule-new"), {**FORM, "scope": "all"}).content.decode()
    assert "There is a problem" in page
    assert not Schedule.objects.exists()


def test_a_run_leaves_a_report_and_unchanged_settings_come_back(place: Place, as_person: SignIn) -> None:
    client = as_person("manager")
    client.post(reverse("schedule-new"), {**FORM, "courses": [place.course.pk]})
    schedule = Schedule.objects.get()
    answer = client.post(reverse("schedule-run", args=[schedule.pk]))
    run = schedule.runs.get()
    assert answer.headers["Location"] == reverse("run", args=[run.pk])
    assert not Job.objects.exists()
    schedules.queue_due()
    page = client.get(reverse("run", args=[run.pk])).content.decode()
    assert "Geology of the Alps" in page
    assert Job.objects.get().options["anonymize"] == "1"
    schedules.start_run(schedule)
    page = client.get(reverse("run", args=[schedule.runs.all()[0].pk])).content.decode()
    assert "is not finished yet" in page
    form = client.get(reverse("schedule-edit", args=[schedule.pk])).content.decode()
    assert 'value="02:30"' in form
    assert as_person("teacher").get(reverse("schedule", args=[schedule.pk])).status_code == 404


def test_a_schedule_has_a_window(place: Place, as_person: SignIn) -> None:
    client = as_person("manager")
    form = {**FORM, "courses": [place.course.pk]}
    page = client.post(reverse("schedule-new"), {**form, "window_hours": "200"}).content.decode()
    assert "Enter 168 hours (a week) or fewer" in page
    client.post(reverse("schedule-new"), {**form, "window_hours": "5"})
    schedule = Schedule.objects.get()
    assert schedule.window_hours == 5
    page = client.get(reverse("schedule", args=[schedule.pk])).content.decode()
    assert "within 5 hours of a run" in page
    client.post(reverse("schedule-edit", args=[schedule.pk]), {**form, "window_hours": ""})
    schedule.refresh_from_db()
    assert schedule.window_hours == 0


def test_a_schedule_is_removed_after_one_question(place: Place, as_person: SignIn) -> None:
    client = as_person("manager")
    client.post(reverse("schedule-new"), {**FORM, "courses": [place.course.pk]})
    address = reverse("schedule-remove", args=[Schedule.objects.get().pk])
    assert "The archives that it made stay." in client.get(address).content.decode()
    assert client.post(address).headers["Location"] == reverse("schedules")
    assert not Schedule.objects.exists()


def test_a_schedule_asks_for_the_version_of_moodle(place: Place, as_person: SignIn) -> None:
    client = as_person("manager")
    assert 'name="moodle"' in client.get(reverse("schedule-new")).content.decode()
    client.post(reverse("schedule-new"), {**FORM, "courses": [place.course.pk], "moodle": "5.3"})
    assert Schedule.objects.get().options["moodle"] == "5.3"
