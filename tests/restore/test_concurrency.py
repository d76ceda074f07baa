"""A restore into a course waits for other changes of the course's structure, and they for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Thread

import pytest
from django.db import connection, transaction

from archive.errors import Cancelled
from courses.changes import create_section, lock_course
from courses.models import Section
from courses.services import create_course
from jobs import queue, runner
from jobs.models import Job, JobLine
from restore import target_course
from restore.services import request_restore
from tests.archives_made import Change, small
from tests.jobs_done import restore

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("limits_of_workers")]

SECTION: dict[str, Change] = {"moodle_backup.xml": ("<type>course</type>", "<type>section</type>")}

WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


class Beside(Thread):
    """Something done in another connection; `error` is what it raised."""

    def __init__(self, work: Callable[[], object]) -> None:
        super().__init__()
        self.work = work
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self.work()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.error = error
        finally:
            connection.close()

    def wait_until_blocked(self) -> None:
        """Return when it waits for a lock of this connection, or has ended."""
        with connection.cursor() as cursor:
            while self.is_alive():
                cursor.execute("SELECT pg_stat_clear_snapshot()")
                cursor.execute(WAITING)
                if cursor.fetchone()[0]:
                    return
                time.sleep(0.05)


def test_a_restore_numbers_its_sections_behind_those_that_come_meanwhile(tmp_path: Path) -> None:
    course = create_course("OLD", "An old course")
    source = small(tmp_path / "a.mbz", SECTION)
    beside = Beside(lambda: restore(source, target={"course": course.pk, "position": 9}))
    with transaction.atomic():
        create_section(course, "Meanwhile")
        beside.start()
        beside.wait_until_blocked()
    beside.join()
    assert beside.error is None
    numbers = list(Section.objects.filter(course=course).values_list("number", flat=True))
    assert numbers == [0, 1, 2]


def test_two_restores_into_one_course_are_done_one_after_the_other(tmp_path: Path) -> None:
    course = create_course("BOTH", "Both")
    source = small(tmp_path / "a.mbz")
    both = [
        Beside(partial(restore, source, target={"course": course.pk, "replace": replace}))
        for replace in (None, None, True)
    ]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert [one.error for one in both] == [None, None, None]
    assert course.activities.count() in {2, 4, 6}
    assert course.sections.count() == 1


def test_a_restore_that_waits_for_its_course_says_so_and_can_be_cancelled(tmp_path: Path) -> None:
    course = create_course("WAIT", "Wait")
    job = request_restore(small(tmp_path / "a.mbz"), by=None, target={"course": course.pk}, notify=False)
    beside = Beside(lambda: runner.run(job.pk, raising=True))
    with transaction.atomic():
        lock_course(course.pk)
        beside.start()
        beside.wait_until_blocked()
        while not said(job):
            time.sleep(0.05)
        cancel_elsewhere(job)
        beside.join()
    assert isinstance(beside.error, Cancelled)
    job.refresh_from_db()
    assert job.state == Job.State.CANCELLED
    assert not course.activities.exists()


def said(job: Job) -> bool:
    """Whether the log of a job says that it waits."""
    return JobLine.objects.filter(job=job, message__contains="Somebody else is changing the course").exists()


def cancel_elsewhere(job: Job) -> None:
    """Cancel a job by another connection, whose transaction ends at once."""
    cancelling = Beside(lambda: queue.cancel(job, by=None))
    cancelling.start()
    cancelling.join()
    assert cancelling.error is None


def test_the_time_limit_of_locks_is_as_before_when_the_course_is_locked() -> None:
    course = create_course("LIMIT", "Limit")

    def limit() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('lock_timeout')")
            return str(cursor.fetchone()[0])

    with transaction.atomic():
        assert target_course._locked(course)
        assert limit() == "1h"
    assert limit() == "1h"
