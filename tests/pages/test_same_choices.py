"""Choices survive: after a job that failed or was cancelled a wizard has them, and after one that succeeded it is new."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from courses.models import Course
from jobs import runner
from jobs.models import Job
from tests.pages.places import Place
from tests.pages.test_restore_pages import archives, upload
from vault.models import StoredArchive

SignIn = Callable[[str], Client]
pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["archives"]

AGAIN = "Start again with the same choices"


@pytest.fixture
def archive(place: Place, archives: dict[str, Path], as_person: SignIn) -> StoredArchive:
    """The archive of the course, uploaded by the administrator."""
    return upload(as_person("admin"), archives["course"])


def request_restore(client: Client, archive: StoredArchive, place: Place) -> Job:
    """Go through the wizard with a few choices, and request the restore."""

    def send(stage: str, **fields: object) -> None:
        client.post(reverse(f"restore-{stage}", args=[archive.pk]), fields)

    send("destination", where="new", category=place.course.category_id)
    send("settings", users="1", activities="1", course_fullname="Geology again", course_shortname="GEO9")
    send("schema", **{f"forum_{place.forum.pk}_included": "1"})
    send("review")
    return Job.objects.get(operation="restore")


def over(job: Job, state: Job.State) -> None:
    Job.objects.filter(pk=job.pk).update(state=state, finished=timezone.now())


@pytest.mark.parametrize("state", [Job.State.FAILED, Job.State.CANCELLED])
def test_a_restore_that_did_not_succeed_starts_again_with_its_choices_in_any_session(
    place: Place, archive: StoredArchive, as_person: SignIn, state: Job.State
) -> None:
    job = request_restore(as_person("admin"), archive, place)
    over(job, state)
    client = as_person("admin")  # a session without any choices
    page = client.get(reverse("job", args=[job.pk])).content.decode()
    assert AGAIN in page
    answer = client.post(reverse("restore-again", args=[job.pk]))
    assert answer.headers["Location"] == reverse("restore-review", args=[archive.pk])
    client.post(answer.headers["Location"])
    second = Job.objects.exclude(pk=job.pk).get(operation="restore")
    assert (second.options, second.target, second.asked) == (job.options, job.target, job.asked)


def test_a_failed_restore_can_be_changed_from_its_first_setting_on(
    place: Place, archive: StoredArchive, as_person: SignIn
) -> None:
    client = as_person("admin")
    job = request_restore(client, archive, place)
    over(job, Job.State.FAILED)
    answer = client.post(reverse("restore-again", args=[job.pk]), {"change": "1"})
    assert answer.headers["Location"] == reverse("restore-settings", args=[archive.pk])
    assert 'value="Geology again"' in client.get(answer.headers["Location"]).content.decode()


def test_the_choices_of_a_restore_stay_until_it_has_succeeded(
    place: Place, archive: StoredArchive, as_person: SignIn
) -> None:
    client = as_person("admin")
    job = request_restore(client, archive, place)
    settings = reverse("restore-settings", args=[archive.pk])
    assert 'value="Geology again"' in client.get(settings).content.decode()
    runner.run(job.pk, raising=True)
    assert Course.objects.filter(shortname="GEO9").exists()
    assert client.get(settings).headers["Location"] == reverse("restore-destination", args=[archive.pk])


def test_the_choices_of_a_backup_stay_until_it_has_succeeded(place: Place, as_person: SignIn) -> None:
    client = as_person("admin")
    confirm = reverse("backup-confirm", args=["course", place.course.pk])
    client.post(confirm, {"filename": "mine.mbz"})
    job = Job.objects.get()
    over(job, Job.State.CANCELLED)
    assert 'value="mine.mbz"' in client.get(confirm).content.decode()
    other = as_person("admin")
    assert AGAIN in other.get(reverse("job", args=[job.pk])).content.decode()
    answer = other.post(reverse("backup-again", args=[job.pk]))
    assert 'value="mine.mbz"' in other.get(answer.headers["Location"]).content.decode()
    Job.objects.filter(pk=job.pk).update(state=Job.State.SUCCEEDED)
    assert 'value="mine.mbz"' not in client.get(confirm).content.decode()


def test_all_choices_of_a_restore_are_forgotten_on_request(
    place: Place, archive: StoredArchive, as_person: SignIn
) -> None:
    client = as_person("admin")
    request_restore(client, archive, place)
    client.post(reverse("restore-reset", args=[archive.pk]))
    answer = client.get(reverse("restore-settings", args=[archive.pk]))
    assert answer.headers["Location"] == reverse("restore-destination", args=[archive.pk])


def test_a_target_that_has_been_removed_is_asked_for_again(
    place: Place, archive: StoredArchive, as_person: SignIn
) -> None:
    client = as_person("admin")
    session = client.session
    session["drafts"] = {f"restore-{archive.pk}": {"asked": {}, "facts": {"course": 999_999}}}
    session.save()
    for stage in ("settings", "schema", "review"):
        answer = client.get(reverse(f"restore-{stage}", args=[archive.pk]))
        assert answer.headers["Location"] == reverse("restore-destination", args=[archive.pk])


def test_back_keeps_what_was_chosen_on_the_page_that_it_leaves(
    place: Place, archive: StoredArchive, as_person: SignIn
) -> None:
    client = as_person("admin")

    def back(stage: str, **fields: object) -> str:
        address = reverse(f"restore-{stage}", args=[archive.pk])
        return client.post(address, {**fields, "back": "1"}).headers["Location"]

    def choices() -> tuple[dict[str, str], dict[str, int]]:
        draft = client.session["drafts"][f"restore-{archive.pk}"]
        return draft["asked"], draft["facts"]

    category = place.course.category_id
    assert back("destination", where="new", category=category) == reverse("restore-inside", args=[archive.pk])
    assert choices()[1] == {"category": category}
    every = dict.fromkeys(("users", "activities", "blocks", "groups", "every_box"), "1")
    to_destination = reverse("restore-destination", args=[archive.pk])
    assert back("settings", **every, course_shortname="GEO9") == to_destination
    assert choices()[0]["course_shortname"] == "GEO9"
    section = place.course.sections.get().pk
    shown = {f"section_{section}_included": "1", f"forum_{place.forum.pk}_included": "1", "every_box": "1"}
    assert back("schema", **shown) == reverse("restore-settings", args=[archive.pk])
    assert choices()[0][f"page_{place.page.pk}_included"] == "0"
    # What is chosen may wait for another page, but nothing that is wrong is kept.
    assert back("destination", where="merge", course="999999") == reverse("restore-inside", args=[archive.pk])
    assert choices()[1] == {"category": category}


def test_what_is_ticked_is_kept_before_any_button_is_pressed(place: Place, as_person: SignIn) -> None:
    client = as_person("admin")
    settings = reverse("backup-settings", args=["course", place.course.pk])
    client.post(settings, {"users": "1", "every_box": "1"}, headers={"HX-Request": "true"})
    page = client.get(reverse("backup-confirm", args=["course", place.course.pk])).content.decode()
    assert "Badges" in page
    asked = client.session["drafts"][f"backup-course-{place.course.pk}"]["asked"]
    assert asked["badges"] == "0"
    assert "users" not in asked
