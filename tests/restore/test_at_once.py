"""Restores at the same time, each in a process of its own, that bring the same new people, roles and groups."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from courses.models import Course, CourseTag, Group, Role, User
from courses.models.course import CourseCustomField
from courses.models.grades import Outcome, Scale
from courses.services import create_course
from restore.unique_names import NameTaken, claim_user_names
from tests.archives_made import Change, members, packed, small
from tests.conftest import PROJECT
from tests.restore.test_concurrency import WAITING, Beside

pytestmark = pytest.mark.django_db(transaction=True)

RESTORES, PEOPLE = 8, 40
PATIENCE = 120
"""Seconds until a test gives up; nothing is measured by it."""


def archive(target: Path, number: int) -> Path:
    """Write an archive of a course of its own with the same 40 people and the same role, in an order of its own."""
    people = [
        f'<user id="{1000 + one}" contextid="{5000 + one}"><username>{name_of(one)}</username>'
        f"<email>{name_of(one)}@example.com</email><deleted>0</deleted></user>"
        for one in range(PEOPLE)
    ]
    random.Random(number).shuffle(people)
    contents = members()
    for path, old, new in (
        ("users.xml", b"</users>", f"{''.join(people)}</users>".encode()),
        (
            "roles.xml",
            b"</roles_definition>",
            b'<role id="6"><shortname>tutor</shortname></role></roles_definition>',
        ),
        ("course/course.xml", b"<idnumber>", f"<idnumber>course{number}".encode()),
    ):
        assert old in contents[path]
        contents[path] = contents[path].replace(old, new)
    target.write_bytes(packed(contents))
    return target


def name_of(number: int) -> str:
    return f"student{number:02}"


def start(environment: dict[str, str], *words: str) -> subprocess.Popen[str]:
    """Start the command `restore` in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "manage.py", "restore", *words, "--json"],
        cwd=PROJECT,
        env={**environment, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until_all_wait(number: int) -> None:
    """Return when this many connections wait for a lock."""
    deadline = time.monotonic() + PATIENCE
    found = 0
    while found < number:
        assert time.monotonic() < deadline, f"{found} of {number} wait for a lock"
        time.sleep(0.1)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(WAITING)
            [found] = cursor.fetchone()


def results(processes: list[subprocess.Popen[str]]) -> list[dict[str, Any]]:
    """Return what the processes say when they have ended, all without an error."""
    found = []
    for process in processes:
        said, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, f"{said}\n{errors}"
        found.append(json.loads(said))
    return found


def test_eight_restores_that_bring_the_same_people_all_succeed(
    tmp_path: Path, site_environment: dict[str, str]
) -> None:
    paths = [archive(tmp_path / f"{number}.mbz", number) for number in range(RESTORES)]
    with transaction.atomic():
        User.objects.create_user(name_of(PEOPLE - 1))
        processes = [start(site_environment, str(path)) for path in paths]
        wait_until_all_wait(RESTORES)
        transaction.set_rollback(True)
    said = results(processes)
    assert Course.objects.filter(pk__in=[one["course_id"] for one in said]).count() == RESTORES
    names = User.objects.filter(username__startswith="student").values_list("username", flat=True)
    assert sorted(names) == [name_of(number) for number in range(PEOPLE)]
    assert Role.objects.filter(shortname="tutor").count() == 1
    assert sorted(one["people_created"] for one in said) == [0] * (RESTORES - 1) + [PEOPLE + 2]
    contexts = set(User.objects.values_list("contextid", flat=True))
    assert len(contexts) == User.objects.count()
    assert min(contexts) > 0


def test_restores_into_one_course_bring_what_they_share_once(
    tmp_path: Path, site_environment: dict[str, str]
) -> None:
    course = create_course("TARGET", "Target")
    source = small(tmp_path / "a.mbz", {"moodle_backup.xml": ("<type>course</type>", "<type>section</type>")})
    with transaction.atomic():
        User.objects.create_user("boris")
        processes = [start(site_environment, str(source), "--into", str(course.pk)) for _ in range(3)]
        wait_until_all_wait(3)
        transaction.set_rollback(True)
    results(processes)
    assert list(Group.objects.filter(course=course).values_list("name", flat=True)) == ["Red"]
    assert User.objects.count() == 2


SHARED: dict[str, Change] = {
    "scales.xml": ("<name>Stars<", "<courseid>0</courseid><name>Stars<"),
    "outcomes.xml": (
        "<outcomes_definition>",
        (
            '<outcomes_definition><outcome id="4"><courseid>0</courseid><shortname>MAPS</shortname>'
            "<fullname>Reads maps</fullname><scaleid>3</scaleid></outcome>"
        ),
    ),
    "course/course.xml": (
        "<format>",
        (
            '<tags><tag id="8"><name>alps</name><rawname>Alps</rawname></tag></tags><customfields>'
            '<customfield id="9"><shortname>hours</shortname><type>text</type><value>4</value>'
            "<valueformat>0</valueformat></customfield></customfields><format>"
        ),
    ),
}
"""A scale and an outcome of the whole site, a tag and a custom field."""


@pytest.mark.parametrize("into_one", [True, False])
def test_eight_restores_bring_scales_outcomes_fields_and_tags_once_for_each_course(
    tmp_path: Path, site_environment: dict[str, str], into_one: bool
) -> None:
    """These belong to courses here, so restores that share no course share none of them."""
    course = create_course("TARGET", "Target")
    source = small(tmp_path / "a.mbz", SHARED)
    into = ("--into", str(course.pk), "--set", "overwrite_conf=1") if into_one else ()
    with transaction.atomic():
        User.objects.create_user("boris")
        processes = [start(site_environment, str(source), *into) for _ in range(RESTORES)]
        wait_until_all_wait(RESTORES)
        transaction.set_rollback(True)
    courses = {one["course_id"] for one in results(processes)}
    assert len(courses) == (1 if into_one else RESTORES)
    for model, column, value in (
        (Scale, "name", "Stars"),
        (Outcome, "shortname", "MAPS"),
        (CourseTag, "name", "alps"),
        (CourseCustomField, "shortname", "hours"),
    ):
        rows = model._default_manager.order_by("course").values_list("course", column)
        assert list(rows) == [(one, value) for one in sorted(courses)], model.__name__
    assert set(Outcome.objects.values_list("scaleid", flat=True)) == set(
        Scale.objects.values_list("pk", flat=True)
    )
    assert User.objects.count() == 2


def test_a_restore_does_not_wait_for_one_that_brings_other_people(
    tmp_path: Path, site_environment: dict[str, str]
) -> None:
    other = small(tmp_path / "a.mbz", {"users.xml": ("<username>", "<username>x.")})
    with transaction.atomic():
        claim_user_names({1: "anna", 2: "boris"})
        [said] = results([start(site_environment, str(other))])
        transaction.set_rollback(True)
    assert said["people_created"] == 2


def test_a_name_that_is_taken_is_not_claimed_and_no_other_with_it() -> None:
    taken = User.objects.create_user("boris")
    claimed = {taken.pk + 1: "anna", taken.pk + 2: "boris"}
    with transaction.atomic():
        with pytest.raises(NameTaken):
            claim_user_names(claimed)
        beside = Beside(lambda: User.objects.create_user("anna"))
        beside.start()
        beside.join(PATIENCE)
        assert beside.error is None
    assert set(User.objects.values_list("username", flat=True)) == {"anna", "boris"}
