"""Backups: the same course gives the same bytes, in as many statements however large it is, and says all."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import pytest
from django.db import connection

from archive import layout
from archive.container import open_archive
from archive.manifest import read_manifest
from backup import first_rows
from courses import cursors
from courses.activities.forum import ForumDiscussion, ForumPost
from courses.models import Activity, Course, File, OpaqueElement, User
from tests.archives_made import small
from tests.jobs_done import back_up, compared, faults, restore

FACTS = re.compile(r'<backup_date>\d+|backup_id="[0-9a-f]{32}"|[ab]\.mbz|[0-9a-f]{64}</signature>')
MOMENT = datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def transactional_db(standing: None) -> None:
    """The tests of this module share a course that was restored."""


@pytest.fixture(scope="module")
def course(standing: None, tmp_path_factory: pytest.TempPathFactory) -> Course:
    """The small course."""
    return restore(small(tmp_path_factory.mktemp("made") / "a.mbz")).course


@pytest.fixture(scope="module")
def rich(standing: None, fixtures: Path) -> Course:
    """The rich course that Moodle made."""
    return restore(fixtures / "rich1-users.mbz").course


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The moment and the number of every backup are the same."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromtimestamp(MOMENT.timestamp(), MOMENT.tzinfo)

    monkeypatch.setattr("backup.services.datetime", Clock)
    monkeypatch.setattr(
        "backup.archive_file.uuid", SimpleNamespace(uuid4=lambda: SimpleNamespace(hex="0" * 32))
    )


@pytest.mark.parametrize("container", ["tar.gz", "zip"])
@pytest.mark.parametrize("options", [{}, {"users": 0}, {"anonymize": 1}])
def test_the_same_course_gives_the_same_bytes(
    transactional_db: None,
    frozen: None,
    rich: Course,
    tmp_path: Path,
    container: str,
    options: dict[str, Any],
) -> None:
    first = back_up(rich, tmp_path / "a.mbz", container=container, **options)
    second = back_up(rich, tmp_path / "b.mbz", container=container, **options)
    assert first.read_bytes() == second.read_bytes()


def test_only_date_number_name_and_signature_tell_two_backups_apart(
    transactional_db: None, course: Course, tmp_path: Path
) -> None:
    first, second = (back_up(course, tmp_path / f"{name}.mbz", filename=f"{name}.mbz") for name in "ab")
    with open_archive(first) as one, open_archive(second) as other:
        assert list(one.members) == list(other.members)
        differing = [path for path in one.members if one.read(path) != other.read(path)]
        assert [path for path in differing if path != ".ARCHIVE_INDEX"] == ["moodle_backup.xml"]
        texts = [FACTS.sub("", archive.read("moodle_backup.xml").decode()) for archive in (one, other)]
    assert texts[0] == texts[1]


def test_a_restored_course_gives_the_archive_that_it_was_restored_from(
    transactional_db: None, course: Course, tmp_path: Path
) -> None:
    first = back_up(course, tmp_path / "a.mbz")
    again = restore(first).course
    found = compared(first, back_up(again, tmp_path / "b.mbz"))
    assert found.totals == {}
    assert found.leaves.share == 1


def test_tar_and_zip_hold_the_same(transactional_db: None, rich: Course, tmp_path: Path) -> None:
    paths = [
        back_up(rich, tmp_path / f"a.{container}", container=container) for container in ("tar.gz", "zip")
    ]
    with open_archive(paths[0]) as one, open_archive(paths[1]) as other:
        assert (one.container, other.container) == ("tar.gz", "zip")
        assert set(one.members) - {".ARCHIVE_INDEX"} == set(other.members)
    assert compared(*paths).equal
    assert faults(paths[0]) == faults(paths[1]) == []


def test_a_backup_is_the_same_however_many_rows_are_fetched_at_once(
    transactional_db: None, rich: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = back_up(rich, tmp_path / "many.mbz")
    monkeypatch.setattr(first_rows, "FIRST", 2)
    monkeypatch.setattr(cursors, "SOME", 3)
    monkeypatch.setattr(cursors, "MANY", 5)
    few = back_up(rich, tmp_path / "few.mbz")
    with open_archive(many) as one, open_archive(few) as other:
        assert list(one.members) == list(other.members)
        differing = [path for path in one.members if one.read(path) != other.read(path)]
    assert set(differing) <= {".ARCHIVE_INDEX", "moodle_backup.xml"}


def test_grading_forms_are_written_where_they_can_be_used_or_where_something_is_kept(
    transactional_db: None, rich: Course, tmp_path: Path
) -> None:
    page = Activity.objects.filter(course=rich, modulename="page").earliest("pk")
    OpaqueElement.objects.create(
        course=rich, item_type=layout.top("activity", "grading.xml"), record=page.pk, xml="<kept>1</kept>"
    )
    path = back_up(rich, tmp_path / "a.mbz")
    kept = f"activities/page_{page.pk}/grading.xml"
    with open_archive(path) as archive:
        there = {one.split("/")[1] for one in archive.members if one.endswith("/grading.xml")}
        assert b"<kept>1</kept>" in archive.read(kept)
    graded = Activity.objects.filter(course=rich, modulename__in=["assign", "forum"])
    assert there == {f"{one.modulename}_{one.pk}" for one in graded} | {f"page_{page.pk}"}


def statements(work: Callable[[], object]) -> Counter[str]:
    """How often some work sends each statement of SQL, by this process's own connection, without those about the job itself.

    What the thread of a heartbeat has not yet written is written at the end, and sometimes that is nothing. Nothing is prepared
    in the session before.
    """
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    sent: Counter[str] = Counter()

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if '"jobs_job' not in sql:
            sent[re.sub(r"\brows_[0-9]+\b", "rows", sql).replace("CLOSE rows; ", "")] += 1
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        work()
    return sent


def test_more_records_take_one_more_statement_for_a_kind_that_has_more_than_the_first_rows(
    transactional_db: None, course: Course, tmp_path: Path
) -> None:
    few = statements(lambda: back_up(course, tmp_path / "few.mbz"))
    discussion = ForumDiscussion.objects.get(forum__owner__course=course)
    author = ForumPost.objects.filter(discussion=discussion)[0].userid
    ForumPost.objects.bulk_create(
        ForumPost(discussion=discussion, userid=author, subject=f"Post {number}", message="Hello " * 20)
        for number in range(5000)
    )
    page = Activity.objects.get(course=course, modulename="page")
    File.objects.bulk_create(
        File(
            course=course,
            contextid=page.contextid,
            component="mod_page",
            filearea="content",
            filename=f"{number}.txt",
            filepath="/",
            contenthash="da39a3ee5e6b4b0d3255bfef95601890afd80709",
        )
        for number in range(3000)
    )
    many = statements(lambda: back_up(course, tmp_path / "many.mbz"))
    more = many - few
    assert sorted(sql.partition(" ")[0] for sql in more.elements()) == ["DECLARE", "DECLARE"], more
    with open_archive(tmp_path / "many.mbz") as archive:
        assert archive.read("files.xml").count(b"<file id=") >= 3000


def test_a_part_holds_no_more_than_the_part(transactional_db: None, rich: Course, tmp_path: Path) -> None:
    activity = Activity.objects.filter(course=rich, modulename="forum").first()
    assert activity is not None
    path = back_up(rich, tmp_path / "a.mbz", archive_type="activity", item=activity.pk)
    with open_archive(path) as archive:
        manifest = read_manifest(archive)
        folders = {name.split("/")[1] for name in archive.members if name.startswith("activities/")}
        assert folders == {f"forum_{activity.pk}"}
        assert not any(name.startswith(("course/", "sections/")) for name in archive.members)
        people = archive.read("users.xml").count(b"<user id=")
    assert (manifest.archive_type, [entry.moduleid for entry in manifest.activities]) == (
        "activity",
        [activity.pk],
    )
    assert 0 < people <= User.objects.count()
    assert faults(path) == []
