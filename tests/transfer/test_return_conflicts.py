"""A return from the recycle bin with a person who is in conflict with an account here: a page decides, and it comes back."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.test import Client

from archive.errors import NotAllowed, PrecheckFailed
from courses import removal
from courses.activities.forum import ForumPost
from courses.models import User
from jobs import runner
from jobs.models import Job
from restore.people_page import Conflict
from tests.jobs_done import look_at_people
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
    number = int(answer.headers["Location"].strip("/").rpartition("/")[2])
    runner.run(number, raising=True)
    assert ForumPost.objects.get().userid == User.objects.get(username="stan2").pk
    assert not RemovedItem.objects.exists()


def test_the_command_takes_decisions_about_people(place: Place) -> None:
    entry = RemovedItem.objects.get().pk
    call_command("bin", "restore", str(entry), "--accounts", "stan=new:stan3", "--json")
    assert ForumPost.objects.get().userid == User.objects.get(username="stan3").pk


def test_who_may_not_make_accounts_can_only_leave_the_person_out(place: Place) -> None:
    item = RemovedItem.objects.get()
    [row] = conflicts(item, place.teacher)
    assert (row.choices, row.here, row.hidden) == (("out",), None, row.hidden)
    with pytest.raises(NotAllowed, match="not decide who “stan” is"):
        returns.request_return(item, by=place.teacher, accounts="stan=here", notify=False)
    job = returns.request_return(item, by=place.teacher, accounts="stan=out", notify=False)
    runner.run(job.pk, raising=True)
    assert not ForumPost.objects.exists()
    assert Job.objects.get(pk=job.pk).state == Job.State.SUCCEEDED
