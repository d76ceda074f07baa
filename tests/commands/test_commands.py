"""manage.py: after `--json` one object on standard output and nothing else; an exit code for each class of error."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from archive.container import open_archive
from archive.errors import (
    ArchiveError,
    Busy,
    Cancelled,
    CoursekeepError,
    DamagedArchive,
    NotAllowed,
    NotAnArchive,
    NotFound,
    PrecheckFailed,
    UsageError,
)
from archive.manifest import read_manifest
from courses.models import Activity, Category, Course, Section, User
from jobs.models import Job
from tests.archive import sample
from tests.archives_made import small
from tests.conftest import PROJECT
from tests.jobs_done import back_up, restore, row_counts
from tests.people_made import person
from vault.models import StoredArchive


@pytest.fixture
def transactional_db(standing: None) -> None:
    """The tests of this module share what was committed."""


@pytest.fixture(scope="module")
def packed(standing: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small archive."""
    return small(tmp_path_factory.mktemp("packed") / "small.mbz")


@pytest.fixture(scope="module")
def course(packed: Path) -> Course:
    """The course that came of it."""
    return restore(packed).course


def plain(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Return the text that a command prints for people."""
    call_command(*map(str, arguments))
    return capsys.readouterr().out


def test_every_class_of_errors_has_an_exit_code_of_its_own() -> None:
    codes: dict[type[CoursekeepError], int] = {
        UsageError: 2,
        ArchiveError: 3,
        NotAnArchive: 3,
        DamagedArchive: 3,
        PrecheckFailed: 4,
        NotAllowed: 5,
        NotFound: 6,
        Cancelled: 7,
        Busy: 8,
    }
    assert {error: error.exit_code for error in codes} == codes
    assert CoursekeepError.exit_code == 1


def test_backup_writes_a_file_and_tells_what_is_in_it(said: Any, course: Course, tmp_path: Path) -> None:
    path = tmp_path / "a.mbz"
    data, code = said("backup", course.pk, "-o", path)
    assert code == 0
    assert (data["file"], data["course_id"], data["kind"]) == (str(path), course.pk, "course")
    assert (data["activities"], data["sections"], data["files"]) == (2, 1, 1)
    assert data["size"] == path.stat().st_size
    assert Job.objects.get(pk=data["job"]).state == Job.State.SUCCEEDED
    assert list(tmp_path.iterdir()) == [path]


def test_backup_without_a_file_stores_the_archive(said: Any, course: Course) -> None:
    data, code = said("backup", course.pk)
    assert code == 0
    assert "file" not in data
    assert StoredArchive.objects.get(pk=data["archive_id"]).size == data["size"]


def test_backup_of_a_part_is_of_that_part(said: Any, course: Course, tmp_path: Path) -> None:
    section = Section.objects.get(course=course)
    forum = Activity.objects.get(course=course, modulename="forum")
    for option, item, kind in (("--section", section, "section"), ("--activity", forum, "activity")):
        data, code = said("backup", course.pk, option, item.pk, "-o", tmp_path / f"{kind}.mbz")
        assert (data["kind"], code) == (kind, 0)
        with open_archive(tmp_path / f"{kind}.mbz") as archive:
            assert read_manifest(archive).archive_type == kind


def test_backup_with_options_is_made_with_them(said: Any, course: Course, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    said("backup", course.pk, "-o", path, "--set", "users=0", "--set", "container=zip")
    with open_archive(path) as archive:
        assert archive.container == "zip"
        assert "users.xml" not in archive


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--set", "anonymise=1"), 2, "There is no option anonymise. Did you mean anonymize?"),
        (("--set", "course_startdate=0"), 2, "for restoring only"),
        (("--set", "users=perhaps"), 2, "0 or 1"),
        (("--set", "users"), 2, "NAME=VALUE"),
        (("--set", "=1"), 2, "NAME=VALUE"),
        (("--set", "users=0", "--set", "users=1"), 2, "two values"),
        (("--set", "users=0", "--set", "anonymize=1"), 2, "anonymize cannot be 1"),
        (("--section", "987654"), 6, "has no section 987654"),
        (("--activity", "987654"), 6, "has no activity 987654"),
        (("--section", "0"), 6, "has no section 0"),
        (("--activity", "0"), 6, "has no activity 0"),
        (("--as", "nobody.here"), 6, "no account"),
        (("-o", "."), 2, "is a folder"),
        (("-o", "there/is/no/such/folder/a.mbz"), 6, "no folder"),
    ],
)
def test_backup_says_what_was_asked_wrongly(
    said: Any, course: Course, arguments: tuple[str, ...], code: int, says: str
) -> None:
    archives = StoredArchive.objects.count()
    data, found = said("backup", course.pk, *arguments)
    assert found == code, data
    sentence = f"{data['error']['message']} {data['error']['hint']}"
    assert says in sentence
    assert StoredArchive.objects.count() == archives


def test_backup_of_a_course_that_is_not_there_says_so(said: Any) -> None:
    data, code = said("backup", 987654)
    assert (data["error"]["code"], code) == ("not-found", 6)


def test_backup_with_the_rights_of_a_person_has_them_and_no_more(
    said: Any, course: Course, tmp_path: Path
) -> None:
    person("cmd.teacher", "editingteacher", at=course)
    person("cmd.student", "student", at=course)
    path = tmp_path / "a.mbz"
    assert said("backup", course.pk, "-o", path, "--as", "cmd.teacher")[1] == 0
    with open_archive(path) as archive:
        assert "users.xml" not in archive
    for arguments in (("--as", "cmd.student"), ("--as", "cmd.teacher", "--set", "users=1")):
        data, code = said("backup", course.pk, "-o", path, *arguments)
        assert (data["error"]["code"], code) == ("not-allowed", 5)


def test_backup_of_two_parts_at_once_is_refused(transactional_db: None, course: Course) -> None:
    with pytest.raises(CommandError, match="not allowed with"):
        call_command("backup", str(course.pk), "--section", "1", "--activity", "2")


def test_restore_makes_a_course_and_tells_what_came(said: Any, packed: Path) -> None:
    data, code = said("restore", packed)
    assert code == 0
    made = Course.objects.get(pk=data["course_id"])
    assert (data["fullname"], data["kind"]) == (made.fullname, "course")
    assert (data["activities"], data["sections"], data["files"]) == (2, 1, 1)
    assert {finding["level"] for finding in data["findings"]} <= {"info", "warning"}


def test_restore_into_a_category_puts_the_course_there(said: Any, packed: Path) -> None:
    first = Category.objects.first()
    assert first is not None
    category = Category.objects.create(name="Elsewhere", parent=first, contextid=first.contextid + 987_654)
    data, _ = said("restore", packed, "--category", category.pk)
    assert Course.objects.get(pk=data["course_id"]).category_id == category.pk


def test_restore_of_a_part_goes_into_a_course_that_is_there(
    said: Any, course: Course, tmp_path: Path
) -> None:
    forum = Activity.objects.get(course=course, modulename="forum")
    part = back_up(course, tmp_path / "part.mbz", archive_type="activity", item=forum.pk)
    target = restore(small(tmp_path / "small.mbz")).course
    section = Section.objects.get(course=target)
    for arguments in ((), ("--section", section.pk)):
        before = Activity.objects.filter(course=target).count()
        data, code = said("restore", part, "--into", target.pk, *arguments)
        assert (data["course_id"], data["kind"], code) == (target.pk, "activity", 0)
        assert Activity.objects.filter(course=target).count() == before + 1
    for alone in (("--section", 0), ("--position", 0)):
        data, code = said("restore", part, *alone)
        assert (f"{alone[0]} says nothing without --into" in data["error"]["message"], code) == (True, 2)
    for wrong in (("--into", 987654), ("--into", target.pk, "--section", 987654)):
        data, code = said("restore", part, *wrong)
        assert (data["error"]["code"], code) == ("not-found", 6)


def test_an_archive_of_a_course_is_added_to_a_course_or_replaces_it(
    said: Any, packed: Path, course: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    activities = course.activities.count()
    data, code = said("restore", packed, "--into", course.pk, "--set", "overwrite_conf=0")
    assert (data["course_id"], data["target"], code) == (course.pk, "merge", 0)
    assert course.activities.count() > activities
    rehearsed, code = said("restore", packed, "--into", course.pk, "--replace", "--rehearse")
    assert code == 0
    assert "error" not in {finding["level"] for finding in rehearsed["findings"]}
    data, code = said("restore", packed, "--into", course.pk, "--replace")
    assert (data["course_id"], data["target"], code) == (course.pk, "replace", 0)
    assert StoredArchive.objects.get(pk=data["old_archive"]).course == course
    assert "is in the archive" in plain(capsys, "restore", packed, "--into", course.pk, "--replace")


def test_a_rehearsal_tells_the_plan_and_the_report_and_writes_nothing(
    said: Any, packed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = row_counts(), Job.objects.count()
    data, code = said("restore", packed, "--rehearse")
    assert code == 0
    assert {"plan", "findings", "ready", "new", "people_by", "stays_away"} <= set(data)
    assert data["ready"] is True
    assert len(data["plan"]) > 3
    lines = plain(capsys, "restore", packed, "--rehearse").splitlines()
    assert lines[0] == data["plan"][0]
    assert any(line.startswith("New: ") for line in lines)
    assert lines[-1] == "The restore would succeed; nothing was changed."
    assert (row_counts(), Job.objects.count()) == before


def test_a_rehearsal_tells_what_stands_in_the_way(said: Any, tmp_path: Path) -> None:
    path = small(tmp_path / "a.mbz", {"users.xml": None})
    data, _ = said("restore", path, "--rehearse")
    assert data["ready"] is False
    assert "error" in {finding["level"] for finding in data["findings"]}


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--into", "1", "--category", "1"), 2, "exclude each other"),
        (("--into", "0", "--category", "0"), 2, "exclude each other"),
        (("--into", "987654"), 6, "no course 987654"),
        (("--into", "987654", "--section", "1"), 2, "no effect on the archive of a course"),
        (("--into", "987654", "--position", "1"), 2, "no effect on the archive of a course"),
        (("--section", "1"), 2, "--into"),
        (("--position", "1"), 2, "--into"),
        (("--replace",), 2, "--into"),
        (("--category", "987654"), 6, "987654"),
        (("--set", "nosuch=1"), 2, "no option nosuch"),
        (("--set", "container=zip"), 2, "for backing up only"),
        (("--set", "course_startdate=tomorrow"), 2, "seconds since 1970"),
        (("--set", "forum_99999_included=0"), 2, "There is no forum_99999 here"),
        (("--as", "nobody.here"), 6, "no account"),
    ],
)
def test_restore_says_what_was_asked_wrongly(
    said: Any, packed: Path, arguments: tuple[str, ...], code: int, says: str
) -> None:
    before = row_counts()
    data, found = said("restore", packed, *arguments)
    assert found == code, data
    assert says in f"{data['error']['message']} {data['error']['hint']}"
    assert row_counts() == before


def test_restore_of_an_archive_that_does_not_pass_the_prechecks_has_its_findings(
    said: Any, tmp_path: Path
) -> None:
    data, code = said("restore", small(tmp_path / "a.mbz", {"users.xml": None}))
    assert (data["error"]["code"], code) == ("precheck-failed", 4)
    assert data["findings"]


def test_restore_by_somebody_who_may_not_is_refused(said: Any, packed: Path) -> None:
    person("cmd.guest", "guest")
    data, code = said("restore", packed, "--as", "cmd.guest")
    assert (data["error"]["code"], code) == ("not-allowed", 5)


@pytest.mark.parametrize("command", ["restore", "inspect", "verify"])
def test_a_file_that_is_not_there_or_no_archive_has_its_own_exit_code(
    said: Any, tmp_path: Path, command: str
) -> None:
    assert said(command, tmp_path / "none.mbz")[1] == 6
    (tmp_path / "text.mbz").write_text("hello")
    data, code = said(command, tmp_path / "text.mbz")
    assert (data["error"]["code"], code) == ("not-an-archive", 3)


def test_make_course_makes_what_it_tells(said: Any) -> None:
    data, code = said("make_course", "--forum-posts", 7, "--seed", 5)
    assert code == 0
    made = Course.objects.get(pk=data["course_id"])
    assert (made.fullname, made.shortname) == (data["fullname"], data["shortname"])
    assert Activity.objects.filter(course=made).count() == data["activities"]


@pytest.mark.parametrize("posts", ["0", "-1", "x", "10000001", "٣x"])
def test_make_course_refuses_a_number_of_posts_that_is_none(transactional_db: None, posts: str) -> None:
    with pytest.raises(CommandError, match="from 1 to"):
        call_command("make_course", "--forum-posts", posts)


def test_make_course_refuses_a_size_that_there_is_not(transactional_db: None) -> None:
    with pytest.raises(CommandError, match="invalid choice"):
        call_command("make_course", "--size", "XXXL")


def test_compare_ends_with_0_for_equals_and_1_for_others(said: Any, course: Course, tmp_path: Path) -> None:
    first = back_up(course, tmp_path / "a.mbz")
    second = back_up(course, tmp_path / "b.mbz", container="zip")
    data, code = said("compare", first, second)
    assert (data["equal"], code) == (True, 0)
    course.summary, before = "Changed", course.summary
    course.save()
    third = back_up(course, tmp_path / "c.mbz")
    course.summary = before
    course.save()
    data, code = said("compare", first, third)
    assert (data["equal"], code) == (False, 1)
    assert data["differences"]


def test_verify_ends_with_3_for_a_damaged_archive(said: Any, packed: Path, tmp_path: Path) -> None:
    assert said("verify", packed)[0]["ok"] is True
    data, code = said("verify", small(tmp_path / "a.mbz", {sample.PICTURE_PATH: b"another"}))
    assert (data["ok"], code) == (False, 3)


def test_describe_tells_its_text(said: Any, packed: Path) -> None:
    for what in ("--format", "--options", "--members"):
        data, code = said("describe", what)
        assert (set(data), code) == ({"text"}, 0)
        assert len(data["text"]) > 500
    assert said("describe", "--schema", "users.xml")[0]["text"].startswith("<")
    assert said("describe", "--schema", "nosuch.xml")[1] == 6
    assert said("describe", "--validate", packed)[1] in (0, 1)


def test_without_json_people_get_sentences(
    transactional_db: None, course: Course, packed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.mbz"
    assert plain(capsys, "backup", course.pk, "-o", path).endswith("\n")
    assert "Restored as course " in plain(capsys, "restore", path)
    assert plain(capsys, "verify", path).startswith("The archive is intact: ")
    assert plain(capsys, "compare", path, path).splitlines()[-1].startswith("Equal: ")
    assert "A sample" in plain(capsys, "inspect", path)
    assert plain(capsys, "make_course", "--forum-posts", 3).startswith("Made course ")


def test_nobody_is_made_by_a_command_that_fails(said: Any, tmp_path: Path) -> None:
    people, courses = User.objects.count(), Course.objects.count()
    forum = "activities/forum_31/forum.xml"
    broken = {"users.xml": ("anna", "somebody.new"), forum: ("<firstpost>61<", "<firstpost>sixty<")}
    data, code = said("restore", small(tmp_path / "a.mbz", broken))
    assert (data["error"]["code"], code) == ("invalid-value", 3)
    assert (User.objects.count(), Course.objects.count()) == (people, courses)


def process(environment: dict[str, str], *arguments: object) -> tuple[int, str, str]:
    """A command as a process of its own: its exit code, standard output and standard error."""
    done = subprocess.run(
        [sys.executable, "manage.py", *map(str, arguments)],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout, done.stderr


def test_a_process_prints_one_object_and_ends_with_0(
    transactional_db: None, site_environment: dict[str, str], course: Course, tmp_path: Path
) -> None:
    path = tmp_path / "a.mbz"
    code, output, _ = process(site_environment, "backup", course.pk, "-o", path, "--json")
    assert code == 0
    assert output.count("\n") == 1
    assert json.loads(output)["file"] == str(path)
    assert path.stat().st_size == json.loads(output)["size"]


def test_a_process_that_fails_says_one_sentence_and_ends_with_the_code_of_the_error(
    transactional_db: None, site_environment: dict[str, str]
) -> None:
    code, output, error = process(site_environment, "backup", 987654)
    assert (code, output) == (6, "")
    assert error == "There is no course 987654. Look at the list of courses for its number.\n"
