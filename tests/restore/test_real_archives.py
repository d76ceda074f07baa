"""Archives that Moodle made: restored, backed up again, and compared with what came."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from archive.comparison.compare import Comparison
from archive.container import open_archive
from archive.manifest import read_manifest
from courses.models import Activity, Course, File, User
from courses.services import delete_course
from jobs.models import Job
from selection.table import options_for
from tests.jobs_done import back_up, compared, faults, restore, row_counts

ARCHIVES = (
    "rich1-users",
    "rich1-nousers",
    "rich1-users-zip",
    "rich1-section",
    "rich1-activity-forum",
    "generated_s",
    "perf/forum_10000",
    "older/availability_26_format",
    "older/moodle_28_quiz",
    "older/moodle_311_quiz",
    "older/question_category_34_format",
)


@dataclass(frozen=True)
class Trip:
    """One archive there and back."""

    name: str
    first: Path
    second: Path
    comparison: Comparison
    read: int
    written: int


@pytest.fixture
def transactional_db(standing: None) -> None:
    """The tests of this module share what was committed."""


@pytest.fixture(scope="module")
def trips() -> dict[str, Trip]:
    """Trips that were made, by the name of the archive."""
    return {}


@pytest.fixture(params=ARCHIVES)
def trip(
    request: pytest.FixtureRequest,
    transactional_db: None,
    trips: dict[str, Trip],
    fixtures: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Trip:
    """An archive of Moodle's, restored on an empty site and backed up again."""
    name = request.param
    if name not in trips:
        empty_site()
        first = fixtures / f"{name}.mbz"
        with open_archive(first) as archive:
            whole = read_manifest(archive).archive_type == "course"
        options: dict[str, Any] = {"enrolments": "always"} if whole else {}
        done = restore(first, **options)
        course, said = done.course, done.job.result
        kind = said["kind"]
        item = None
        if kind == "section":
            item = course.sections.get().pk
        elif kind == "activity":
            item = Activity.objects.get(course=course).pk
        second = tmp_path_factory.mktemp("trips") / "again.mbz"
        back_up(course, second, archive_type=kind, item=item, **options_of(first))
        written = Job.objects.latest("pk").result["records"]
        read = said["records"]
        trips[name] = Trip(name, first, second, compared(first, second), read, written)
    return trips[name]


def empty_site() -> None:
    """A site without courses and people, whose next numbers are none of Moodle's."""
    call_command("flush", verbosity=0, interactive=False)
    with connection.cursor() as cursor:
        for table in (
            "courses_course",
            "courses_user",
            "courses_activity",
            "courses_section",
            "courses_context",
        ):
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), 70000)")


def options_of(path: Path) -> dict[str, Any]:
    """The choices that an archive was made with, as far as they are choices here."""
    with open_archive(path) as archive:
        settings = read_manifest(archive).settings
    known = {option.name for option in options_for("backup") if option.level == "root"} - {"filename"}
    found = {each.name: each.value for each in settings if each.level == "root" and each.name in known}
    if found["users"] == "0":
        needs = {option.name: option.backup.needs for option in options_for("backup") if option.backup}
        found = {name: value for name, value in found.items() if "users" not in needs[name]}
    return found


def test_every_value_comes_back_and_nothing_differs(trip: Trip) -> None:
    assert trip.comparison.leaves.lost == {}
    assert trip.comparison.totals == {}, [each.sentence()[:300] for each in trip.comparison.differences]


def test_a_backup_counts_the_records_that_the_restore_counted(trip: Trip) -> None:
    assert trip.written == trip.read


def test_no_member_stays_behind(trip: Trip) -> None:
    """The gradebook of the course neither, which an archive of one activity has if nothing else in the course is graded."""
    assert [
        sentence for sentence in trip.comparison.explained if "The member is only in the first" in sentence
    ] == []
    with open_archive(trip.first) as first, open_archive(trip.second) as second:
        assert ("gradebook.xml" in first) == ("gradebook.xml" in second)


def test_every_content_comes_back(trip: Trip) -> None:
    assert trip.comparison.files.only_first == ()
    assert trip.comparison.files.only_second == ()


def test_what_was_made_is_whole(trip: Trip) -> None:
    assert faults(trip.second) == []


@pytest.fixture(scope="module")
def two_courses(standing: None, fixtures: Path) -> tuple[Course, Course]:
    """Two courses of the same archive."""
    empty_site()
    path = fixtures / "rich1-users.mbz"
    return restore(path).course, restore(path).course


def test_the_same_archive_twice_gives_two_courses_with_the_same_people(
    transactional_db: None, two_courses: tuple[Course, Course], tmp_path: Path
) -> None:
    one, other = two_courses
    assert one.pk != other.pk
    assert User.objects.filter(username="rich1_s02").count() == 1
    found = compared(back_up(one, tmp_path / "a.mbz"), back_up(other, tmp_path / "b.mbz"))
    assert found.totals == {}


def test_one_of_two_courses_can_go_without_the_other(
    transactional_db: None, two_courses: tuple[Course, Course], tmp_path: Path
) -> None:
    one, other = two_courses
    before = back_up(other, tmp_path / "a.mbz")
    people, files = User.objects.count(), File.objects.filter(component="user").count()
    delete_course(one)
    assert User.objects.count() == people
    assert File.objects.filter(component="user").count() == files
    assert compared(before, back_up(other, tmp_path / "b.mbz")).totals == {}


def test_a_course_that_is_deleted_leaves_nothing(transactional_db: None, fixtures: Path) -> None:
    empty_site()
    before = row_counts()
    delete_course(restore(fixtures / "rich1-users.mbz").course)
    after = row_counts()
    left = {table: count - before[table] for table, count in after.items() if count != before[table]}
    of_people = {
        "courses_user",
        "courses_profilefield",
        "courses_usertag",
        "courses_preference",
        "courses_role",
    }
    assert set(left) <= of_people | {"courses_context", "courses_file", "courses_roleassignment"}
    assert left.get("courses_file", 0) == File.objects.filter(component="user").count()
