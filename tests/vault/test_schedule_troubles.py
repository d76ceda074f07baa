"""A schedule says before the night that it will fail: its owner is gone, or may not do any more what it asks for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from courses.models import RoleAssignment, User
from courses.services import create_course
from tests.people_made import person
from vault.models import Schedule, ScheduleRun
from vault.schedule_troubles import troubles

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    """A manager of the whole site."""
    return person("tess", "manager")


@pytest.fixture
def schedule(owner: User) -> Schedule:
    """A schedule of two courses, with people."""
    made = Schedule.objects.create(
        name="Nightly", scope="list", weekdays=[0], owner=owner, options={"users": "1"}
    )
    made.courses.set([create_course("A", "A"), create_course("B", "B")])
    return made


def take_people(schedule: Schedule, owner: User) -> None:
    """Make the owner a teacher of the schedule's courses, who may not take people."""
    RoleAssignment.objects.filter(userid=owner.pk).delete()
    for number, course in enumerate(schedule.courses.all()):
        other = person(f"other{number}", "editingteacher", at=course)
        RoleAssignment.objects.filter(userid=other.pk).update(userid=owner.pk)


CHANGES: dict[str, Callable[[Schedule, User], object]] = {
    "Choose another owner": lambda schedule, owner: owner.delete(),
    "may not sign in any more": lambda schedule, owner: User.objects.filter(pk=owner.pk).update(
        suspended=True
    ),
    "may not back up 2 courses of it": lambda schedule, owner: RoleAssignment.objects.all().delete(),
    "may not take people and their work from 2 courses": take_people,
    "The category that the schedule backs up is gone": lambda schedule, owner: Schedule.objects.update(
        scope="category"
    ),
}


def test_a_schedule_in_order_has_none(schedule: Schedule) -> None:
    assert troubles(schedule) == []


@pytest.mark.parametrize("sentence", CHANGES)
def test_each_trouble_is_a_sentence_on_the_pages(sentence: str, schedule: Schedule, owner: User) -> None:
    CHANGES[sentence](schedule, owner)
    found = Schedule.objects.get(pk=schedule.pk)
    assert sentence in " ".join(troubles(found))
    client = Client()
    client.force_login(person("ada", is_superuser=True))
    assert "Needs attention" in client.get(reverse("schedules")).content.decode()
    assert sentence in client.get(reverse("schedule", args=[found.pk])).content.decode()


def test_a_schedule_that_is_off_has_none(schedule: Schedule, owner: User) -> None:
    owner.delete()
    Schedule.objects.update(enabled=False)
    assert troubles(Schedule.objects.get()) == []


def test_rights_that_are_lacking_for_one_of_many_courses_are_counted(schedule: Schedule, owner: User) -> None:
    course = schedule.courses.first()
    assert course is not None
    RoleAssignment.objects.filter(userid=owner.pk).update(contextid=course.contextid)
    assert [text for text in troubles(schedule) if "may not back up 1 course of it" in text]


def test_the_part_of_the_list_that_moves_looks_for_no_troubles(
    client: Client, schedule: Schedule, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(owner)
    found = schedule
    now = timezone.now()
    run = ScheduleRun.objects.create(schedule=found, due=now, window_from=now, started=now)
    monkeypatch.setattr("vault.schedule_troubles.troubles", None)
    part = client.get(reverse("schedules"), headers={"HX-Request": "true"}).content.decode()
    assert f'id="last-run-{found.pk}" hx-swap-oob="true"' in part
    assert f'id="run-{run.pk}"' in part
    assert "<table" not in part
    assert "every 3s" in part
    ScheduleRun.objects.update(finished=now)
    part = client.get(reverse("schedules"), headers={"HX-Request": "true"}).content.decode()
    assert 'id="moving"' in part
    assert "every 3s" not in part
