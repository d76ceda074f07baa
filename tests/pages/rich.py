"""A real archive of Moodle with all kinds of content, restored for the tests of pages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from pathlib import Path

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from courses.models import Activity, Course, User
from tests.jobs_done import restore
from tests.people_made import person


@dataclass
class Rich:
    """The restored course, and two people who look at its pages: a manager and a teacher."""

    course: Course
    manager: User
    teacher: User

    def page(self, address: str, *, by: User | None = None) -> str:
        """Return the HTML of a page, as the manager sees it or `by`."""
        return self.asked(address, by=by)[0]

    def asked(self, address: str, *, by: User | None = None) -> tuple[str, int]:
        """Return the HTML of a page and the number of queries that it took."""
        client = Client()
        client.force_login(by or self.manager)
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(address)
        assert answer.status_code == 200, (address, answer.status_code)
        return answer.content.decode(), len(queries)

    def status(self, address: str, *, by: User) -> int:
        """Return the HTTP status of a page."""
        client = Client()
        client.force_login(by)
        return client.get(address).status_code

    def activity(self, title: str) -> Activity:
        """Return the activity whose name begins with `title`."""
        return Activity.objects.get(course=self.course, title__startswith=title)

    def of(self, title: str) -> str:
        """Return the address of the activity whose name begins with `title`."""
        return f"/activity/{self.activity(title).pk}/"


def restored(fixtures: Path) -> Rich:
    """Restore the archive and return the course with its people."""
    course = restore(fixtures / "rich1-users.mbz").course
    return Rich(
        course, person("page.manager", "manager"), person("page.teacher", "editingteacher", at=course)
    )


def words(page: str) -> str:
    """Return the text of a page's main part without tags, on one line."""
    main = page.partition("<main")[2] or page
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", main)).split())
