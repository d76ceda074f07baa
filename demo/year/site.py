"""The site of a simulated year: small courses, the people who own its schedules, and short limits, so that rows expire."""

from __future__ import annotations

from pathlib import Path
from random import Random

from courses import changes, services
from courses.models import Course, Role, Section, User
from courses.role_changes import give_role
from demo.samples import make_sample
from demo.year.clock import Clock
from demo.year.night import Worker
from jobs.models import SiteLimit
from vault.models import Schedule

LIMITS = {
    "job_days": 60,
    "line_days": 20,
    "finding_days": 30,
    "run_days": 60,
    "session_days": 14,
    "audit_days": 90,
    "notice_days": 30,
    "bin_days": 7,
}
"""The limits of the site, in days: the default ones would let nothing expire in a year."""

ZONE = "Europe/Madrid"
SPACE = {"XS": 40}
"""One course in so many is a sample with people and files; the others are a page."""

FACULTIES = 5


class YearSite:
    """The site: its folders, its worker, its accounts and its schedules.

    `away` is whether a storage is away or full, `orphaned` in how many days the schedules get another owner, `damaged` has the
    archives that were damaged, `let_go` those that are not held any more since noon, and `lost` the
    contents that are gone from the pool.
    """

    def __init__(self, home: Path, clock: Clock, random: Random, courses: int) -> None:
        self.home = home
        self.clock = clock
        self.random = random
        self.worker = Worker(clock, random)
        for name, days in LIMITS.items():
            SiteLimit.objects.create(name=name, value=days)
        self.admin = User.objects.create_superuser("admin", "admin@example.org")
        self.made = self.people = 0
        self.away = False
        self.orphaned = 0
        self.damaged: set[int] = set()
        self.let_go: set[int] = set()
        self.lost: set[str] = set()
        self.faculties = [services.create_category(f"Faculty {number + 1}") for number in range(FACULTIES)]
        for _ in range(courses):
            self.add_course()
        self.owners = [self.add_owner() for _ in range(2)]
        every_day = list(range(7))
        few = list(Course.objects.order_by("-pk").values_list("pk", flat=True)[: min(4, courses)])
        self.every_night = self.add_schedule("Every night", every_day, 2, 30, keep_count=5, window_hours=5)
        self.by_hand = self.add_schedule(
            "Sundays, always",
            [6],
            23,
            45,
            scope="list",
            keep_count=3,
            skip_unchanged=False,
            zone="Asia/Kathmandu",
        )
        self.by_hand.courses.set(few)

    def add_course(self) -> Course:
        """Make a course of a page, or a sample with people and files."""
        self.made += 1
        if self.made % SPACE["XS"] == 1:
            course = Course.objects.get(pk=make_sample("XS", seed=self.made).course_id)
        else:
            category = self.random.choice(self.faculties)
            course = services.create_course(f"C{self.made}", f"Course {self.made}", category=category)
            section = Section.objects.get(course=course)
            changes.create_activity(course, section, "page", "Plan", content=f"<p>Plan {self.made}</p>")
        # A sample is as old as its contents, and a schedule owes nothing for the time before a course was there.
        Course.objects.filter(pk=course.pk).update(timecreated=int(self.clock.moment.timestamp()))
        return course

    def add_owner(self) -> User:
        """Make an account that manages all faculties, to own schedules."""
        self.people += 1
        owner = User.objects.create_user(f"owner{self.people}", f"owner{self.people}@example.org")
        role = Role.objects.get(shortname="manager")
        give_role(owner, role, None, by=self.admin)
        return owner

    def add_schedule(
        self, name: str, weekdays: list[int], hour: int, minute: int, *, zone: str = ZONE, **columns: object
    ) -> Schedule:
        """Make a schedule of one of the owners."""
        owner = self.random.choice(self.owners)
        return Schedule.objects.create(
            name=name, weekdays=weekdays, hour=hour, minute=minute, timezone=zone, owner=owner, **columns
        )

    def change_course(self, course: Course) -> None:
        """Change a course as a teacher does."""
        changes.change_course(course, summary=f"<p>{self.random.random()}</p>")
        self.worker.changed(course.pk)

    def course(self) -> Course | None:
        """Return any course; None if there is none."""
        ids = list(Course.objects.order_by("pk").values_list("pk", flat=True))
        return Course.objects.get(pk=self.random.choice(ids)) if ids else None

    def refresh(self) -> None:
        """Read the schedules again."""
        self.every_night.refresh_from_db()
        self.by_hand.refresh_from_db()
