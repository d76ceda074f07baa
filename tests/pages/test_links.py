"""Every link on every page that a person reaches opens for that person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import urljoin, urlsplit

import pytest
from django.db import transaction
from django.test import Client
from lxml import html

from courses.models import Course, User
from demo.samples import make_sample
from jobs.models import Job
from tests.pages import gallery
from tests.pages.places import person
from vault import schedules
from vault.models import Schedule, StoredArchive

READERS = ("ada", "mona", "tess", "nils", "amaia", "nora")
"""Administrator, manager, editing teacher, non-editing teacher, student, and somebody without any role."""


@pytest.fixture
def transactional_db(standing: None) -> None:
    """The site stands for all tests of this module."""


@pytest.fixture(scope="module")
def site(standing: None) -> None:
    """The site of the pictures: courses, archives, schedules, and jobs in every state, of several people."""
    gallery.ensure_site()
    sample = Course.objects.get(pk=make_sample("XS", seed=1).course_id)
    first = Course.objects.get(shortname="GEO1")
    person("mona", "manager", first)
    person("nils", "teacher", first)
    person("nora")
    for course in (first, sample):
        for username, role in (("tess", "editingteacher"), ("nils", "teacher"), ("mona", "manager")):
            gallery_role(User.objects.get(username=username), role, course)
    own = Schedule(name="Of the teacher", scope="list", weekdays=[0], owner=User.objects.get(username="tess"))
    own.save()
    own.courses.set([first, Course.objects.get(shortname="BIO1")])
    schedules.start_run(own)


def gallery_role(user: User, role: str, course: Course) -> None:
    """Give a person a role in a course, once."""
    from courses.models import Role, RoleAssignment

    found = Role.objects.get(shortname=role)
    RoleAssignment.objects.get_or_create(contextid=course.contextid, roleid=found.pk, userid=user.pk)


@pytest.fixture(autouse=True)
def untouched(transactional_db: None, site: None) -> Iterator[None]:
    """Roll back the changes of each test."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@dataclass
class Walk:
    """The addresses that a person reached, and the links that do not open, each with the page that has it."""

    reached: set[str] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)


@cache
def walk(username: str) -> Walk:
    """Follow every link of this site from the list of courses on, as a person who has signed in."""
    client = Client()
    client.force_login(User.objects.get(username=username))
    found, waiting = Walk(), [("/", "")]
    while waiting:
        address, source = waiting.pop()
        if address in found.reached:
            continue
        found.reached.add(address)
        answer = client.get(address, follow=True)
        if answer.status_code != 200:
            found.broken.append(f"{source} leads to {address}, which answers {answer.status_code}")
            continue
        if "text/html" not in answer.headers["Content-Type"]:
            answer.getvalue()
            continue
        page = answer.content.decode()
        for link in links(page):
            target = urlsplit(urljoin(address, link))
            if target.netloc or target.scheme not in ("", "http") or target.path.startswith("/static/"):
                continue
            if not link.partition("#")[0] and target.fragment and f'id="{target.fragment}"' not in page:
                found.broken.append(f"{address} leads to #{target.fragment}, which is not on it")
            if target.fragment == "upload" and 'id="upload"' not in client.get(target.path).content.decode():
                found.broken.append(f"{address} leads to {link}, which has no such part")
            where = target.path + (f"?{target.query}" if target.query else "")
            waiting.append((where, address))
    return found


def links(page: str) -> set[str]:
    """The links of a page, also those that htmx follows; not the marks in what people wrote, which may lead nowhere."""
    tree = html.document_fromstring(page)
    found = set()
    for one in tree.iter():
        address = (one.get("href") if one.tag == "a" else None) or one.get("hx-get")
        if address and not (address.startswith("#") and is_written(one)):
            found.add(address)
    return found


def is_written(element: html.HtmlElement) -> bool:
    """Whether an element is in what people wrote."""
    return any("rich" in (up.get("class") or "").split() for up in element.iterancestors())


@pytest.mark.parametrize("username", READERS)
def test_every_link_that_a_person_sees_opens_for_that_person(username: str) -> None:
    found = walk(username)
    assert found.broken == []
    assert {"/", "/archives/", "/jobs/", "/schedules/", "/restore/"} <= found.reached


def test_the_walk_reaches_the_pages_that_have_most_links() -> None:
    reached = walk("tess").reached
    course = Course.objects.get(shortname="GEO1")
    archive = StoredArchive.objects.filter(course=course, source="backup").first()
    run = Schedule.objects.get(name="Of the teacher").runs.get()
    assert archive is not None
    for address in (
        f"/course/{course.pk}/",
        f"/archives/{archive.pk}/",
        f"/restore/{archive.pk}/",
        f"/schedules/runs/{run.pk}/",
        f"/backup/course/{course.pk}/",
    ):
        assert address in reached
    assert not any(address.startswith("/administration") for address in reached)


def test_a_job_of_somebody_else_is_told_without_a_link() -> None:
    course = Course.objects.get(shortname="GEO1")
    job = Job.objects.get(course=course, state="running")
    Job.objects.filter(requested_by__username="tess").delete()
    for username, linked in (("tess", False), ("ada", True)):
        client = Client()
        client.force_login(User.objects.get(username=username))
        for address in ("/", f"/course/{course.pk}/"):
            page = client.get(address).content.decode()
            assert "nder way" in page or "A backup of this course is" in page
            assert (f'href="/jobs/{job.pk}/"' in page) == linked
