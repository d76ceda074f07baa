"""Archives in the storage without a row: found, verified, and recorded as this site's own or as somebody else's."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import File
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backup.services import request_backup
from courses.models import Course
from courses.services import create_course
from jobs import runner
from restore.services import opened
from tests.archives_made import packed, small
from tests.jobs_done import restore
from vault import storage, unrecorded_archives
from vault.models import LooseFile, StoredArchive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_storages")]

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command with `--json` and returns what it says, with the exit code as `code`."""

    def said(*arguments: str) -> dict[str, Any]:
        code = 0
        try:
            call_command("record_archives", *arguments, "--json")
        except SystemExit as end:
            code = int(end.code or 0)
        return {**json.loads(capsys.readouterr().out), "code": code}

    return said


def backed_up(course: Course) -> StoredArchive:
    done = runner.run(request_backup(course, by=None, notify=False).pk, raising=True)
    assert done is not None
    assert done.archive is not None
    return done.archive


def forget_all() -> None:
    """Remove the rows of all archives and leave their files, as a new database does."""
    StoredArchive.objects.all().delete()
    LooseFile.objects.all().delete()


def put(name: str, data: bytes) -> str:
    return storage.archives().save(name, File(io.BytesIO(data)))


def test_an_own_archive_comes_back_as_a_backup_of_its_course(run: Run) -> None:
    course = create_course("BIO", "Biology")
    before = backed_up(course)
    forget_all()

    said = run()

    assert [(one["made_by"], one["errors"]) for one in said["archives"]] == [(unrecorded_archives.OURS, [])]
    after = StoredArchive.objects.get()
    for name in ("file", "title", "size", "sha256", "course_id", "course_title", "archive_type", "users"):
        assert getattr(after, name) == getattr(before, name), name
    assert (after.source, after.good, after.verified is not None) == ("backup", True, True)
    assert said["archives"][0]["archive"] == after.pk
    assert abs((after.created - before.created).total_seconds()) < 60
    assert restore(after).course.fullname == "Biology copy 1"
    assert not LooseFile.objects.exists()


def test_a_course_that_has_the_number_by_now_and_is_another_one_does_not_get_the_archive(run: Run) -> None:
    course = create_course("BIO", "Biology")
    backed_up(course)
    forget_all()
    Course.objects.filter(pk=course.pk).update(shortname="CHEM")
    run()
    assert StoredArchive.objects.get().course is None


def test_a_second_run_finds_nothing_more(run: Run) -> None:
    backed_up(create_course("BIO", "Biology"))
    assert run()["archives"] == []
    forget_all()
    run()
    assert run()["archives"] == []
    assert StoredArchive.objects.count() == 1


def test_a_dry_run_lists_and_records_nothing(run: Run) -> None:
    backed_up(create_course("BIO", "Biology"))
    forget_all()
    said = run("--dry-run")
    assert [one["archive"] for one in said["archives"]] == [None]
    assert not StoredArchive.objects.exists()


def test_an_archive_of_another_site_is_recorded_as_an_upload(run: Run, tmp_path: Path) -> None:
    put("2026-01/abc/course.mbz", small(tmp_path / "small.mbz").read_bytes())
    said = run()
    assert [one["made_by"] for one in said["archives"]] == [unrecorded_archives.UNSIGNED]
    row = StoredArchive.objects.get()
    assert (row.source, row.course, row.created_by, row.title) == ("upload", None, None, "course.mbz")


def test_without_the_key_own_archives_are_recorded_as_uploads(run: Run, settings: Any) -> None:
    backed_up(create_course("BIO", "Biology"))
    forget_all()
    settings.SITE_KEY = "another key"
    said = run()
    assert [one["made_by"] for one in said["archives"]] == [unrecorded_archives.FOREIGN]
    assert StoredArchive.objects.get().source == "upload"


def test_a_damaged_archive_is_recorded_as_damaged_and_the_exit_code_says_so(run: Run, tmp_path: Path) -> None:
    data = small(tmp_path / "small.mbz", {"course/course.xml": b"<course"}).read_bytes()
    put("2026-01/abc/course.mbz", data)
    said = run()
    assert said["code"] == 3
    assert not StoredArchive.objects.get().good


def test_an_archive_that_was_changed_is_not_taken_for_an_own_one(run: Run) -> None:
    archive = backed_up(create_course("BIO", "Biology"))
    with opened(archive) as one:
        contents = {path: one.read(path) for path in one.members}
    contents["course/course.xml"] = contents["course/course.xml"].replace(b"Biology", b"Alchemy")
    forget_all()
    storage.archives().delete(archive.file)
    put("2026-01/abc/course.mbz", packed(contents))
    said = run()
    assert [one["made_by"] for one in said["archives"]] == [unrecorded_archives.FOREIGN]
    assert (said["code"], StoredArchive.objects.get().source) == (3, "upload")


def test_other_files_are_told_and_left_alone(run: Run) -> None:
    put("2026-01/abc/notes.txt", b"no archive")
    put("site.txt", b"a file of the storage itself")
    put(".parts/unfinished", b"half")
    said = run()
    assert (said["archives"], said["no_archives"], said["code"]) == ([], ["2026-01/abc/notes.txt"], 0)
    assert storage.archives().exists("2026-01/abc/notes.txt")


def test_uploads_that_wait_and_removals_that_are_not_finished_are_not_recorded(
    run: Run, tmp_path: Path
) -> None:
    with (tmp_path / "waits.mbz").open("wb") as file:
        file.write(small(tmp_path / "small.mbz").read_bytes())
    storage.put(tmp_path / "waits.mbz", title="waits.mbz")
    assert run()["archives"] == []


def test_statements_to_find_archives_do_not_grow_with_them() -> None:
    backed_up(create_course("BIO", "Biology"))
    forget_all()
    for number in range(3):
        put(f"2026-01/{number}/a.mbz", b"x")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert len(list(unrecorded_archives.find())) == 4
    assert len(queries) == 1
