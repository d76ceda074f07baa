"""Limits of the site: how many jobs run, for how long, and that a form that is sent twice makes one job."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs import events, limits, operations, queue, runner
from jobs.models import Job, SiteLimit
from tests.people_made import person
from vault.models import Schedule, ScheduleEntry, ScheduleRun

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def endless() -> Iterator[str]:
    """An operation that never ends by itself."""

    def run(_: Job) -> Iterator[events.Event]:
        while True:
            yield events.Progress("Wait", 0, None)

    operations.operations["endless"] = run  # type: ignore[assignment]
    yield "endless"
    del operations.operations["endless"]


def test_as_many_jobs_of_a_person_run_at_once_as_the_limit_says() -> None:
    SiteLimit.objects.create(name="jobs_per_person", value=2)
    anna, boris = person("anna"), person("boris")
    jobs = [queue.request("backup", by=anna, notify=False) for _ in range(3)]
    claimed = [queue.claim(job.pk, worker="w") for job in jobs]
    assert [one is not None for one in claimed] == [True, True, False]
    assert Job.objects.get(pk=jobs[2].pk).state == Job.State.QUEUED
    assert queue.claim(queue.request("backup", by=boris, notify=False).pk, worker="w") is not None
    queue.end(queue.mine(Job.objects.get(pk=jobs[0].pk)), Job.State.SUCCEEDED)
    assert queue.claim(jobs[2].pk, worker="w") is not None


def test_jobs_of_a_schedule_do_not_count_for_its_owner() -> None:
    """Whoever owns a schedule of many courses does not wait for all of them."""
    SiteLimit.objects.create(name="jobs_per_person", value=1)
    anna, now = person("anna"), timezone.now()
    schedule = Schedule.objects.create(name="Nightly", weekdays=[0], hour=2, owner=anna)
    run = ScheduleRun.objects.create(schedule=schedule, due=now, started=now)
    entries = [ScheduleEntry.objects.create(run=run, title="A course", state="queued") for _ in range(2)]
    jobs = [queue.request("backup", by=anna, notify=False) for _ in range(3)]
    for job, entry in zip(jobs, entries, strict=False):
        Job.objects.filter(pk=job.pk).update(schedule_entry=entry)
    assert all(queue.claim(job.pk, worker="w") is not None for job in jobs)


def test_as_many_jobs_of_the_site_run_at_once_as_the_limit_says() -> None:
    SiteLimit.objects.create(name="jobs_per_site", value=1)
    first = queue.request("backup", by=person("anna"), notify=False)
    second = queue.request("backup", by=person("boris"), notify=False)
    command = queue.request("backup", by=None, notify=False, attempts=1)
    assert queue.claim(first.pk, worker="w") is not None
    assert queue.claim(second.pk, worker="w") is None
    assert queue.claim(command.pk, worker="w") is not None


def test_the_end_of_a_job_notifies_of_the_next_one_of_the_person(monkeypatch: pytest.MonkeyPatch) -> None:
    anna = person("anna")
    first, second = (queue.request("backup", by=anna, notify=False) for _ in range(2))
    queue.claim(first.pk, worker="w")
    told: list[int] = []
    monkeypatch.setattr(queue, "notify_workers", told.append)
    queue.end(queue.mine(Job.objects.get(pk=first.pk)), Job.State.SUCCEEDED)
    assert told == [second.pk]


def test_the_end_of_a_job_notifies_of_the_next_one_that_may_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest waiting job is of somebody who is at the limit: its message would be for nothing."""
    SiteLimit.objects.create(name="jobs_per_person", value=1)
    anna, boris, clara = person("anna"), person("boris"), person("clara")
    running = queue.request("backup", by=anna, notify=False)
    ending = queue.request("backup", by=boris, notify=False)
    for job in (running, ending):
        assert queue.claim(job.pk, worker="w") is not None
    queue.request("backup", by=anna, notify=False)
    may_run = queue.request("backup", by=clara, notify=False)
    notified: list[int] = []
    monkeypatch.setattr(queue, "notify_workers", notified.append)
    queue.end(queue.mine(Job.objects.get(pk=ending.pk)), Job.State.SUCCEEDED)
    assert notified == [may_run.pk]


