"""Names of restored courses are free: a taken one gets a number, an ID number comes only when nobody has it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from archive.container import open_archive
from archive.manifest import read_manifest
from courses.models import Course
from courses.services import create_category, create_course
from jobs import runner
from restore.course_names import CourseNames, free_names
from restore.services import request_restore, review
from restore.uploads import Sent, receive
from tests.archives_made import Change, small
from tests.jobs_done import restore
from tests.people_made import person

pytestmark = pytest.mark.django_db(transaction=True)

NUMBERED: dict[str, Change] = {"course/course.xml": ("<idnumber></idnumber>", "<idnumber>C-1</idnumber>")}


def names_of(course: Course) -> tuple[str, str]:
    return course.fullname, course.shortname


def free(fullname: str, shortname: str, own: int | None = None) -> tuple[str, str]:
    found = free_names(CourseNames(fullname, shortname), own=own)
    return found.fullname, found.shortname


def test_names_that_nobody_has_stay() -> None:
    assert free("Biology", "BIO") == ("Biology", "BIO")


def test_both_names_get_the_first_number_that_leaves_both_free() -> None:
    create_course("BIO", "Biology")
    assert free("Biology", "BIO") == ("Biology copy 1", "BIO_1")
    create_course("BIO_1", "Something else")
    create_course("X", "Biology copy 2")
    assert free("Biology", "BIO") == ("Biology copy 3", "BIO_3")
    assert free("Chemistry", "BIO") == ("Chemistry copy 2", "BIO_2")
    assert free("Biology", "NEW") == ("Biology copy 1", "NEW_1")


def test_a_course_does_not_stand_in_its_own_way() -> None:
    course = create_course("BIO", "Biology")
    assert free("Biology", "BIO", own=course.pk) == ("Biology", "BIO")


def test_many_copies_are_numbered_on() -> None:
    for number in range(120):
        create_course(f"BIO_{number}" if number else "BIO", f"Course {number}")
    assert free("Biology", "BIO") == ("Biology copy 120", "BIO_120")


def test_names_that_are_too_long_for_their_number_lose_their_end() -> None:
    create_course("B" * 255, "b" * 1333)
    fullname, shortname = free("b" * 1333, "B" * 255)
    assert (fullname, shortname) == ("b" * 1326 + " copy 1", "B" * 253 + "_1")


def test_an_archive_restored_three_times_makes_three_courses_with_names_of_their_own(tmp_path: Path) -> None:
    path = small(tmp_path / "a.mbz")
    made = [restore(path) for _ in range(3)]
    assert [names_of(one.course) for one in made] == [
        ("A sample", "SAMPLE"),
        ("A sample copy 1", "SAMPLE_1"),
        ("A sample copy 2", "SAMPLE_2"),
    ]
    assert [one.findings.count("same-name") for one in made] == [0, 1, 1]
    said = made[2].job.findings.get(code="same-name").message
    assert "“A sample copy 2” (“SAMPLE_2”)" in said
    assert made[2].job.result["fullname"] == "A sample copy 2"


def test_the_review_says_the_names_beforehand(tmp_path: Path) -> None:
    path = small(tmp_path / "a.mbz")
    restore(path)
    [finding] = [one for one in review(path, by=None, target={}, options={}) if one.code == "same-name"]
    assert "SAMPLE_1" in finding.message
    assert Course.objects.count() == 1


def test_chosen_names_are_made_free_too(tmp_path: Path) -> None:
    create_course("BIO", "Biology")
    made = restore(small(tmp_path / "a.mbz"), course_fullname="Plants", course_shortname="BIO").course
    assert names_of(made) == ("Plants copy 1", "BIO_1")


def test_the_archive_of_a_section_makes_a_course_with_a_free_name(tmp_path: Path) -> None:
    path = small(tmp_path / "a.mbz", {"moodle_backup.xml": ("<type>course</type>", "<type>section</type>")})
    assert names_of(restore(path).course) == ("A sample", "SAMPLE")
    assert names_of(restore(path, course_shortname="PART").course) == ("A sample copy 1", "PART_1")


def test_restores_of_one_name_at_the_same_time_all_succeed(tmp_path: Path) -> None:
    path, start, errors = small(tmp_path / "a.mbz"), Barrier(4), []
    jobs = [request_restore(path, by=None, options={"users": "0"}, notify=False) for _ in range(4)]

    def run(number: int) -> None:
        start.wait(30)
        try:
            runner.run(number, raising=True)
        except Exception as error:  # noqa: BLE001 - the test looks at it
            errors.append(error)
        finally:
            connection.close()

    threads = [Thread(target=run, args=(job.pk,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert errors == []
    assert sorted(Course.objects.values_list("shortname", flat=True)) == [
        "SAMPLE",
        "SAMPLE_1",
        "SAMPLE_2",
        "SAMPLE_3",
    ]


def test_an_id_number_comes_only_when_no_course_has_it(tmp_path: Path) -> None:
    path = small(tmp_path / "a.mbz", NUMBERED)
    first, second = restore(path), restore(path)
    assert (first.course.idnumber, second.course.idnumber) == ("C-1", "")
    assert ("same-idnumber" in first.findings, "same-idnumber" in second.findings) == (False, True)
    assert restore(path, course_idnumber="C-2").course.idnumber == "C-2"
    assert restore(path, course_idnumber="0").course.idnumber == ""


def test_an_id_number_stays_away_from_a_person_who_may_not_give_one(
    tmp_path: Path, without: Callable[[str], Any]
) -> None:
    category = create_category("Elsewhere")
    manager = person("mona", "manager", at=category)
    without("moodle/course:changeidnumber")
    path, target = small(tmp_path / "a.mbz", NUMBERED), {"category": category.pk}
    made = restore(path, by=manager, target=target, users=0)
    assert made.course.idnumber == ""
    said = made.job.findings.get(code="idnumber-withheld").message
    assert "“C-1” does not come" in said
    assert "moodle/course:changeidnumber" in said


@pytest.fixture
def without() -> Callable[[str], Any]:
    """Take a capability from managers everywhere."""
    from courses.capabilities import PROHIBIT
    from courses.models import Role, RoleOverride
    from courses.models.site import SYSTEM_CONTEXT

    def take(capability: str) -> None:
        role = Role.objects.get(shortname="manager")
        RoleOverride.objects.create(
            roleid=role.pk, capability=capability, permission=PROHIBIT, contextid=SYSTEM_CONTEXT
        )

    return take


@pytest.mark.parametrize("replace", [False, True])
def test_a_course_that_exists_keeps_its_names_unless_its_settings_are_overwritten(
    tmp_path: Path, replace: bool
) -> None:
    course = create_course("HERE", "Here", idnumber="H-1", startdate=1_700_000_000)
    target = {"course": course.pk, **({"replace": True} if replace else {})}
    path = small(tmp_path / "a.mbz", NUMBERED)

    def restored(**options: Any) -> tuple[str, str, str, int]:
        found = restore(path, target=target, **options).course
        return found.fullname, found.shortname, found.idnumber, found.startdate

    assert restored() == ("Here", "HERE", "H-1", 1_700_000_000)
    kept = {f"course_{name}": "0" for name in ("fullname", "shortname", "idnumber", "startdate")}
    assert restored(overwrite_conf="1", **kept) == ("Here", "HERE", "H-1", 1_700_000_000)
    start = read_start(path)
    assert restored(overwrite_conf="1") == ("A sample", "SAMPLE", "C-1", start)
    asked = {"course_fullname": "New", "course_shortname": "NEW", "course_startdate": "1900000000"}
    assert restored(overwrite_conf="1", **asked) == ("New", "NEW", "C-1", 1_900_000_000)


def read_start(path: Path) -> int:
    with open_archive(path) as archive:
        return read_manifest(archive).original_course_startdate


def test_a_course_that_is_overwritten_gets_a_free_name_and_keeps_an_id_number_that_is_not(
    tmp_path: Path,
) -> None:
    path = small(tmp_path / "a.mbz", NUMBERED)
    restore(path)
    course = create_course("HERE", "Here", idnumber="H-1")
    done = restore(path, target={"course": course.pk}, overwrite_conf="1")
    assert names_of(done.course) == ("A sample copy 1", "SAMPLE_1")
    assert done.course.idnumber == "H-1"
    assert {"same-name", "same-idnumber"} <= set(done.findings)


def test_the_page_says_while_typing_which_names_the_course_gets(tmp_path: Path) -> None:
    create_course("BIO", "Biology")
    admin = person("root", is_superuser=True)
    path = small(tmp_path / "a.mbz")
    with path.open("rb") as stream:
        job = receive(Sent(stream, "a.mbz", path.stat().st_size), by=admin, notify=False)
    runner.run(job.pk, raising=True)
    job.refresh_from_db()
    assert job.archive is not None
    archive = job.archive
    client = Client()
    client.force_login(admin)
    address = reverse("restore-names", args=[archive.pk])

    def said(**typed: str) -> str:
        page = client.get(address, typed).content.decode()
        return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page)).strip()

    assert said() == "The course will be called A sample (SAMPLE)."
    assert said(course_shortname="BIO", course_fullname="Plants") == (
        "Another course is called “Plants” or “BIO”. This one will be called Plants copy 1 (BIO_1)."
    )
    assert said(course_shortname="NEW") == "The course will be called A sample (NEW)."
