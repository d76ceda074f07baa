"""A restore into a course waits for other changes of the course's structure, and they for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest
from django.db import connection, transaction

from courses.changes import create_section
from courses.models import Section
from courses.services import create_course
from tests.archives_made import Change, small
from tests.jobs_done import restore

pytestmark = pytest.mark.django_db(transaction=True)

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
