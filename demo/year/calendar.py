"""The days and nights of a simulated year: events are dealt like cards, so that a month has each of them once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Generic, TypeVar

from archive.errors import CoursekeepError
from courses.models import Course
from demo.year.clock import Clock
from demo.year.events import DAYS, NIGHTS, check_some, sign_in
from demo.year.night import keep_house
from demo.year.site import YearSite
from demo.year.watch import Watch
from jobs.models import Job
from notices.models import Notice
from vault.models import Schedule, ScheduleEntry, ScheduleRun, StoredArchive

Card = TypeVar("Card")

LOOKS = (18, 29, 31, 35)
"""Hours after midnight, of the next day beyond 24, at which the worker looks for work beside the schedules' times."""

DAYS_BETWEEN = 3
NIGHTS_BETWEEN = 5
"""An event of the day happens every so many days, one of the night every so many nights."""


class Deck(Generic[Card]):
    """Cards that are dealt in any order; all have been dealt before one comes again."""

    def __init__(self, cards: dict[str, Card], random: Random) -> None:
        self._cards = cards
        self._random = random
        self._left: list[str] = []
        self.dealt: Counter[str] = Counter()

    def deal(self) -> Card:
        """Return the next card."""
        if not self._left:
            self._left = list(self._cards)
            self._random.shuffle(self._left)
        name = self._left.pop()
        self.dealt[name] += 1
        return self._cards[name]


class Year:
    """A year of a site: `pass_night` lets a day and a night pass, from noon to noon."""

    def __init__(self, home: Path, clock: Clock, random: Random, *, courses: int, changes: float) -> None:
        self.clock = clock
        self.random = random
        self.changes = changes
        self.site = YearSite(home, clock, random, courses)
        self.watch = Watch(self.site)
        self.days = Deck(DAYS, random)
        self.nights = Deck(NIGHTS, random)
        self.faults: list[str] = []
        self.entries: Counter[str] = Counter()
        self.notices: Counter[str] = Counter()
        self._number = 0
        self._event: Iterator[int] | None = None
        self._lasts = 0

    def pass_night(self) -> list[str]:
        """Let a day and a night pass; return the faults that were found."""
        self._number += 1
        self._day()
        self._begin_night()
        self._live()
        found = [*self.watch.faults(), *self.site.worker.faults]
        self.site.worker.faults.clear()
        self.faults += [f"{self.clock.moment:%Y-%m-%d}: {fault}" for fault in found]
        self._count()
        self._end_night()
        return found

    def _day(self) -> None:
        """Let people work: courses change, and now and then something else happens."""
        self.site.let_go.clear()
        courses = list(Course.objects.order_by("pk"))
        number = sum(self.random.random() < self.changes for _ in courses)
        for course in self.random.sample(courses, number):
            self.site.change_course(course)
        sign_in(self.site)
        if self.site.orphaned:
            self._name_owner()
        if self._number % 7 == 0 and not self.site.away:
            check_some(self.site)
        if self._number % DAYS_BETWEEN == 0:
            event = self.days.deal()
            try:
                event(self.site)
            except CoursekeepError:
                # As for people: what cannot be while a storage is away is refused.
                self.site.worker.counts["refused"] += 1

    def _name_owner(self) -> None:
        """After some days an administrator gives the schedules another owner."""
        self.site.orphaned -= 1
        if not self.site.orphaned:
            owner = self.site.add_owner()
            self.site.owners = [owner]
            for schedule in Schedule.objects.all():
                schedule.owner = owner
                schedule.save()
            self.site.refresh()

    def _begin_night(self) -> None:
        if self._event is None and self._number % NIGHTS_BETWEEN == 0 and self._number > NIGHTS_BETWEEN:
            self._event = self.nights.deal()(self.site)
            self._lasts = next(self._event)

    def _end_night(self) -> None:
        """Put right what disturbed the site, if its nights are over."""
        self._lasts -= 1
        if self._event is not None and self._lasts <= 0:
            next(self._event, None)
            self._event = None

    def _live(self) -> None:
        """Let the worker live until the next noon."""
        noon = self.clock.moment
        until = noon + timedelta(days=1)
        looks = [noon + timedelta(hours=hour - 12) for hour in LOOKS]
        while self.clock.moment < until:
            if self.site.worker.up:
                keep_house()
                if self.site.worker.work(until):
                    keep_house()
            self.clock.advance_to(self._next_look([*looks, until]))

    def _next_look(self, looks: list[datetime]) -> datetime:
        """Return the next moment at which something is to do: a look, a due schedule, or a job that waits."""
        now = self.clock.moment
        moments = [moment for moment in looks if moment > now]
        if self.site.worker.up:
            due = Schedule.objects.filter(enabled=True, next_run__gt=now).order_by("next_run").first()
            if due is not None and due.next_run is not None:
                moments.append(due.next_run)
            if (
                Job.objects.filter(state__in=Job.OPEN).exists()
                or ScheduleRun.objects.filter(finished=None).exists()
            ):
                moments.append(now + timedelta(minutes=12))
        return min(moments)

    def _count(self) -> None:
        """Count what was added since the last noon: rows expire."""
        since = self.clock.moment - timedelta(days=1)
        for state in ScheduleEntry.objects.filter(run__finished__gt=since).values_list("state", flat=True):
            self.entries[state] += 1
        for kind in Notice.objects.filter(created__gt=since).values_list("kind", flat=True):
            self.notices[kind] += 1

    def report(self) -> dict[str, Any]:
        """Return what was counted and found, as data for JSON."""
        archives = StoredArchive.objects.all()
        return {
            "events": {**self.days.dealt, **self.nights.dealt},
            "jobs": dict(self.site.worker.counts),
            "entries": dict(self.entries),
            "notices": dict(self.notices),
            "most_rows": dict(self.watch.most),
            "now": {
                "courses": Course.objects.count(),
                "archives": archives.count(),
                "held archives": archives.filter(keep=True).count(),
                "archives that were removed": self.watch.removed,
            },
            "faults": self.faults,
        }
