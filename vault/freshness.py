"""Freshness: how old the newest good backup of each course is, counted by class of course."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import OuterRef, Subquery

from courses.models import Course
from vault import schedules
from vault.models import GOOD_BACKUP, Schedule, StoredArchive

AGES = (
    ("1d", timedelta(days=1)),
    ("2d", timedelta(days=2)),
    ("7d", timedelta(days=7)),
    ("30d", timedelta(days=30)),
)
"""Bounds by which ages are counted; beyond them is `older`, and a course without a good backup is `never`."""

CLASSES = ("scheduled", "other")
"""The classes of courses: those that a schedule that is on covers now, and all others."""


@dataclass(slots=True)
class Freshness:
    """The courses of one class, counted by the age of their newest good backup, with the newest and the oldest of these."""

    courses: int = 0
    by_age: Counter[str] = field(default_factory=Counter)
    newest: datetime | None = None
    oldest: datetime | None = None

    def add(self, made: datetime | None, now: datetime) -> None:
        """Count one course, whose newest good backup was made at a moment, or never."""
        self.courses += 1
        if made is None:
            self.by_age["never"] += 1
            return
        self.by_age[next((name for name, bound in AGES if now - made <= bound), "older")] += 1
        self.newest = made if self.newest is None else max(self.newest, made)
        self.oldest = made if self.oldest is None else min(self.oldest, made)


def freshness(now: datetime) -> dict[str, Freshness]:
    """Return the freshness of each class of courses: one query, and one for each schedule that covers not all courses.

    The query looks for the newest archive of each course in an index, so it grows with the courses and not with the archives.
    """
    backups = StoredArchive.objects.filter(GOOD_BACKUP, course=OuterRef("pk"))
    newest = Subquery(backups.order_by("-created").values("created")[:1])
    rows = Course.objects.order_by().annotate(newest=newest).values_list("pk", "newest")
    covered = scheduled_courses()
    found = {name: Freshness() for name in CLASSES}
    for course, made in rows.iterator():
        found["scheduled" if covered is None or course in covered else "other"].add(made, now)
    return found


def scheduled_courses() -> set[int] | None:
    """Return the ids of the courses that schedules cover now which are on; None for all courses."""
    enabled = list(Schedule.objects.filter(enabled=True))
    if any(schedule.scope == Schedule.Scope.ALL for schedule in enabled):
        return None
    return {pk for schedule in enabled for pk in schedules.courses_of(schedule).values_list("pk", flat=True)}
