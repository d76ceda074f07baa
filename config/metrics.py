"""`/metrics` for Prometheus: the queue, ended jobs, backups, schedules, workers and free space, read from the database.

Every machine of a site says the same, so it is enough to ask one of them.
"""

from __future__ import annotations

import hmac
import ipaddress
import logging
import shutil
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.core.files.storage import storages
from django.db import DatabaseError
from django.db.models import Count, Min
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from config import health
from config.celery import app
from config.models import JobTally
from config.tallies import BOUNDS
from jobs.clock import database_now
from jobs.models import Job
from sign_in.attempts import sender_of
from vault.freshness import freshness
from vault.models import Schedule

log = logging.getLogger(__name__)

FRESH = 15.0
"""Seconds for which the figures are given again, however many ask."""

PING_SECONDS = 1.0
"""Seconds for which answers of workers are awaited."""

STORAGES = ("archives", "pool")


@require_GET
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer with the figures; with 404 to all but administrators, senders of the token, and the addresses that are allowed."""
    if not _may_read(request):
        raise Http404
    return HttpResponse(_cached_text(), content_type=CONTENT_TYPE_LATEST)


def _may_read(request: HttpRequest) -> bool:
    sent = request.headers.get("Authorization", "").encode()
    token = settings.METRICS_TOKEN
    if token and hmac.compare_digest(sent, f"Bearer {token}".encode()):
        return True
    return _from_allowed_address(request) or bool(request.user.is_active and request.user.is_superuser)


def _from_allowed_address(request: HttpRequest) -> bool:
    try:
        address = ipaddress.ip_address(sender_of(request))
    except ValueError:
        return False
    plain = getattr(address, "ipv4_mapped", None) or address
    return any(plain in network for network in settings.METRICS_ADDRESSES)


_lock = threading.Lock()
_last: tuple[float, bytes] = (0.0, b"")


def _cached_text() -> bytes:
    """Return the figures as text, computed once in `FRESH` seconds."""
    global _last
    with _lock:
        if not _last[1] or time.monotonic() - _last[0] > FRESH:
            _last = (time.monotonic(), text())
        return _last[1]


def text() -> bytes:
    """Return the figures in the text format of Prometheus."""
    registry = CollectorRegistry()
    registry.register(SiteCollector())
    return generate_latest(registry)


class SiteCollector(Collector):
    """The figures of the site. Each query reads an index, or a table with few rows."""

    def describe(self) -> Iterable[Metric]:
        """Return nothing: the registry must not compute all figures to learn their names."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield the figures."""
        now = database_now()
        for part in (_queue(now), _ended_jobs(), _backups(now), _schedules(now)):
            yield from _answered(part)
        yield _workers()
        yield from _storages()


def _answered(part: Iterator[Metric]) -> Iterator[Metric]:
    """Yield the figures of one part, without those for which the database has no answer."""
    try:
        yield from part
    except DatabaseError as problem:
        log.warning("Figures are missing: %s", problem)


def _queue(now: datetime) -> Iterator[Metric]:
    opened = GaugeMetricFamily(
        "coursekeep_jobs_open", "Jobs that wait or run.", labels=["state", "operation"]
    )
    by_state = {state: open_jobs(state) for state in Job.OPEN}
    for state, jobs in by_state.items():
        for found in jobs:
            opened.add_metric([str(state), found.operation], found.number)
    yield opened
    oldest = min((found.oldest for found in by_state[Job.State.QUEUED]), default=None)
    yield GaugeMetricFamily(
        "coursekeep_queue_oldest_seconds",
        "How long the job waits that waits the longest; 0 if none does.",
        value=_age(oldest, now) if oldest else 0,
    )


class OpenJobs(NamedTuple):
    """The jobs of one operation in one state: their number, and when the oldest was asked for."""

    operation: str
    number: int
    oldest: datetime


def open_jobs(state: str) -> list[OpenJobs]:
    """Return the jobs that wait, or those that run, by operation.

    One state at a time, as each has an index of its own, and grouped: the oldest of all would be looked for in the index of
    `created`, among all jobs that there ever were.
    """
    rows = Job.objects.filter(state=state).order_by().values("operation")
    return [
        OpenJobs(row["operation"], row["number"], row["oldest"])
        for row in rows.annotate(number=Count("pk"), oldest=Min("created"))
    ]


