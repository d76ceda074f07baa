"""Limits of the jobs of a storage: so many read or write its files at the same time, and the others do not wait for them."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from courses.models import User
from jobs import claims, limits, operations, queue, trail
from jobs.choices import Priority
from jobs.models import Job, SiteLimit
from tests.jobs.test_claims import nodes
from tests.people_made import person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_workers(settings: Any) -> None:
    settings.COURSEKEEP_NOTIFY_WORKERS = "tests.jobs.sample_operations.notify_nobody"


@pytest.fixture(autouse=True)
def only_one_at_the_archives() -> None:
    SiteLimit.objects.create(name="jobs_archives", value=1)


def waiting(by: User | None, operation: str = "backup", **columns: Any) -> Job:
    """Queue a job."""
    job = queue.request(operation, by=by, notify=False)
    Job.objects.filter(pk=job.pk).update(**columns)
    return job


def taken() -> int | None:
    """Claim the best job; return its id."""
    job = claims.claim_best(worker="w")
    return job.pk if job else None


def ended(number: int) -> None:
    """End a running job."""
    queue.end(queue.mine(Job.objects.get(pk=number)), Job.State.SUCCEEDED)


def test_as_many_jobs_at_a_storage_run_at_once_as_its_limit_says() -> None:
    first, second = waiting(person("anna")), waiting(person("boris"))
    assert [taken(), taken()] == [first.pk, None]
    assert queue.claim(second.pk, worker="w") is None
    ended(first.pk)
    assert taken() == second.pk


def test_a_job_that_leaves_the_storage_alone_does_not_wait_behind_those_at_it() -> None:
    anna = person("anna")
    first, second, copy = waiting(anna), waiting(anna, priority=Priority.RESTORE), waiting(anna, "copy")
    alike = waiting(anna, "copy", priority=Priority.BACKUP)
    assert [taken(), taken(), taken(), taken()] == [second.pk, copy.pk, alike.pk, None]
    ended(second.pk)
    assert taken() == first.pk


def test_each_storage_has_a_limit_of_its_own() -> None:
    SiteLimit.objects.create(name="jobs_pool", value=2)
    anna = person("anna")
    backup, copies, check = waiting(anna), [waiting(anna, "copy") for _ in range(3)], waiting(anna, "verify")
    # The backup waits for the pool, and the place at the archives is its own.
    assert [taken(), taken(), taken()] == [copies[0].pk, copies[1].pk, None]
    ended(copies[0].pk)
    assert [taken(), taken()] == [copies[2].pk, None]
    ended(copies[1].pk)
    assert [taken(), taken()] == [backup.pk, None]
    ended(backup.pk)
    assert taken() == check.pk


def test_a_job_that_needs_two_storages_does_not_wait_until_both_are_free_at_once() -> None:
    SiteLimit.objects.create(name="jobs_pool", value=1)
    anna = person("anna")
    copy, check = waiting(anna, "copy"), waiting(anna, "verify")
    assert [taken(), taken()] == [copy.pk, check.pk]
    backup, later = waiting(anna), waiting(anna, "verify")
    assert taken() is None
    ended(check.pk)
    assert taken() is None
    ended(copy.pk)
    assert [taken(), taken()] == [backup.pk, None]
    ended(backup.pk)
    assert taken() == later.pk


def test_only_the_last_place_at_a_storage_is_left_to_a_job_that_waits_for_another_storage() -> None:
    SiteLimit.objects.create(name="jobs_pool", value=1)
    SiteLimit.objects.filter(name="jobs_archives").update(value=3)
    anna = person("anna")
    copy, _backup, checks = waiting(anna, "copy"), waiting(anna), [waiting(anna, "verify") for _ in range(3)]
    assert [taken() for _ in range(4)] == [copy.pk, checks[0].pk, checks[1].pk, None]


def test_a_job_that_may_not_begin_for_another_reason_keeps_no_place() -> None:
    SiteLimit.objects.create(name="jobs_pool", value=1)
    SiteLimit.objects.create(name="jobs_per_person", value=1)
    anna, boris = person("anna"), person("boris")
    copy = waiting(anna, "copy")
    assert taken() == copy.pk
    waiting(anna)
    check = waiting(boris, "verify")
    assert taken() == check.pk


@pytest.mark.parametrize(
    ("operation", "bounds", "number"),
    [
        ("backup", {"jobs_archives": 1, "jobs_pool": 1}, 2),
        ("copy", {"jobs_archives": 1, "jobs_pool": 1}, 1),
        ("backup", {"jobs_archives": 0, "jobs_pool": 1}, 1),
        ("backup", {"jobs_archives": 0}, 1),
    ],
)
def test_the_end_of_a_job_makes_as_many_workers_look_as_it_leaves_storages(
    operation: str, bounds: dict[str, int], number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    SiteLimit.objects.all().delete()
    SiteLimit.objects.bulk_create(SiteLimit(name=name, value=value) for name, value in bounds.items())
    anna = person("anna")
    first = waiting(anna, operation)
    assert taken() == first.pk
    copy, _check = waiting(anna, "copy"), waiting(anna, "verify")
    told: list[int] = []
    monkeypatch.setattr(queue, "notify_workers", told.append)
    ended(first.pk)
    assert told == [copy.pk] * number


def test_people_take_turns_at_a_busy_storage() -> None:
    anna, boris = person("anna"), person("boris")
    of_anna, of_boris = [waiting(anna).pk for _ in range(2)], [waiting(boris).pk for _ in range(2)]
    got = []
    for _ in range(4):
        got.append(taken())
        assert taken() is None
        ended(got[-1] or 0)
    assert got == [of_anna[0], of_boris[0], of_anna[1], of_boris[1]]


def test_jobs_of_schedules_and_of_the_site_are_bound_and_those_that_a_page_waits_for_are_not() -> None:
    own, look = waiting(None), waiting(person("anna"), "rehearse")
    other = waiting(None)
    assert [taken(), taken(), taken()] == [look.pk, own.pk, None]
    command = queue.request("backup", by=None, attempts=1, notify=False)
    assert queue.claim(command.pk, worker="w") is not None
    ended(own.pk)
    assert taken() is None
    ended(command.pk)
    assert taken() == other.pk


def test_without_a_limit_nothing_waits_for_a_storage() -> None:
    SiteLimit.objects.update(value=0)
    jobs = [waiting(person(f"p{number}")).pk for number in range(5)]
    assert [taken() for _ in range(6)] == [*jobs, None]


def test_two_workers_that_claim_at_once_do_not_pass_the_limit() -> None:
    SiteLimit.objects.update(value=2)
    for number in range(6):
        waiting(person(f"p{number}"))
    barrier = threading.Barrier(4)
    got: list[int] = []

    def take() -> None:
        try:
            barrier.wait()
            got.extend(number for _ in range(2) if (number := taken()) is not None)
        finally:
            connection.close()

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == len(set(got)) == 2


def test_a_claim_does_not_read_the_jobs_that_wait_for_a_busy_storage() -> None:
    anna = person("anna")
    Job.objects.bulk_create(Job(operation="backup", requested_by=anna, priority=2) for _ in range(20_000))
    Job.objects.bulk_create([Job(operation="copy", requested_by=anna, priority=2)])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE jobs_job")
        cursor.execute(
            "EXPLAIN (ANALYZE, FORMAT JSON) " + claims.BEST_BESIDE_BUSY,
            {
                "site": 32,
                "person": 4,
                "waiting": 2,
                "busy": ["backup"],
                "ahead": ["backup"],
                "behind": ["verify"],
            },
        )
        plan = cursor.fetchone()[0][0]["Plan"]
    scans = [node for node in nodes(plan) if node.get("Relation Name") == "jobs_job"]
    assert sum(node["Actual Rows"] * node["Actual Loops"] for node in scans) < 100


BOTH = {"archives", "pool"}
USED = {
    "backup": BOTH,
    "bring_back": BOTH,
    "bring_back_person": BOTH,
    "copy": {"pool"},
    "find_people": {"archives"},
    "import": {"pool"},
    "match_people": {"archives"},
    "rehearse": BOTH,
    "remove": BOTH,
    "restore": BOTH,
    "upload": {"archives"},
    "verify": {"archives"},
}
"""The storages whose files the jobs of each operation read or write."""


def test_every_operation_says_which_storages_it_uses() -> None:
    assert USED.keys() == trail.RECORDED.keys() | trail.ONLY_LOOKS
    assert {name: operations.storages[name] for name in USED} == USED
    assert USED.keys() == operations.using("archives") | operations.using("pool")


def test_the_page_of_limits_takes_no_limit_and_refuses_what_is_no_number(client: Client) -> None:
    client.force_login(person("root", is_superuser=True))
    sent = {one.name: limits.value(one.name) for one in limits.LIMITS}
    assert client.post(reverse("administration-limits"), sent | {"jobs_archives": "0"}).status_code == 302
    assert limits.value("jobs_archives") == 0
    for wrong in ("", "few", "-1", "10001"):
        answer = client.post(reverse("administration-limits"), sent | {"jobs_archives": wrong})
        assert answer.status_code == 400
        assert "Jobs at archives is a whole number from 0 to 10,000." in answer.content.decode()
