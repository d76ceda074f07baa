"""A small course for the test of one activity type: a section, the activity, and people who come back with other ids."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, TypeVar

from django.test import Client
from django.urls import reverse
from lxml import etree

from archive.container import open_archive
from courses import pool
from courses.content import Content
from courses.models import Activity, Context, Course, File, Section, User
from courses.services import create_course, ensure_site
from tests.jobs_done import back_up, restore

AnyContent = TypeVar("AnyContent", bound=Content)


def course() -> Course:
    """Make a course with one section."""
    ensure_site()
    return create_course("SMALL", "A small course", startdate=1_700_000_000)


def person(name: str) -> User:
    """Make an account."""
    return User.objects.create(
        username=name,
        firstname=name,
        lastname="X",
        email=f"{name}@example.com",
        contextid=Context.objects.create().pk,
        confirmed=1,
    )


def activity(where: Course, model: type[AnyContent], **columns: Any) -> AnyContent:
    """Make an activity of a type, with these columns of its own record."""
    section = Section.objects.get(course=where, number=0)
    owner = Activity.objects.create(
        course=where,
        section=section,
        modulename=model._meta.model_name or "",
        version=2024100700,
        contextid=Context.objects.create().pk,
        title=columns["name"],
        instance=0,
    )
    owner.instance = Activity.objects.count() + 500
    content = model(id=owner.instance, owner=owner, **columns)
    content.save(force_insert=True)
    owner.save()
    olds = [number for number in (section.sequence or "").split(",") if number]
    section.sequence = ",".join([*olds, str(owner.pk)])
    section.save()
    return content


def file(content: Content, area: str, item: int, name: str) -> File:
    """Make a file in an area of an activity."""
    sha1, size = pool.put(io.BytesIO(name.encode()))
    component, _, filearea = area.partition("/")
    return File.objects.create(
        course=content.owner.course,
        contextid=content.owner.contextid,
        component=component,
        filearea=filearea,
        itemid=item,
        filepath="/",
        filename=name,
        contenthash=sha1,
        filesize=size,
    )


def again(where: Course, folder: Path, *, forget: tuple[User, ...] = (), **options: Any) -> Course:
    """Back up a course, delete the accounts in `forget`, and return the course restored as a new one."""
    path = back_up(where, folder / "scene.mbz")
    for one in forget:
        one.delete()
    return restore(path, **options).course


def numbers(path: Path, member: str) -> dict[str, int]:
    """Return the number of records with an id in a member of an archive, by tag."""
    with open_archive(path) as archive:
        root = etree.fromstring(archive.read(member))
    found: dict[str, int] = {}
    for element in root.iter():
        if element.get("id") is not None:
            found[str(element.tag)] = found.get(str(element.tag), 0) + 1
    return found


def page_of(activity: Activity) -> str:
    """Return the HTML of the activity's page, as a site administrator sees it."""
    name = "who-looks"
    admin = User.objects.filter(username=name).first() or User.objects.create_superuser(name)
    client = Client()
    client.force_login(admin)
    answer = client.get(reverse("activity", args=[activity.pk]))
    assert answer.status_code == 200
    return answer.content.decode()
