"""The accounts, courses and jobs of a site under load."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from django.contrib.auth.hashers import make_password

from backup.services import request_backup
from courses.models import Course, Role, User
from courses.role_changes import give_role
from demo.load.people import PASSWORD
from demo.samples import make_sample
from jobs import runner
from jobs.models import Job


def make_accounts(number: int) -> list[str]:
    """Make so many accounts of people who manage the whole site; return their names."""
    admin = User.objects.create_superuser("load", "load@example.org")
    manager = Role.objects.get(shortname="manager")
    # One hash for all: each person checks it at the sign-in, as everywhere.
    password = make_password(PASSWORD)
    names = []
    for one in range(number):
        person = User.objects.create_user(
            f"person{one + 1}", f"person{one + 1}@example.org", firstname="Person", lastname=str(one + 1)
        )
        User.objects.filter(pk=person.pk).update(password=password)
        give_role(person, manager, None, by=admin)
        names.append(person.username)
    return names


def make_archives(sizes: Sequence[str]) -> list[int]:
    """Make a course of each size with an archive of it; return the ids of the courses."""
    courses = [make_sample(size, seed=seed).course_id for seed, size in enumerate(sizes)]
    for course in Course.objects.filter(pk__in=courses):
        runner.run(request_backup(course, by=None, notify=False).pk, raising=True)
    return courses


class Queue:
    """Keeps so many jobs open, each a backup of one of the courses by the site itself.

    `open` has the number of jobs that waited or ran at each look, those that people asked for included.
    """

    def __init__(self, courses: Sequence[int], length: int) -> None:
        self._courses = courses
        self._length = length
        self._requested = 0
        self.open: list[int] = []

    def fill(self) -> None:
        """Request as many backups as are missing."""
        self.open.append(Job.objects.filter(state__in=Job.OPEN).count())
        missing = self._length - self.open[-1]
        for _ in range(missing):
            self._requested += 1
            course = Course.objects.get(pk=self._courses[self._requested % len(self._courses)])
            request_backup(course, by=None)

    def outcome(self) -> dict[str, int]:
        """Return how many jobs there are of each operation and state."""
        rows = Job.objects.values_list("operation", "state")
        return {f"{operation} {state}": number for (operation, state), number in Counter(rows).items()}

    def problems(self) -> list[str]:
        """Return a sentence for each job that failed."""
        failed = Job.objects.filter(state=Job.State.FAILED).order_by("pk")
        return [f"Job {job.pk} ({job.operation}) failed: {job.error}" for job in failed]
