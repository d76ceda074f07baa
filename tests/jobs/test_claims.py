"""Which of the waiting jobs a worker takes: by class, then in turn between people, within the limits."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from courses.models import User
from jobs import claims, queue, runner, tasks
from jobs.choices import Priority
from jobs.models import Job, SiteLimit
from tests.people_made import person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_workers(settings: Any) -> None:
    settings.COURSEKEEP_NOTIFY_WORKERS = "tests.jobs.sample_operations.notify_nobody"


def waiting(by: User | None, priority: Priority = Priority.BACKUP, operation: str = "test-work") -> Job:
    job = queue.request(operation, by=by, notify=False)
    Job.objects.filter(pk=job.pk).update(priority=priority)
    return job


def taken(number: int, *, ending: bool = True) -> list[int]:
    """Claim so many jobs, one after the other; return the ids."""
    found = []
    for _ in range(number):
        job = claims.claim_best(worker="w")
        assert job is not None
        found.append(job.pk)
        if ending:
            queue.end(queue.mine(job), Job.State.SUCCEEDED)
    return found


def test_a_worker_takes_the_jobs_of_a_higher_class_first() -> None:
    anna = person("anna")
    jobs = [waiting(anna, priority) for priority in reversed(Priority)]
    assert taken(5) == [job.pk for job in reversed(jobs)]
    assert claims.claim_best(worker="w") is None


@pytest.mark.parametrize(
    ("operation", "priority"),
    [
        ("upload", Priority.WAITING),
        ("rehearse", Priority.WAITING),
        ("match_people", Priority.WAITING),
        ("find_people", Priority.WAITING),
        ("restore", Priority.RESTORE),
        ("copy", Priority.RESTORE),
        ("import", Priority.RESTORE),
        ("bring_back", Priority.RESTORE),
        ("bring_back_person", Priority.RESTORE),
        ("remove", Priority.RESTORE),
        ("backup", Priority.BACKUP),
        ("verify", Priority.VERIFICATION),
    ],
)
def test_an_operation_has_a_class(operation: str, priority: Priority) -> None:
    assert queue.request(operation, by=None, notify=False).priority == priority


def test_a_persons_one_job_does_not_wait_behind_sixty_of_a_colleague() -> None:
    anna, boris = person("anna"), person("boris")
    many = [waiting(anna).pk for _ in range(60)]
    tiny = waiting(boris).pk
    assert taken(2) == [many[0], tiny]
    assert taken(2) == many[1:3]


def test_people_take_turns_while_both_have_jobs_waiting() -> None:
    anna, boris = person("anna"), person("boris")
    first = [waiting(anna).pk for _ in range(3)]
    second = [waiting(boris).pk for _ in range(3)]
    assert taken(6) == [first[0], second[0], first[1], second[1], first[2], second[2]]


def test_places_are_divided_between_people_although_their_jobs_run_on() -> None:
    anna, boris, clara = person("anna"), person("boris"), person("clara")
    for one in (anna, anna, anna, boris, boris, clara):
        waiting(one)
    jobs = taken(6, ending=False)
    people = dict(Job.objects.values_list("pk", "requested_by"))
    assert [people[job] for job in jobs] == [
        anna.pk,
        boris.pk,
        clara.pk,
        anna.pk,
        boris.pk,
        anna.pk,
    ]


def test_jobs_of_a_person_who_is_at_the_limit_are_passed_over() -> None:
    SiteLimit.objects.create(name="jobs_per_person", value=1)
    anna, boris = person("anna"), person("boris")
    waiting(anna), waiting(anna)
    last = waiting(boris, Priority.VERIFICATION)
    assert taken(2, ending=False)[1] == last.pk
    assert claims.claim_best(worker="w") is None


def test_only_jobs_of_the_site_are_taken_when_the_site_is_at_its_limit() -> None:
    SiteLimit.objects.create(name="jobs_per_site", value=1)
    waiting(person("anna")), waiting(person("boris"), Priority.RESTORE)
    own = waiting(None, Priority.VERIFICATION)
    assert taken(2, ending=False)[1] == own.pk
    assert claims.claim_best(worker="w") is None


def test_a_job_that_a_command_runs_itself_is_not_taken_by_a_worker() -> None:
    queue.request("test-work", by=None, attempts=1, notify=False)
    assert claims.claim_best(worker="w") is None


def test_a_job_is_not_taken_before_its_time_nor_after_its_window() -> None:
    anna = person("anna")
    early, late, able = waiting(anna), waiting(anna), waiting(anna)
    Job.objects.filter(pk=early.pk).update(not_before=Now() + timedelta(hours=1))
    Job.objects.filter(pk=late.pk).update(start_by=Now())
    assert taken(1) == [able.pk]
    assert claims.claim_best(worker="w") is None


@pytest.mark.parametrize("bound", ["jobs_per_person", "jobs_per_site"])
def test_what_a_person_waits_for_does_not_stand_behind_other_jobs(bound: str) -> None:
    SiteLimit.objects.create(name=bound, value=1)
    anna = person("anna")
    waiting(anna)
    taken(1, ending=False)
    waiting(anna)
    looks = [waiting(anna, Priority.WAITING).pk for _ in range(claims.WAITED_FOR + 1)]
    assert taken(claims.WAITED_FOR, ending=False) == looks[:-1]
    assert claims.claim_best(worker="w") is None
    assert queue.claim(looks[-1], worker="w") is None
    of_boris = waiting(person("boris"), Priority.WAITING)
    assert queue.claim(of_boris.pk, worker="w") is not None


def test_what_a_person_waits_for_takes_no_place_of_other_jobs() -> None:
    for bound in ("jobs_per_person", "jobs_per_site"):
        SiteLimit.objects.create(name=bound, value=1)
    anna = person("anna")
    waiting(anna, Priority.WAITING)
    taken(1, ending=False)
    first, second = waiting(anna), waiting(anna)
    assert taken(1, ending=False) == [first.pk]
    assert queue.claim(second.pk, worker="w") is None


def test_a_job_that_failed_by_a_fault_is_not_taken_again_at_once() -> None:
    job = queue.request("test-stumble", by=None, notify=False)
    runner.run(job.pk)
    assert claims.claim_best(worker="w") is None
    Job.objects.filter(pk=job.pk).update(not_before=Now())
    assert taken(1) == [job.pk]


def test_a_message_makes_a_worker_run_the_best_job_not_its_own() -> None:
    of_message = waiting(person("anna"))
    best = waiting(person("boris"), Priority.WAITING)
    tasks.run_job(of_message.pk)
    assert [Job.objects.get(pk=job.pk).state for job in (of_message, best)] == ["queued", "succeeded"]


def test_workers_that_claim_at_once_take_different_jobs_within_the_limit() -> None:
    SiteLimit.objects.create(name="jobs_per_site", value=3)
    for number in range(8):
        waiting(person(f"p{number}"))
    barrier = threading.Barrier(6)
    got: list[int] = []

    def take() -> None:
        try:
            barrier.wait()
            if (job := claims.claim_best(worker="w")) is not None:
                got.append(job.pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=take) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == len(set(got)) == 3


def test_claiming_reads_as_many_rows_as_people_wait_however_long_the_queue_is() -> None:
    """The plan has index scans only, and looks at a few rows of 20,000."""
    people = [person(f"p{number}") for number in range(4)]
    Job.objects.bulk_create(
        Job(operation="test-work", requested_by=people[number % 4], priority=1 + number % 3)
        for number in range(20_000)
    )
    Job.objects.bulk_create(
        Job(
            operation="test-work",
            requested_by=people[number % 4],
            state="succeeded",
            started="2026-01-01T00:00Z",
            finished="2026-01-01T00:00Z",
        )
        for number in range(5_000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE jobs_job")
        cursor.execute(
            "EXPLAIN (ANALYZE, FORMAT JSON) " + claims.BEST, {"site": 32, "person": 4, "waiting": 2}
        )
        plan = cursor.fetchone()[0][0]["Plan"]
    scans = [node for node in nodes(plan) if node.get("Relation Name") == "jobs_job"]
    assert {node["Node Type"] for node in scans} <= {"Index Scan", "Index Only Scan"}
    assert sum(node["Actual Rows"] * node["Actual Loops"] for node in scans) < 100


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a node of a query plan and all below it."""
    return [plan, *(found for child in plan.get("Plans", []) for found in nodes(child))]


def test_claiming_takes_the_same_statements_whatever_waits() -> None:
    counts = []
    for number in (1, 30):
        for _ in range(number):
            waiting(person(f"p{Job.objects.count()}"))
        with CaptureQueriesContext(
            connection,
        ) as seen:
            claims.claim_best(worker="w")
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 8
