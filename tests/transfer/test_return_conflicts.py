"""A return from the recycle bin with a person who is in conflict with an account here: a page decides, and it comes back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from archive.errors import NotAllowed, PrecheckFailed
from courses import removal
from courses.activities.forum import ForumPost
from courses.capabilities import ALLOW
from courses.models import Role, RoleOverride, User
from jobs import runner, sweep
from jobs.models import Job
from restore import people_jobs, people_page
from restore.people_page import Conflict
from tests.jobs_done import job_of, look_at_people
from tests.pages.places import Place, make_place, person
from transfer import returns
from transfer.models import RemovedItem

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def place(transactional_db: None) -> Place:
    """A course whose forum was removed; its student's account is gone, and somebody else has the user name now."""
    found = make_place()
    removal.remove(found.forum)
    found.student.delete()
    other = person("stan")
    User.objects.filter(pk=other.pk).update(email="other@example.org", firstaccess=1_700_000_000)
    return found


def conflicts(item: RemovedItem, by: User) -> list[Conflict]:
    """The rows of the page about people."""
    page = returns.people_page_of(item, returns.find_people_in(item, by=by), by=by)
    return page.rows(page.found.conflicts)


def test_a_page_decides_about_the_person_and_the_activity_comes_back(place: Place) -> None:
    item = RemovedItem.objects.get()
    job = returns.request_return(item, by=place.admin, notify=False)
    with pytest.raises(PrecheckFailed, match="stan"):
        runner.run(job.pk, raising=True)
    job.refresh_from_db()
    assert "Decide about people" in job.error_hint
    client = Client()
    client.force_login(place.admin)
    address = f"/bin/{item.pk}/people/"
    assert address in client.get(f"/course/{place.course.pk}/bin/").content.decode()
    assert "as soon as a worker is free" in client.get(address).content.decode()
    look_at_people()
    page = client.get(address).content.decode()
    assert "stan" in page
    assert client.post(address).status_code == 400
    [row] = conflicts(item, place.admin)
    answer = client.post(address, {f"choice-{row.key}": "new", f"name-{row.key}": "stan2"})
    number = job_of(answer).pk
    runner.run(number, raising=True)
    assert ForumPost.objects.get().userid == User.objects.get(username="stan2").pk
    assert not RemovedItem.objects.exists()


def test_the_command_takes_decisions_about_people(place: Place) -> None:
    entry = RemovedItem.objects.get().pk
    call_command("bin", "restore", str(entry), "--accounts", "stan=new:stan3", "--json")
    assert ForumPost.objects.get().userid == User.objects.get(username="stan3").pk


def let_restore_people(place: Place) -> None:
    """Let teachers of the course restore people; they may not make accounts."""
    RoleOverride.objects.create(
        roleid=Role.objects.get(shortname="editingteacher").pk,
        capability="moodle/restore:userinfo",
        permission=ALLOW,
        contextid=place.course.contextid,
    )


def test_who_may_not_make_accounts_can_only_leave_the_person_out(place: Place) -> None:
    let_restore_people(place)
    item = RemovedItem.objects.get()
    [row] = conflicts(item, place.teacher)
    assert (row.choices, row.here, row.hidden) == (("out",), None, row.hidden)
    with pytest.raises(NotAllowed, match="not decide who “stan” is"):
        returns.request_return(item, by=place.teacher, accounts="stan=here", notify=False)
    job = returns.request_return(item, by=place.teacher, accounts="stan=out", notify=False)
    runner.run(job.pk, raising=True)
    assert not ForumPost.objects.exists()
    assert Job.objects.get(pk=job.pk).state == Job.State.SUCCEEDED


def test_an_entry_stays_with_its_archive_while_somebody_is_left_out(place: Place) -> None:
    item = RemovedItem.objects.get()
    job = returns.request_return(item, by=place.admin, accounts="stan=out", notify=False)
    runner.run(job.pk, raising=True)
    job.refresh_from_db()
    assert job.result["in_bin"] is True
    assert "stays in the recycle bin" in job.findings.get(code="stays-in-bin").message
    client = Client()
    client.force_login(place.admin)
    page = client.get(f"/course/{place.course.pk}/bin/").content.decode()
    assert "Brought back without some people" in page
    assert f"/bin/{item.pk}/people/" in page
    again = returns.request_return(item, by=place.admin, accounts="stan=new:stan4", notify=False)
    runner.run(again.pk, raising=True)
    again.refresh_from_db()
    assert again.result["in_bin"] is False
    assert ForumPost.objects.get().userid == User.objects.get(username="stan4").pk
    assert not RemovedItem.objects.exists()


def test_who_may_not_restore_people_sees_their_user_names_only_and_decides_nothing(place: Place) -> None:
    item = RemovedItem.objects.get()
    client = Client()
    client.force_login(place.teacher)
    address = f"/bin/{item.pk}/people/"
    client.get(address)
    look_at_people()
    page = client.get(address).content.decode()
    assert "stan" in page
    assert "stan@example.org" not in page
    assert "Stan Test" not in page
    assert "Ask a manager" in page
    assert "stan@example.org" not in str(Job.objects.get(operation="find_people").result)
    with pytest.raises(NotAllowed, match="moodle/restore:userinfo") as caught:
        returns.request_return(item, by=place.teacher, accounts="stan=out", notify=False)
    assert caught.value.hint
    [row] = conflicts(item, place.teacher)
    assert client.post(address, {f"choice-{row.key}": "out"}).status_code == 403


