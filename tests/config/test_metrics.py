"""`/metrics`: who may read it, and figures that are those of the rows."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from config import metrics, tallies
from config.models import JobTally
from courses import sentinel
from courses.models import Category, Course, User
from courses.signing import site_hash
from jobs import queue, runner
from jobs.models import Job
from tests.config.test_health import has_files
from tests.jobs import sample_operations
from tests.people_made import person
from vault.models import Schedule, StoredArchive

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nobody_works(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """No worker is notified or asked, and nothing of another test is remembered."""
    settings.COURSEKEEP_NOTIFY_WORKERS = f"{sample_operations.__name__}.notify_nobody"
    monkeypatch.setattr(metrics, "_last", (0.0, b""))
    monkeypatch.setattr(metrics, "answering_workers", lambda: ["a@one", "b@two"])


def figures() -> dict[tuple[str, ...], float]:
    """The figures, by name and the values of their labels."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for sample in family.samples
    }


# Who may read.


def status(**request: Any) -> int:
    return Client().get("/metrics", **request).status_code


def test_nobody_reads_them_unless_a_setting_lets_them_in() -> None:
    assert status() == 404
    assert status(headers={"authorization": "Bearer "}) == 404
    assert status(REMOTE_ADDR="127.0.0.1") == 404


def test_the_token_lets_in(settings: Any) -> None:
    settings.METRICS_TOKEN = "let me in"
    assert status(headers={"authorization": "Bearer let me in"}) == 200
    for wrong in ("Bearer let me", "let me in", "Bearer", "Bearer ä", ""):
        assert status(headers={"authorization": wrong}) == 404


@pytest.mark.parametrize(
    ("address", "let_in"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("2001:db8::7", True),
        ("11.1.2.3", False),
        ("2001:db9::7", False),
        ("", False),
    ],
)
def test_addresses_of_a_network_are_let_in(settings: Any, address: str, let_in: bool) -> None:
    settings.METRICS_ADDRESSES = [ip_network("10.0.0.0/8"), ip_network("2001:db8::/32")]
    assert status(REMOTE_ADDR=address) == (200 if let_in else 404)


def test_behind_a_proxy_the_address_is_the_one_that_the_proxy_saw(settings: Any) -> None:
    settings.METRICS_ADDRESSES = [ip_network("10.0.0.0/8")]
    settings.BEHIND_PROXY = True
    assert status(REMOTE_ADDR="10.0.0.1", headers={"x-forwarded-for": "10.0.0.9, 203.0.113.7"}) == 404
    assert status(REMOTE_ADDR="10.0.0.1", headers={"x-forwarded-for": "203.0.113.7, 10.0.0.9"}) == 200


def test_an_administrator_who_has_signed_in_reads_them() -> None:
    for name, superuser, expected in (("root", True, 200), ("teacher", False, 404)):
        client = Client()
        client.force_login(person(name, is_superuser=superuser))
        assert client.get("/metrics").status_code == expected


def test_the_answer_is_in_prometheus_format_and_computed_once_in_a_while(settings: Any) -> None:
    settings.METRICS_TOKEN = "t"
    answer = Client().get("/metrics", headers={"authorization": "Bearer t"})
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    with CaptureQueriesContext(connection) as asked:
        again = Client().get("/metrics", headers={"authorization": "Bearer t"})
    assert again.content == answer.content
    assert len(asked) == 0


# The queue and ended jobs.


def test_open_jobs_are_counted_by_state_and_operation_and_the_oldest_is_told() -> None:
    for _ in range(3):
        queue.request("backup", by=None)
    old = queue.request("verify", by=None)
    Job.objects.filter(pk=old.pk).update(created=timezone.now() - timedelta(hours=2))
    running = queue.request("restore", by=None)
    Job.objects.filter(pk=running.pk).update(state="running", heartbeat=timezone.now())
    found = figures()
    assert found["coursekeep_jobs_open", "backup", "queued"] == 3
    assert found["coursekeep_jobs_open", "restore", "running"] == 1
    assert 7200 <= found["coursekeep_queue_oldest_seconds",] < 7300


