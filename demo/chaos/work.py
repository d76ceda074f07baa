"""The work of a site under chaos: jobs of all kinds, requested in turn by chance, as pages and schedules do it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import TypeVar

from django.db import DatabaseError, InterfaceError, connection

from archive.errors import CoursekeepError
from backup.services import request_backup
from courses.models import Course, User
from demo.samples import make_sample
from embedded_postgres.programs import EmbeddedDatabaseError
from jobs import queue
from jobs.models import Job
from restore.services import request_restore
from transfer.copies import Choices, request_copy
from vault import checks, schedules
from vault.models import Schedule, StoredArchive

MOST_OPEN = 8
"""Jobs that wait or run; with so many no more are requested."""

SAMPLES = ("XS", "XS", "S")
PATIENCE = 120.0
"""Seconds in which the database has to come back."""

Result = TypeVar("Result")


class Work:
    """Requests jobs. `counts` has the number of requests by kind; `samples` are the ids of the courses that are backed up."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.counts: Counter[str] = Counter()
        self.by = User.objects.create_superuser("chaos", "chaos@example.org")
        self.samples = [make_sample(size, seed=seed).course_id for seed, size in enumerate(SAMPLES)]
        self.schedule = Schedule.objects.create(
            name="Chaos", scope=Schedule.Scope.LIST, weekdays=[0], keep_count=2, owner=self.by
        )
        self.schedule.courses.set(self.samples)

    def begin(self) -> None:
        """Wait until a first archive is there, by which the storages know that they have been used."""
        job = request_backup(self._sample(), by=self.by)
        for _ in queue.follow(job.pk, every=0.3):
            pass

    def wait(self, seconds: float) -> None:
        """Let time pass and request jobs meanwhile, as long as not too many are open."""
        until = time.monotonic() + seconds
        while True:
            if persistent(open_jobs) < MOST_OPEN:
                self._request_one()
            if time.monotonic() >= until:
                return
            time.sleep(min(0.3, max(0.0, until - time.monotonic())))

    def _request_one(self) -> None:
        name = self.random.choices(list(KINDS), [weight for _, weight in KINDS.values()])[0]
        try:
            # An answer that was lost with the connection may have been a yes: that job is one more, and no fault.
            asked = persistent(lambda: KINDS[name][0](self))
        except CoursekeepError:
            self.counts[f"{name}, refused"] += 1
        else:
            self.counts[name] += asked

    def _sample(self) -> Course:
        return Course.objects.get(pk=self.random.choice(self.samples))

    def _archive(self) -> StoredArchive | None:
        newest = list(StoredArchive.objects.order_by("-pk")[:20])
        return self.random.choice(newest) if newest else None

    # Each of these returns whether there was something to request.

    def back_up(self) -> bool:
        """Request a backup of a course, with people, without or anonymous."""
        options = self.random.choice([{}, {"users": "0"}, {"anonymize": "1"}])
        request_backup(self._sample(), by=self.by, options=options)
        return True

    def restore(self) -> bool:
        """Request a restore as a new course."""
        archive = self._archive()
        if archive is not None:
            request_restore(archive, by=self.by)
        return archive is not None

    def copy(self) -> bool:
        """Request a copy of a course."""
        course = self._sample()
        request_copy(course, Choices(category=course.category_id or 0, people=True), by=self.by)
        return True

    def check(self) -> bool:
        """Request the check of an archive."""
        archive = self._archive()
        if archive is not None:
            checks.request_check(archive, by=self.by)
        return archive is not None

    def run_schedule(self) -> bool:
        """Start the run of a schedule now, after a change in one of its courses."""
        Course.objects.filter(pk=self._sample().pk).update(summary=f"<p>{self.random.random()}</p>")
        schedules.start_run(self.schedule)
        return True

    def cancel(self) -> bool:
        """Cancel one of the open jobs."""
        jobs = list(Job.objects.filter(state__in=Job.OPEN, schedule_entry=None).order_by("pk"))
        if jobs:
            queue.cancel(self.random.choice(jobs), by=None)
        return bool(jobs)


KINDS: dict[str, tuple[Callable[[Work], bool], int]] = {
    "backup": (Work.back_up, 5),
    "restore": (Work.restore, 3),
    "copy": (Work.copy, 2),
    "check": (Work.check, 2),
    "run of a schedule": (Work.run_schedule, 2),
    "cancellation": (Work.cancel, 1),
}
"""The kinds of work: what requests one, and how often it is chosen beside the others."""


def open_jobs() -> int:
    """Return the number of jobs that wait or run."""
    return Job.objects.filter(state__in=Job.OPEN).count()


def persistent(call: Callable[[], Result]) -> Result:
    """Call, again and again while the database is away. Raises the error after PATIENCE seconds."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return call()
        except (DatabaseError, InterfaceError, EmbeddedDatabaseError):
            if time.monotonic() > until:
                raise
            connection.close()
            time.sleep(0.2)
