"""Overdue backups: courses on a schedule that have no good backup since the schedule was due, some hours ago or longer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet

from courses.models import Course
from jobs import limits
from jobs.clock import database_now
from jobs.models import Job
from vault.models import GOOD_BACKUP, Schedule, StoredArchive
from vault.runs import courses_of
from vault.timetable import last_moment

NAMED = 20
"""Courses of a schedule that a notice names; the others are counted."""

LONGEST_GAP = timedelta(days=9)
"""A schedule is due at least once in so many days: once a week, and an hour that summer time leaves out."""


@dataclass(frozen=True, slots=True)
class Overdue:
    """The courses of one schedule without a good backup since a moment: their number, and the first ones by name."""

    schedule: Schedule
    since: datetime
    number: int
    first: tuple[tuple[int, str], ...]

    @property
    def more(self) -> int:
        """The number of courses that are not among the first ones."""
        return self.number - len(self.first)


def overdue(schedules: Iterable[Schedule] | None = None, *, now: datetime | None = None) -> list[Overdue]:
    """Return an `Overdue` for each schedule with courses that lack a good backup; of all that are on, unless some are given.

    A course has the hours of the site's limit after the schedule was due.
    Two or three statements for each schedule, however many courses it covers.
    """
    moment = (now or database_now()) - timedelta(hours=limits.value("backup_hours"))
    found = []
    for schedule in Schedule.objects.filter(enabled=True) if schedules is None else schedules:
        since = due_before(schedule, moment)
        if since is None:
            continue
        late = without_backup(courses_of(schedule), since)
        if number := late.order_by().count():
            first = tuple(late.order_by("fullname", "pk").values_list("pk", "fullname")[:NAMED])
            found.append(Overdue(schedule, since, number, first))
    return found


def due_before(schedule: Schedule, moment: datetime) -> datetime | None:
    """Return the last time before `moment` at which a schedule was due.

    None if it is off, or was not due since it was switched on or its times were changed.
    """
    begun = schedule.due_since
    if not schedule.enabled or begun is None or begun > moment:
        return None
    first = schedule.moment_after(max(begun, moment - LONGEST_GAP))
    return (
        last_moment(schedule.moment_after, first, moment) if first is not None and first <= moment else None
    )


def without_backup(courses: QuerySet[Course], since: datetime) -> QuerySet[Course]:
    """Return those of the courses that were there at a moment and have no good backup since.

    A good backup is an archive of the whole course made here of which nothing is known to be missing or damaged, or a job of a
    schedule that found the course unchanged since its last archive.
    """
    archives = StoredArchive.objects.filter(GOOD_BACKUP, course=OuterRef("pk"), created__gte=since)
    unchanged = Job.objects.filter(
        course=OuterRef("pk"),
        operation="backup",
        state=Job.State.SUCCEEDED,
        created__gte=since,
        result__unchanged=True,
    )
    there = courses.filter(timecreated__lt=int(since.astimezone(UTC).timestamp()))
    return there.filter(~Exists(archives), ~Exists(unchanged))
