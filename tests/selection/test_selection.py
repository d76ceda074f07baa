"""One Selection answers what comes along, for the engines, the prechecks and the files alike."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from archive import layout
from archive.manifest import ArchiveType
from courses.activities.forum import ForumSubscription
from courses.capabilities import EVERYTHING
from courses.models import CourseCustomField, File, User
from courses.models.badges import Badge
from courses.models.grades import GradeHistory
from courses.structure import Model
from selection.option import Operation, Option, Use
from selection.resolution import resolve
from selection.selection import Selection, StoredFile
from selection.settings import Item
from selection.table import ROOT
from tests.archives_made import real, texts
from tests.jobs_done import back_up, restore

ITEMS = (
    Item("section_1"),
    Item("forum_7", "section_1"),
    Item("quiz_8", "section_1"),
)
FORUM = "activities/forum_7/blocks/html_3"
OFF_AT_FIRST = {"logs", "grade_histories"}
NEW = Option(
    name="following",
    label="Who follows",
    help="Who is subscribed to forums.",
    backup=Use(default=True),
    restore=Use(default=True),
)


def selected(
    operation: Operation = "backup",
    archive_type: ArchiveType = "course",
    *,
    archive_has_people: bool = True,
    into_existing: bool = False,
    **asked: str,
) -> Selection:
    settings = resolve(
        asked,
        operation=operation,
        archive_type=archive_type,
        may=EVERYTHING,
        items=ITEMS,
        archive_settings=dict.fromkeys(ROOT, "1"),
    )
    return Selection(
        settings,
        operation,
        archive_type,
        archive_has_people=archive_has_people,
        into_existing=into_existing,
    )


def never(model: Model, number: int) -> bool:
    return False


def always(model: Model, number: int) -> bool:
    return True


def file_comes(selection: Selection, area: str, owner: str | None = "course", item: int = 0) -> bool:
    component, name = area.split("/")
    return selection.comes(StoredFile(owner, component, name, item), held=never)


def test_what_is_not_left_out_comes() -> None:
    selection = selected()
    assert all(selection.includes(owner) for owner in ("course", "section_1", "forum_7", FORUM))
    assert all(
        selection.comes(member, "forum_7") for member in layout.MEMBERS if member.option not in OFF_AT_FIRST
    )


def test_an_activity_that_is_left_out_takes_its_blocks_and_files_with_it() -> None:
    selection = selected(forum_7_included="0")
    assert not selection.includes("forum_7")
    assert not selection.includes(FORUM)
    assert not file_comes(selection, "mod_forum/intro", "forum_7")
    assert file_comes(selection, "mod_quiz/intro", "quiz_8")


def test_what_nobody_lists_does_not_come() -> None:
    assert not selected().includes("forum_9")
    assert not file_comes(selected(), "mod_forum/intro", None)


def test_userdata_is_asked_for_each_owner() -> None:
    selection = selected(forum_7_userinfo="0")
    assert not selection.with_userdata("forum_7")
    assert not selection.with_userdata(FORUM)
    assert selection.with_userdata("quiz_8")
    assert selection.with_userdata("course")
    comments = layout.find("activity", "comments.xml")
    assert not selection.comes(comments, "forum_7")
    assert selection.comes(comments, "quiz_8")
    assert not file_comes(selection, "mod_forum/post", "forum_7", 3)
    assert file_comes(selection, "mod_forum/intro", "forum_7")


def test_an_archive_without_people_has_no_userdata_whatever_is_asked() -> None:
    selection = selected("restore", archive_has_people=False)
    assert not selection.people
    assert not selection.with_userdata("forum_7")
    assert not selection.comes(layout.find("archive", "users.xml"))


def test_a_file_that_may_be_the_courses_own_is_asked_for_by_its_record() -> None:
    selection = selected(users="0")
    example = StoredFile("forum_7", "mod_workshop", "submission_content", 3)
    assert selection.comes(example, held=always)
    assert not selection.comes(example, held=never)


@pytest.mark.parametrize(
    ("option", "area"),
    [
        ("contentbankcontent", "contentbank/public"),
        ("badges", "badges/badgeimage"),
        ("badges", "badges/userbadge"),
        ("calendarevents", "calendar/event_description"),
        ("groups", "group/icon"),
        ("groups", "grouping/description"),
        ("legacyfiles", "course/legacy"),
        ("questionbank", "question/questiontext"),
        ("questionbank", "qtype_match/subquestion"),
    ],
)
def test_a_file_goes_with_the_option_of_the_member_that_it_belongs_to(option: str, area: str) -> None:
    assert file_comes(selected(), area)
    off: dict[str, Any] = {option: "0"}
    assert not file_comes(selected(**off), area)


def test_files_of_grade_history_go_with_it() -> None:
    assert GradeHistory.archive_meta.files
    area = GradeHistory.archive_meta.files[0]
    assert file_comes(selected(grade_histories="1"), area)
    assert not file_comes(selected(grade_histories="0"), area)


def test_a_block_that_is_off_is_off_with_all_its_members() -> None:
    selection = selected(blocks="0")
    assert not selection.comes(layout.find("block", "comments.xml"), FORUM)
    assert not selection.comes(layout.find("activity", "blocks/html_3/something.xml"), "forum_7")
    assert not file_comes(selection, "block_html/content", FORUM)


def test_rows_go_with_the_option_of_their_model() -> None:
    assert not selected(customfield="0").comes(CourseCustomField)
    assert selected().comes(Badge)


def test_a_choice_of_enrolments_depends_on_people() -> None:
    enrolments = layout.find("course", "course/enrolments.xml")
    assert selected("restore", enrolments="always", users="0").comes(enrolments)
    assert not selected("restore", enrolments="with-users", users="0").comes(enrolments)
    assert selected("restore", enrolments="with-users").comes(enrolments)
    assert not selected("restore", enrolments="never").comes(enrolments)
    assert selected("backup", users="0").comes(enrolments)


def test_into_an_existing_course_comes_only_what_a_part_brings() -> None:
    selection = selected("restore", "activity", into_existing=True)
    assert not selection.comes(layout.find("archive", "gradebook.xml"))
    assert not selection.comes(layout.find("archive", "completion.xml"))
    assert selection.comes(layout.find("archive", "questions.xml"))


def test_a_member_that_no_table_lists_comes() -> None:
    unknown = layout.find("activity", "plagiarism.xml")
    assert selected().comes(unknown, "forum_7")
    assert selected("backup", "activity").comes(unknown, "forum_7")


def test_a_name_that_no_option_has_is_an_error() -> None:
    with pytest.raises(KeyError):
        selected().allows("folowing")


@pytest.fixture
def following(monkeypatch: pytest.MonkeyPatch) -> None:
    """An option more in the table, which governs who follows a forum; nothing else is told of it."""
    monkeypatch.setitem(ROOT, NEW.name, NEW)
    meta = dataclasses.replace(ForumSubscription.archive_meta, option=NEW.name)
    monkeypatch.setattr(ForumSubscription, "archive_meta", meta)


@pytest.fixture
def archive(fixtures: Path, tmp_path: Path) -> Path:
    """A real archive in which somebody follows a forum."""
    return real(fixtures / "rich1-users.mbz", tmp_path / "rich.mbz", {})


def followers(path: Path) -> int:
    return sum(len(re.findall("<subscription id=", text)) for text in texts(path).values())


@pytest.mark.usefixtures("following")
def test_a_backup_obeys_an_option_that_is_only_in_the_table(
    transactional_db: None, archive: Path, tmp_path: Path
) -> None:
    course = restore(archive).course
    assert followers(back_up(course, tmp_path / "with.mbz")) > 0
    assert followers(back_up(course, tmp_path / "without.mbz", following="0")) == 0


@pytest.mark.usefixtures("following")
def test_a_restore_obeys_an_option_that_is_only_in_the_table(transactional_db: None, archive: Path) -> None:
    assert ForumSubscription.objects.filter(forum__owner__course=restore(archive).course).exists()
    course = restore(archive, following="0").course
    assert not ForumSubscription.objects.filter(forum__owner__course=course).exists()


def _without_content_of(fixtures: Path, tmp_path: Path, element: str) -> tuple[Path, str]:
    """The real archive without one content that only files of people's submissions have, and its hash."""
    source = fixtures / "rich1-users.mbz"
    said = texts(source)["files.xml"]
    records = re.findall(r"<file id=.*?</file>", said, re.DOTALL)
    hashes: dict[str, set[str]] = {}
    for record in records:
        [sha1] = re.findall("<contenthash>(.*?)</contenthash>", record)
        [component] = re.findall("<component>(.*?)</component>", record)
        [area] = re.findall("<filearea>(.*?)</filearea>", record)
        hashes.setdefault(sha1, set()).add(f"{component}/{area}")
    sha1 = next(sha1 for sha1, areas in hashes.items() if areas == {element})
    return real(source, tmp_path / "gone.mbz", {f"files/{sha1[:2]}/{sha1}": None}), sha1


def test_what_is_left_out_does_not_stop_a_restore_and_does_not_enter_the_pool(
    transactional_db: None, fixtures: Path, tmp_path: Path
) -> None:
    path, sha1 = _without_content_of(fixtures, tmp_path, "assignsubmission_file/submission_files")
    done = restore(path, users="0")
    assert "content-missing" not in done.findings
    assert not File.objects.filter(course=done.course, contenthash=sha1).exists()


def test_contents_of_userdata_that_stays_behind_do_not_enter_the_pool(
    transactional_db: None, fixtures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from courses import pool

    stored: list[str] = []
    take = pool.take

    def noting(opener: Any, *, sha1: str) -> pool.TakenContent:
        stored.append(sha1)
        return take(opener, sha1=sha1)

    monkeypatch.setattr(pool, "take", noting)
    course = restore(fixtures / "rich1-users.mbz", users="0").course
    named = set(File.objects.filter(course=course).values_list("contenthash", flat=True))
    assert stored
    assert set(stored) <= named
    assert not User.objects.filter(username__startswith="student").exists()
