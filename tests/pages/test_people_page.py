"""The page of people in conflict and of roles in the restore wizard."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from courses.activities.forum import ForumPost
from courses.models import Course, Enrol, Role, User
from courses.services import default_category
from jobs import runner, sweep
from jobs.models import Job
from restore import found_people, people_jobs, services, uploads
from restore.models import RoleChoice
from selection.models import OptionDefault
from tests.archives_made import Change, small
from tests.jobs_done import look_at_people
from tests.people_made import person
from vault.models import StoredArchive

pytestmark = pytest.mark.django_db(transaction=True)

ROLES: Mapping[str, Change] = {
    "roles.xml": (
        "</roles_definition>",
        '<role id="6"><name>Tutor</name><shortname>tutor</shortname></role></roles_definition>',
    )
}


def stored(tmp_path: Path, by: User, changes: Mapping[str, Change] | None = None) -> StoredArchive:
    """Store the small archive as an upload of a person."""
    path = small(tmp_path / "a.mbz", changes)
    with path.open("rb") as file:
        job = uploads.receive(uploads.Sent(file, path.name, path.stat().st_size), by=by, token="")
    runner.run(job.pk, raising=True)
    return StoredArchive.objects.get()


def at_work(archive: StoredArchive, by: User) -> Client:
    """Return a client in which the person has chosen a new course as the destination."""
    client = Client()
    client.force_login(by)
    where = {"where": "new", "category": default_category().pk, "go": "1"}
    client.post(reverse("restore-destination", args=[archive.pk]), where)
    return client


def address(archive: StoredArchive, **query: str) -> str:
    found = "&".join(f"{name}={value}" for name, value in query.items())
    return reverse("restore-people", args=[archive.pk]) + (f"?{found}" if found else "")


def look(client: Client, archive: StoredArchive, **query: str) -> HttpResponse:
    """Return the page after the job has looked at the people."""
    client.get(address(archive, **query))
    look_at_people()
    return cast(HttpResponse, client.get(address(archive, **query)))


def restored(client: Client, archive: StoredArchive) -> Course:
    """Start the restore on the page of the review and let the worker do it."""
    answer = client.post(reverse("restore-review", args=[archive.pk]), {})
    assert answer.status_code == 302
    job = Job.objects.filter(operation="restore").latest("pk")
    runner.run(job.pk, raising=True)
    job.refresh_from_db()
    return Course.objects.get(pk=job.result["course_id"])


@pytest.fixture
def admin() -> User:
    return person("root", is_superuser=True)


def test_without_a_conflict_the_page_is_skipped_and_can_be_looked_at(tmp_path: Path, admin: User) -> None:
    archive = stored(tmp_path, admin)
    client = at_work(archive, admin)
    assert look(client, archive).headers["Location"] == reverse("restore-review", args=[archive.pk])
    page = look(client, archive, show="1").content.decode()
    assert "There is nothing to decide." in page
    assert "Student" in page


def test_three_people_are_decided_about_in_three_ways(tmp_path: Path, admin: User) -> None:
    there = person("anna", lastaccess=1_700_000_000)
    person("boris")
    person("carla")
    users = (
        '<user id="13" contextid="613"><username>carla</username><email>c@example.com</email></user></users>'
    )
    archive = stored(tmp_path, admin, {"users.xml": ("</users>", users)})
    client = at_work(archive, admin)
    page = look(client, archive).content.decode()
    assert all(name in page for name in ("anna@example.org", "anna@example.com", "Anna Test"))
    assert page.count("Do the same for all 3") == 3
    form = {"choice-11": "here", "choice-12": "out", "choice-13": "new", "name-13": "carla2"}
    answer = client.post(address(archive, show="1"), form)
    assert answer.headers["Location"] == reverse("restore-review", args=[archive.pk])
    course = restored(client, archive)
    posts = ForumPost.objects.filter(discussion__forum__owner__course=course)
    assert set(posts.values_list("userid", flat=True)) == {there.pk}
    assert User.objects.get(username="carla2").email == "c@example.com"
    assert Job.objects.filter(operation="restore").latest("pk").result["people_left_out"] == 1


def test_a_name_that_is_taken_or_cannot_be_is_an_error_beside_what_was_typed(
    tmp_path: Path, admin: User
) -> None:
    person("anna")
    archive = stored(tmp_path, admin)
    client = at_work(archive, admin)
    look(client, archive)
    for name in ("Anna B", "root"):
        answer = client.post(address(archive, show="1"), {"choice-11": "new", "name-11": name})
        page = answer.content.decode()
        assert answer.status_code == 400
        assert 'href="#person-11"' in page
        assert f'value="{name}"' in page
    answer = client.post(address(archive, show="1"), {})
    assert "Choose who “anna” is here." in answer.content.decode()


def test_one_press_decides_about_all(tmp_path: Path, admin: User) -> None:
    person("anna")
    person("boris")
    archive = stored(tmp_path, admin)
    client = at_work(archive, admin)
    look(client, archive)
    client.post(address(archive, show="1"), {"choice-12": "out", "all": "12"})
    page = look(client, archive, show="1").content.decode()
    assert len(re.findall(r'value="out"\s+checked', page)) == 2
    assert restored(client, archive).pk
    assert not ForumPost.objects.exists()


def test_the_sites_default_decides_beforehand(tmp_path: Path, admin: User) -> None:
    OptionDefault.objects.create(operation="restore", name="accounts", value="*=new")
    person("anna")
    archive = stored(tmp_path, admin)
    client = at_work(archive, admin)
    assert look(client, archive).headers["Location"] == reverse("restore-review", args=[archive.pk])


def test_who_may_not_make_accounts_sees_no_account_of_this_site_and_may_leave_out(tmp_path: Path) -> None:
    User.objects.filter(pk=person("anna").pk).update(firstname="Secret")
    editor = person("carl", "manager", at=default_category())
    archive = stored(tmp_path, editor)
    client = at_work(archive, editor)
    page = look(client, archive).content.decode()
    assert "You may not see whose it is." in page
    assert "anna@example.org" not in page
    assert "Secret" not in page
    assert 'value="here"' not in page
    refused = client.post(address(archive, show="1"), {"choice-11": "here", "choice-12": "out"})
    assert refused.status_code == 400
    client.post(address(archive, show="1"), {"choice-11": "out", "choice-12": "out"})
    assert restored(client, archive).pk


def test_a_role_is_chosen_and_proposed_for_the_next_archive_of_the_site(tmp_path: Path) -> None:
    boss = person("max", is_superuser=True)
    archive = stored(tmp_path, boss, ROLES)
    client = at_work(archive, boss)
    page = look(client, archive, show="1").content.decode()
    assert "Tutor" in page
    client.post(address(archive, show="1"), {"role-5": "teacher", "role-6": "none"})
    kept = set(RoleChoice.objects.values_list("person__username", "shortname", "role__shortname"))
    assert kept == {("max", "student", "teacher"), ("max", "tutor", None)}
    course = restored(client, archive)
    assert not Role.objects.filter(shortname="tutor").exists()
    teacher = Role.objects.get(shortname="teacher")
    assert set(Enrol.objects.filter(course=course).values_list("roleid", flat=True)) == {teacher.pk}
    page = look(at_work(archive, boss), archive, show="1").content.decode()
    assert re.search(r'id="role-5".*?value="teacher" selected', page, re.DOTALL)


def test_a_role_that_may_not_be_assigned_is_not_taken_from_a_form(tmp_path: Path, admin: User) -> None:
    archive = stored(tmp_path, admin, ROLES)
    client = at_work(archive, admin)
    client.post(address(archive, show="1"), {"role-5": "nothing", "role-6": ""})
    assert not RoleChoice.objects.exists()


def test_a_job_opens_the_archive_and_the_page_does_not(
    tmp_path: Path, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    person("anna")
    archive = stored(tmp_path, admin)
    client = at_work(archive, admin)
    waiting = client.get(address(archive)).content.decode()
    assert "as soon as a worker is free" in waiting
    look_at_people()

    def opened(*_: object) -> None:
        raise AssertionError("A page has opened an archive.")

    monkeypatch.setattr(services, "opened", opened)
    assert "anna@example.com" in client.get(address(archive)).content.decode()
    form = {"choice-11": "out", "choice-12": "out"}
    assert client.post(address(archive, show="1"), form).headers["Location"] == reverse(
        "restore-review", args=[archive.pk]
    )
    # What was decided changes nothing about who they are, so no other job is asked for.
    client.get(address(archive, show="1"))
    assert Job.objects.filter(operation=people_jobs.OPERATION).count() == 1


def test_a_waiting_page_loads_itself_again_when_the_job_is_done(tmp_path: Path, admin: User) -> None:
    person("anna")
    archive = stored(tmp_path, admin)
    client = at_work(archive, admin)
    asks = {"HX-Request": "true"}
    assert "people-wait" in client.get(address(archive), headers=asks).content.decode()
    look_at_people()
    assert client.get(address(archive), headers=asks).headers["HX-Redirect"] == address(archive)


def test_people_in_conflict_who_are_too_many_to_list_are_counted_and_decided_about_together(
    tmp_path: Path, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(found_people, "MOST_LISTED", 1)
    person("anna")
    person("boris")
    archive = stored(tmp_path, admin)
    client = at_work(archive, admin)
    assert "1 more person is in conflict" in look(client, archive).content.decode()
    client.post(address(archive, show="1"), {"choice-11": "out", "all": "11"})
    assert client.get(address(archive)).headers["Location"] == reverse("restore-review", args=[archive.pk])
    assert restored(client, archive).pk
    assert not ForumPost.objects.exists()


def test_a_look_at_the_people_that_failed_is_made_again_on_the_next_visit(
    tmp_path: Path, admin: User
) -> None:
    archive = stored(tmp_path, admin)
    client = at_work(archive, admin)
    client.get(address(archive))
    jobs = Job.objects.filter(operation=people_jobs.OPERATION)
    jobs.update(state=Job.State.FAILED, finished=timezone.now())
    assert client.get(address(archive)).headers["Location"] == reverse("restore-review", args=[archive.pk])
    assert "as soon as a worker is free" in client.get(address(archive)).content.decode()
    assert jobs.count() == 2


def test_what_was_found_about_people_is_emptied_after_a_day(tmp_path: Path, admin: User) -> None:
    person("anna")
    archive = stored(tmp_path, admin)
    client = at_work(archive, admin)
    assert "anna@example.com" in look(client, archive).content.decode()
    assert sweep.sweep(now=timezone.now() + people_jobs.KEPT + timedelta(minutes=1)).emptied == 1
    assert Job.objects.get(operation=people_jobs.OPERATION).result == {}
    assert "as soon as a worker is free" in client.post(address(archive), {}).content.decode()
