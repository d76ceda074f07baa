"""A course of Moodle's with everything in it, restored once for the tests of the pages that show it."""

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
    """The course, and people who look at it: one who may see people's work, one who may not."""

    course: Course
    manager: User
    teacher: User

    def page(self, address: str, *, by: User | None = None) -> str:
        """What a page says."""
        return self.asked(address, by=by)[0]

    def asked(self, address: str, *, by: User | None = None) -> tuple[str, int]:
        """What a page says, and with how many queries."""
        client = Client()
        client.force_login(by or self.manager)
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(address)
        assert answer.status_code == 200, (address, answer.status_code)
        return answer.content.decode(), len(queries)

    def status(self, address: str, *, by: User) -> int:
        """How the site answers."""
        client = Client()
        client.force_login(by)
        return client.get(address).status_code

    def activity(self, title: str) -> Activity:
        """The activity whose name begins so."""
        return Activity.objects.get(course=self.course, title__startswith=title)

    def of(self, title: str) -> str:
        """The address of an activity."""
        return f"/activity/{self.activity(title).pk}/"


def restored(fixtures: Path) -> Rich:
    """The restored course with its people."""
    course = restore(fixtures / "rich1-users.mbz").course
    return Rich(
        course, person("page.manager", "manager"), person("page.teacher", "editingteacher", at=course)
    )


def words(page: str) -> str:
    """The text of a page without its tags, on one line."""
    main = page.partition("<main")[2] or page
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", main)).split())