def _ended_jobs() -> Iterator[Metric]:
    took = HistogramMetricFamily(
        "coursekeep_job_seconds", "Durations of jobs that have ended.", labels=["operation", "state"]
    )
    size = CounterMetricFamily(
        "coursekeep_job_bytes", "Bytes of the archives that jobs made or read.", labels=["operation", "state"]
    )
    rows: dict[tuple[str, str], dict[int, JobTally]] = defaultdict(dict)
    for tally in JobTally.objects.order_by("operation", "state"):
        rows[tally.operation, tally.state][tally.within] = tally
    for labels, by_bound in rows.items():
        buckets, below = [], 0
        for bound in (*BOUNDS, 0):
            below += by_bound[bound].jobs if bound in by_bound else 0
            buckets.append((str(float(bound)) if bound else "+Inf", below))
        took.add_metric(labels, buckets, sum(tally.seconds for tally in by_bound.values()))
        size.add_metric(labels, sum(tally.bytes for tally in by_bound.values()))
    yield took
    yield size


def _backups(now: datetime) -> Iterator[Metric]:
    counts = GaugeMetricFamily(
        "coursekeep_courses",
        "Courses by class, and by the age of their newest good backup.",
        labels=["class", "newest_backup"],
    )
    newest = GaugeMetricFamily(
        "coursekeep_newest_good_backup_age_seconds",
        "Age of the newest good backup in a class.",
        labels=["class"],
    )
    oldest = GaugeMetricFamily(
        "coursekeep_oldest_good_backup_age_seconds",
        "Age of the newest good backup of that course of a class whose is the oldest.",
        labels=["class"],
    )
    for name, found in freshness(now).items():
        for age, number in sorted(found.by_age.items()):
            counts.add_metric([name, age], number)
        for family, moment in ((newest, found.newest), (oldest, found.oldest)):
            if moment is not None:
                family.add_metric([name], _age(moment, now))
    yield from (counts, newest, oldest)


def _schedules(now: datetime) -> Iterator[Metric]:
    late = Schedule.objects.filter(enabled=True, next_run__lte=now).aggregate(due=Min("next_run"))["due"]
    yield GaugeMetricFamily(
        "coursekeep_schedule_late_seconds",
        "How long ago the schedule was due that should have started and has not; 0 if none.",
        value=_age(late, now) if late else 0,
    )


def _workers() -> Metric:
    """Return the number of workers that answer; without the metric's value if the broker does not."""
    family = GaugeMetricFamily("coursekeep_workers", "Workers that answer.", labels=[])
    try:
        family.add_metric([], len(answering_workers()))
    except Exception as problem:  # noqa: BLE001 - whatever the broker's driver raises
        log.warning("Workers could not be asked: %s", problem)
    return family


def answering_workers(seconds: float = PING_SECONDS) -> list[str]:
    """Return the names of the workers that answer in time. Raises the errors of the broker's driver."""
    answers: list[dict[str, Any]] = app.control.ping(timeout=seconds) or []
    return sorted(name for answer in answers for name in answer)


def _storages() -> Iterator[Metric]:
    """Yield whether each storage can be used, and its free space; no value for the space of one that does not answer."""
    usable = GaugeMetricFamily(
        "coursekeep_storage_usable",
        "1 if the storage answers and is this site's own, 0 if not.",
        labels=["storage"],
    )
    free = GaugeMetricFamily(
        "coursekeep_free_bytes", "Free space of storages on this machine.", labels=["storage"]
    )
    for alias in STORAGES:
        usable.add_metric([alias], float(_is_usable(alias)))
        try:
            folder = folder_of(alias)
            if folder is not None:
                free.add_metric([alias], shutil.disk_usage(folder).free)
        except OSError as problem:
            log.warning("Free space of the storage %s is not known: %s", alias, problem)
    yield from (usable, free)


def _is_usable(alias: str) -> bool:
    """Whether a storage answers and is this site's own, as `/readyz` looks at it."""
    try:
        health.look_at_storage(alias)
    except Exception as problem:  # noqa: BLE001 - whatever a storage's driver raises
        log.warning("The storage %s cannot be used: %s", alias, problem)
        return False
    return True


def folder_of(alias: str) -> Path | None:
    """Return the folder of a storage, or the one above if it is not made yet; None for a storage that is no folder."""
    try:
        folder = Path(storages[alias].path(""))
    except NotImplementedError:
        return None
    return next((path for path in (folder, *folder.parents) if path.exists()), None)


def _age(moment: datetime, now: datetime) -> float:
    return max(0.0, (now - moment).total_seconds())