def test_an_empty_queue_has_no_age() -> None:
    assert figures()["coursekeep_queue_oldest_seconds",] == 0


def ended(operation: str, state: str, seconds: float | None, archive: StoredArchive | None = None) -> None:
    """A job that took so long ends."""
    job = queue.request(operation, by=None, archive=archive)
    now = timezone.now()
    job.state, job.finished = state, now
    job.started = None if seconds is None else now - timedelta(seconds=seconds)
    tallies.count_end(job)


def test_durations_and_bytes_of_ended_jobs_add_up_by_operation_and_state() -> None:
    archive = StoredArchive.objects.create(file="a", title="a.mbz", size=1000, sha256="0" * 64)
    for seconds in (0.5, 1, 4, 5000):
        ended("backup", "succeeded", seconds, archive)
    ended("backup", "failed", 10**6)
    ended("backup", "cancelled", None)
    found = figures()
    buckets = [
        found["coursekeep_job_seconds_bucket", bound, "backup", "succeeded"]
        for bound in (*(str(float(one)) for one in tallies.BOUNDS), "+Inf")
    ]
    assert buckets == [2, 3, 3, 3, 3, 3, 4, 4]
    assert found["coursekeep_job_seconds_count", "backup", "succeeded"] == 4
    assert found["coursekeep_job_seconds_sum", "backup", "succeeded"] == pytest.approx(5005.5)
    assert found["coursekeep_job_bytes_total", "backup", "succeeded"] == 4000
    assert found["coursekeep_job_seconds_bucket", "+Inf", "backup", "failed"] == 1
    assert found["coursekeep_job_seconds_bucket", "21600.0", "backup", "failed"] == 0
    assert found["coursekeep_job_seconds_count", "backup", "cancelled"] == 1


def test_a_job_that_runs_is_counted_when_it_ends_and_stays_counted_when_its_row_is_gone() -> None:
    job = queue.request("test-work", by=None)
    runner.run(job.pk)
    refused = queue.request("test-refuse", by=None)
    runner.run(refused.pk)
    Job.objects.all().delete()
    assert dict(JobTally.objects.values_list("state", "jobs")) == {"succeeded": 1, "failed": 1}
    assert figures()["coursekeep_job_seconds_count", "test-work", "succeeded"] == 1


# Backups, schedules, workers, space.


def course(name: str) -> Course:
    category, _ = Category.objects.get_or_create(name="Sciences", defaults={"contextid": 9101})
    return Course.objects.create(
        category=category, contextid=9200 + Course.objects.count(), shortname=name, fullname=name
    )


def archived(of: Course, **age: float) -> StoredArchive:
    return StoredArchive.objects.create(
        file=f"{of.pk}/{StoredArchive.objects.count()}",
        title="a.mbz",
        course=of,
        size=10,
        sha256="0" * 64,
        created=timezone.now() - timedelta(**age),
    )


def scheduled(*courses: Course, owner: User | None = None, **facts: Any) -> Schedule:
    schedule = Schedule(name="Nightly", weekdays=[0, 1, 2, 3, 4, 5, 6], owner=owner, **facts)
    schedule.save()
    schedule.courses.set(courses)
    return schedule


def test_courses_are_counted_by_the_age_of_their_newest_good_backup() -> None:
    fresh, old, never, spoilt, part, upload, other = (course(name) for name in "fonspuv")
    scheduled(fresh, old, never, spoilt, part, upload, scope="list")
    scheduled(other, scope="list", enabled=False)
    archived(fresh, days=40)
    archived(fresh, hours=3)
    archived(old, days=10)
    archived(spoilt, days=5)
    StoredArchive.objects.filter(pk=archived(spoilt, hours=1).pk).update(verify_errors=1)
    StoredArchive.objects.filter(pk=archived(spoilt, hours=2).pk).update(missing_contents=1)
    StoredArchive.objects.filter(pk=archived(part, hours=1).pk).update(archive_type="activity")
    StoredArchive.objects.filter(pk=archived(upload, hours=1).pk).update(source="upload")
    archived(other, days=100)
    found = figures()
    counts = {key[1:]: value for key, value in found.items() if key[0] == "coursekeep_courses"}
    assert counts == {
        ("scheduled", "1d"): 1,
        ("scheduled", "30d"): 1,
        ("scheduled", "7d"): 1,
        ("scheduled", "never"): 3,
        ("other", "older"): 1,
    }
    hour, day = 3600, 86_400
    assert found["coursekeep_newest_good_backup_age_seconds", "scheduled"] == pytest.approx(3 * hour, abs=60)
    assert found["coursekeep_oldest_good_backup_age_seconds", "scheduled"] == pytest.approx(10 * day, abs=60)
    assert found["coursekeep_oldest_good_backup_age_seconds", "other"] == pytest.approx(100 * day, abs=60)