def test_the_right_to_decide_is_asked_for_again_when_the_job_runs(place: Place) -> None:
    let_restore_people(place)
    item = RemovedItem.objects.get()
    job = returns.request_return(item, by=place.teacher, accounts="stan=out", notify=False)
    RoleOverride.objects.all().delete()
    with pytest.raises(NotAllowed, match="moodle/restore:userinfo"):
        runner.run(job.pk, raising=True)
    assert RemovedItem.objects.exists()


def test_whoever_needs_an_account_is_in_no_conflict_as_the_site_makes_it(place: Place) -> None:
    User.objects.filter(username="stan").delete()
    item = RemovedItem.objects.get()
    assert conflicts(item, place.teacher) == []
    job = returns.request_return(item, by=place.teacher, notify=False)
    runner.run(job.pk, raising=True)
    assert ForumPost.objects.get().userid == User.objects.get(username="stan").pk


def looked(place: Place) -> tuple[Client, str, Job]:
    """A client of the administrator, the address of the page, and the job that has looked at the people for it."""
    client = Client()
    client.force_login(place.admin)
    address = f"/bin/{RemovedItem.objects.get().pk}/people/"
    client.get(address)
    look_at_people()
    return client, address, Job.objects.get(operation="find_people")


def test_decisions_that_are_sent_long_after_the_look_count(place: Place) -> None:
    client, address, job = looked(place)
    Job.objects.filter(pk=job.pk).update(finished=timezone.now() - timedelta(hours=2))
    [row] = conflicts(RemovedItem.objects.get(), place.admin)
    answer = client.post(address, {f"choice-{row.key}": "out"})
    assert answer.headers["Location"].startswith("/jobs/")
    assert Job.objects.get(operation="bring_back").options == {"accounts": "stan=out"}


def test_the_names_that_a_look_found_are_not_stored_for_ever(place: Place) -> None:
    client, address, job = looked(place)
    assert "stan@example.org" in str(job.result)
    assert sweep.sweep(now=timezone.now() + people_jobs.KEPT - timedelta(minutes=5)).emptied == 0
    assert sweep.sweep(now=timezone.now() + people_jobs.KEPT + timedelta(minutes=5)).emptied == 1
    job.refresh_from_db()
    assert job.result == {}
    assert "as soon as a worker is free" in client.post(address, {}).content.decode()
    assert Job.objects.filter(operation="find_people").count() == 2


@pytest.mark.parametrize("state", [Job.State.FAILED, Job.State.CANCELLED])
def test_a_look_that_failed_is_shown_to_who_waited_for_it_and_then_made_again(
    place: Place, state: Job.State
) -> None:
    client, address, job = looked(place)
    Job.objects.filter(pk=job.pk).update(state=state, result={})
    waiting = f"{address}?job={job.pk}"
    assert client.get(waiting, headers={"HX-Request": "true"}).headers["HX-Redirect"] == waiting
    assert client.get(waiting).headers["Location"] == f"/jobs/{job.pk}/"
    assert "as soon as a worker is free" in client.get(address).content.decode()
    assert Job.objects.filter(operation="find_people").count() == 2


def test_a_look_is_not_shown_to_who_has_other_rights_now(place: Place) -> None:
    let_restore_people(place)
    client = Client()
    client.force_login(place.teacher)
    address = f"/bin/{RemovedItem.objects.get().pk}/people/"
    client.get(address)
    look_at_people()
    assert "stan@example.org" in client.get(address).content.decode()
    RoleOverride.objects.all().delete()
    assert "as soon as a worker is free" in client.get(address).content.decode()


def test_many_people_are_decided_about_page_by_page_or_all_at_once(place: Place) -> None:
    client, address, job = looked(place)
    [one] = job.result["conflicts"]
    names = ["stan", *(f"stan{number}" for number in range(1, people_page.PER_PAGE + 2))]
    many = [
        {**one, "person": {**one["person"], "id": one["person"]["id"] + index, "username": name}}
        for index, name in enumerate(names)
    ]
    Job.objects.filter(pk=job.pk).update(result={**job.result, "conflicts": many, "more": 3})
    page = client.get(address).content.decode()
    assert f"Do the same for all {len(names)}" in page
    assert "3 more people are in conflict" in page
    assert page.count("<fieldset") == people_page.PER_PAGE
    first = {f"choice-{other['person']['id']}": "out" for other in many[: people_page.PER_PAGE]}
    assert client.post(address, first).headers["Location"] == f"{address}?page=2"
    assert client.get(address).content.decode().count(" checked") == people_page.PER_PAGE
    second = {f"choice-{other['person']['id']}": "out" for other in many[people_page.PER_PAGE :]}
    refused = client.post(f"{address}?page=2", second)
    assert refused.status_code == 400
    assert "Nobody has decided about 3 people" in refused.content.decode()
    answer = client.post(address, {**first, "all": str(one["person"]["id"])})
    assert answer.headers["Location"] == address
    assert client.post(f"{address}?page=2", second).headers["Location"].startswith("/jobs/")
    assert Job.objects.get(operation="bring_back").options == {"accounts": "*=out"}