def test_the_end_of_a_job_notifies_of_none_while_the_site_is_at_its_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = (queue.request("backup", by=person(name), notify=False) for name in ("anna", "boris"))
    for job in (first, second):
        assert queue.claim(job.pk, worker="w") is not None
    SiteLimit.objects.create(name="jobs_per_site", value=1)
    queue.request("backup", by=person("clara"), notify=False)
    by_site = queue.request("backup", by=None, notify=False)
    notified: list[int] = []
    monkeypatch.setattr(queue, "notify_workers", notified.append)
    queue.end(queue.mine(Job.objects.get(pk=first.pk)), Job.State.SUCCEEDED)
    assert notified == [by_site.pk]


def test_a_job_that_takes_too_long_is_stopped_with_a_sentence(
    endless: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = queue.request(endless, by=None, notify=False)
    monkeypatch.setattr(limits, "scaled", lambda _: 0)
    runner.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error_code) == (Job.State.FAILED, "time-limit")
    assert "720 minutes" in job.error


def test_a_job_without_memory_fails_and_says_nothing_about_the_archive(
    endless: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(_: Job) -> Iterator[events.Event]:
        yield events.Progress("Read", 0, None)
        raise MemoryError

    monkeypatch.setitem(operations.operations, endless, run)
    job = queue.request(endless, by=None, notify=False)
    runner.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error_code, job.attempts) == (Job.State.FAILED, "out-of-memory", 1)


def test_a_form_that_is_sent_twice_makes_one_job() -> None:
    anna, boris = person("anna"), person("boris")
    first = queue.request("backup", by=anna, token="abc", notify=False)
    assert queue.request("backup", by=anna, token="abc", notify=False).pk == first.pk
    assert queue.request("backup", by=boris, token="abc", notify=False).pk != first.pk
    assert queue.request("backup", by=anna, token="", notify=False).pk != first.pk
    assert Job.objects.count() == 3


@pytest.mark.parametrize("text", ["0", "-1", "²", "9" * 5000, "", "1_0"])
def test_the_page_of_limits_refuses_what_a_limit_cannot_be(text: str, administrator: Client) -> None:
    sent = {one.name: str(one.default) for one in limits.LIMITS} | {"members": text}
    answer = administrator.post(reverse("administration-limits"), sent)
    assert answer.status_code == 400
    assert "Members of an archive is a whole number" in answer.content.decode()
    assert not SiteLimit.objects.exists()


def test_the_page_of_limits_refuses_a_time_of_the_audit_trail_that_hides_what_was_done(
    administrator: Client,
) -> None:
    sent = {one.name: str(one.default) for one in limits.LIMITS} | {"audit_days": "89"}
    answer = administrator.post(reverse("administration-limits"), sent)
    assert answer.status_code == 400
    assert "Audit trail is a whole number from 90 to 36,500." in answer.content.decode()
    SiteLimit.objects.create(name="audit_days", value=1)
    assert limits.value("audit_days") == 90


def test_the_page_of_limits_saves_what_differs_from_the_defaults(administrator: Client) -> None:
    sent = {one.name: str(one.default) for one in limits.LIMITS} | {"members": "1000"}
    assert administrator.post(reverse("administration-limits"), sent).status_code == 302
    assert dict(SiteLimit.objects.values_list("name", "value")) == {"members": 1000}
    assert limits.of_archives().members == 1000
    assert 'value="1000"' in administrator.get(reverse("administration-limits")).content.decode()


def test_the_page_of_limits_is_for_administrators(signed_in: Callable[[str], Client]) -> None:
    assert signed_in("anna").get(reverse("administration-limits")).status_code == 403


@pytest.fixture
def signed_in() -> Callable[[str], Client]:
    """A client that is signed in as a person of this name."""

    def sign_in(name: str) -> Client:
        client = Client()
        client.force_login(person(name))
        return client

    return sign_in


@pytest.fixture
def administrator() -> Client:
    """A client that is signed in as an administrator."""
    client = Client()
    client.force_login(person("root", is_superuser=True))
    return client