def test_a_schedule_of_all_courses_covers_each() -> None:
    course("a")
    scheduled(scope="all")
    assert figures()["coursekeep_courses", "scheduled", "never"] == 1


def test_the_number_of_queries_does_not_grow_with_courses_archives_and_jobs() -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            metrics.text()
        return len(queries)

    scheduled(course("a"), scope="list")
    before = asked()
    for number in range(20):
        archived(course(f"c{number}"), days=number)
        queue.request("backup", by=None)
        ended(f"op{number}", "succeeded", number)
    assert asked() == before


def test_a_schedule_that_should_have_started_is_told() -> None:
    assert figures()["coursekeep_schedule_late_seconds",] == 0
    schedule = scheduled()
    Schedule.objects.filter(pk=schedule.pk).update(next_run=timezone.now() - timedelta(minutes=10))
    assert figures()["coursekeep_schedule_late_seconds",] == pytest.approx(600, abs=60)


def test_workers_and_free_space_are_told() -> None:
    found = figures()
    assert found["coursekeep_workers",] == 2
    assert found["coursekeep_free_bytes", "archives"] > 0
    assert found["coursekeep_free_bytes", "pool"] > 0


def test_without_a_broker_the_other_figures_come_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> list[str]:
        raise OSError("no broker")

    monkeypatch.setattr(metrics, "answering_workers", fail)
    found = figures()
    assert ("coursekeep_workers",) not in found
    assert ("coursekeep_queue_oldest_seconds",) in found


def test_with_a_storage_that_is_away_the_other_figures_come_all_the_same(
    own_storages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for alias in metrics.STORAGES:
        (own_storages / alias).mkdir()
    real, pool = shutil.disk_usage, metrics.folder_of("pool")

    def fail_for_pool(path: Path) -> Any:
        if path == pool:
            raise OSError("stale file handle")
        return real(path)

    monkeypatch.setattr(shutil, "disk_usage", fail_for_pool)
    found = figures()
    assert ("coursekeep_free_bytes", "pool") not in found
    assert found["coursekeep_free_bytes", "archives"] > 0
    assert ("coursekeep_queue_oldest_seconds",) in found


def test_of_each_storage_it_is_told_whether_it_can_be_used(
    own_storages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_files()
    for alias in metrics.STORAGES:
        (own_storages / alias).mkdir()
    storages["pool"].save(sentinel.NAME, ContentFile(f"{site_hash()}\n".encode()))
    found = figures()
    assert found["coursekeep_storage_usable", "pool"] == 1
    assert found["coursekeep_storage_usable", "archives"] == 0

    def fail(alias: str) -> bool:
        raise OSError("the disk does not answer")

    monkeypatch.setattr(sentinel, "is_marked", fail)
    assert figures()["coursekeep_storage_usable", "pool"] == 0


def test_one_part_that_the_database_does_not_answer_leaves_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(now: datetime) -> Any:
        raise OperationalError("canceling statement due to statement timeout")

    monkeypatch.setattr(metrics, "freshness", fail)
    found = figures()
    assert not any(name == "coursekeep_courses" for name, *_ in found)
    assert ("coursekeep_queue_oldest_seconds",) in found
    assert ("coursekeep_schedule_late_seconds",) in found
    assert ("coursekeep_workers",) in found


@pytest.mark.worker
def test_a_worker_that_runs_is_counted(worker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    names = next((found for _ in range(30) if (found := metrics.answering_workers())), [])
    assert len(names) == 1
