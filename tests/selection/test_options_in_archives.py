"""Each option has its effect on an archive, and on a course that is restored."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from archive.container import open_archive
from archive.errors import UsageError
from archive.manifest import read_manifest
from courses.models import Activity, Course, Section, User
from jobs.models import Job
from selection.table import options_for
from tests.archives_made import texts
from tests.backup.test_anonymise import (
    EVERYTHING,
    IN_THE_TEXT_OF_THE_COURSE,
    escaped,
    personal_texts,
)
from tests.jobs_done import back_up, faults, restore


def without(*options: str) -> dict[str, Any]:
    """The arguments that switch options off."""
    return dict.fromkeys(options, 0)


@pytest.fixture
def transactional_db(standing: None) -> None:
    """The tests of this module share a course that was restored."""


@pytest.fixture(scope="module")
def alone(rich: Course, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive without people."""
    return back_up(rich, tmp_path_factory.mktemp("alone") / "a.mbz", users=0)


OF_WORK = {
    "user/icon",
    "mod_forum/post",
    "mod_forum/attachment",
    "assignsubmission_file/submission_files",
    "question/response_attachments",
    "mod_glossary/attachment",
}
"""Areas of files that are people's work, whatever they hang on."""


def elements(path: Path, member: str, name: str) -> list[etree._Element]:
    """The elements of a name in the members that a pattern matches."""
    found: list[etree._Element] = []
    for where, content in texts(path).items():
        if re.fullmatch(member, where):
            found += etree.fromstring(content.encode()).iter(name)
    return found


def test_without_people_nobody_is_in_the_archive(transactional_db: None, alone: Path) -> None:
    contents = texts(alone)
    assert "users.xml" not in contents
    numbers = {str(number) for row in User.objects.values_list("pk", "contextid") for number in row}
    mentioned = [
        (member, line.strip())
        for member, content in contents.items()
        for line in content.splitlines()
        if numbers.intersection(re.findall(r"(?<![0-9])[0-9]{7}(?![0-9])", line))
    ]
    assert mentioned == []
    people = personal_texts()
    leaks = [
        (text, sorted(names), member)
        for member, content in contents.items()
        for text, names in people.items()
        if text not in IN_THE_TEXT_OF_THE_COURSE and escaped(text) in content
    ]
    assert leaks == []


WORK = {
    "posts": ("post", r"activities/forum_\d+/forum\.xml"),
    "submissions": ("submission", r"activities/assign_\d+/assign\.xml"),
    "answers of choices": ("answer", r"activities/choice_\d+/choice\.xml"),
    "entries": ("entry", r"activities/glossary_\d+/glossary\.xml"),
    "attempts": ("attempt", r"activities/quiz_\d+/quiz\.xml"),
    "grades": ("grade_grade", r"(activities/\w+/grades|gradebook)\.xml"),
    "completion": ("completion", r"activities/\w+/completion\.xml"),
    "completion of the course": ("course_completions", r"completion\.xml"),
    "members of groups": ("group_member", r"groups\.xml"),
    "enrolments": ("enrolment", r"course/enrolments\.xml"),
    "roles of people": ("assignment", r".*roles\.xml"),
    "comments": ("comment", r".*comments\.xml"),
    "awards": ("badge_issued", r"badges\.xml"),
    "awards by hand": ("manual_award", r"badges\.xml"),
    "records of databases": ("record", r"activities/data_\d+/data\.xml"),
    "answers of feedback": ("completed", r"activities/feedback_\d+/feedback\.xml"),
    "messages": ("message", r"activities/chat_\d+/chat\.xml"),
    "pages of wikis": ("version", r"activities/wiki_\d+/wiki\.xml"),
    "assessments": ("assessment", r"activities/workshop_\d+/workshop\.xml"),
    "attempts of lessons": ("attempt", r"activities/lesson_\d+/lesson\.xml"),
    "tracks of packages": ("sco_track", r"activities/scorm_\d+/scorm\.xml"),
    "answers of surveys": ("answer", r"activities/survey_\d+/survey\.xml"),
}


@pytest.mark.parametrize("what", WORK)
def test_the_work_of_people_comes_with_people_only(
    transactional_db: None, whole: Path, alone: Path, what: str
) -> None:
    name, member = WORK[what]
    if what != "awards":
        assert elements(whole, member, name), "the course has none"
    assert elements(alone, member, name) == []


def test_without_people_the_files_of_their_work_are_gone(
    transactional_db: None, whole: Path, alone: Path
) -> None:
    def areas(path: Path) -> set[tuple[str, str]]:
        found = elements(path, r"files\.xml", "file")
        return {(each.findtext("component") or "", each.findtext("filearea") or "") for each in found}

    gone = areas(whole) - areas(alone)
    assert {("user", "icon"), ("mod_forum", "post"), ("assignsubmission_file", "submission_files")} <= gone
    assert {("mod_page", "content"), ("mod_folder", "content"), ("course", "summary")} <= areas(alone)
    assert {each.findtext("userid") for each in elements(alone, r"files\.xml", "file")} <= {"$@NULL@$", "0"}


def test_both_archives_are_whole(transactional_db: None, whole: Path, alone: Path) -> None:
    assert faults(whole) == []
    assert faults(alone) == []


def test_without_the_work_in_one_activity_all_other_work_comes(
    transactional_db: None, rich: Course, tmp_path: Path
) -> None:
    forums = [
        activity
        for activity in Activity.objects.filter(course=rich, modulename="forum").order_by("pk")
        if activity.forum.pk
    ]
    first = forums[0]
    path = back_up(rich, tmp_path / "a.mbz", **without(f"forum_{first.pk}_userinfo"))
    mine = rf"activities/forum_{first.pk}"
    assert elements(path, rf"{mine}/forum\.xml", "post") == []
    assert elements(path, rf"{mine}/completion\.xml", "completion") == []
    assert elements(path, rf"{mine}/grades\.xml", "grade_grade") == []
    assert elements(path, r"activities/forum_\d+/forum\.xml", "post")
    assert f"{mine}/forum.xml" in texts(path)
    assert faults(path) == []


def test_an_activity_that_is_left_out_is_nowhere(
    transactional_db: None, rich: Course, tmp_path: Path
) -> None:
    page = Activity.objects.filter(course=rich, modulename="page").order_by("pk")[0]
    path = back_up(rich, tmp_path / "a.mbz", **without(f"page_{page.pk}_included"))
    contents = texts(path)
    assert not any(name.startswith(f"activities/page_{page.pk}/") for name in contents)
    assert f"<contextid>{page.contextid}</contextid>" not in contents["files.xml"]
    with open_archive(path) as archive:
        assert page.pk not in {entry.moduleid for entry in read_manifest(archive).activities}
    restored = restore(path)
    assert not Activity.objects.filter(course=restored.course, title=page.title).exists()
    for section in restored.course.sections.all():
        listed = [int(number) for number in (section.sequence or "").split(",") if number]
        assert listed == [pk for pk in listed if Activity.objects.filter(pk=pk, section=section).exists()]


def test_a_section_that_is_left_out_takes_its_activities_with_it(
    transactional_db: None, rich: Course, tmp_path: Path
) -> None:
    section = next(s for s in rich.sections.all() if s.activities.count() > 1 and not s.component)
    path = back_up(rich, tmp_path / "a.mbz", **without(f"section_{section.pk}_included"))
    inside = {f"{a.modulename}_{a.pk}" for a in section.activities.all()}
    folders = {name.split("/")[1] for name in texts(path) if name.startswith(("activities/", "sections/"))}
    assert not folders & inside
    assert f"section_{section.pk}" not in folders
    assert faults(path) == []


def count(member: str, name: str) -> Callable[[Path], int]:
    """How many elements of a name the members have that a pattern matches."""
    return lambda path: len(elements(path, member, name))


def files_of(component: str, area: str = "") -> Callable[[Path], int]:
    """How many files of a component, or of one of its areas, an archive has."""

    def number(path: Path) -> int:
        found = elements(path, r"files\.xml", "file")
        return sum(
            each.findtext("component") == component and (not area or each.findtext("filearea") == area)
            for each in found
        )

    return number


def contents(path: Path) -> int:
    """How many contents of files an archive has."""
    with open_archive(path) as archive:
        return sum(name.startswith("files/") for name in archive.members)


HELD: dict[str, Callable[[Path], int]] = {
    "role_assignments": count(r".*roles\.xml", "assignment"),
    "activities": count(r"activities/.*/module\.xml", "module"),
    "blocks": count(r".*blocks/.*/block\.xml", "block"),
    "files": contents,
    "filters": count(r".*filters\.xml", "filter_active"),
    "comments": count(r".*comments\.xml", "comment"),
    "badges": count(r"badges\.xml", "badge"),
    "calendarevents": count(r".*calendar\.xml", "event"),
    "userscompletion": count(r"activities/.*/completion\.xml", "completion"),
    "grade_histories": count(r".*grade_history\.xml", "grade_grade"),
    "questionbank": count(r"questions\.xml", "question"),
    "groups": count(r"groups\.xml", "group"),
    "competencies": count(r".*competencies\.xml", "competency"),
    "customfield": count(r"course/course\.xml", "customfield"),
    "contentbankcontent": count(r"course/contentbank\.xml", "content"),
    "xapistate": count(r".*xapistate\.xml", "state"),
    "legacyfiles": files_of("course", "legacy"),
    "logs": count(r".*logs\.xml", "log"),
    "users": count(r"users\.xml", "user"),
}
NOT_IN_THIS_COURSE = {
    "logs": "Moodle made the archive without logs, and this site keeps none of its own",
    "grade_histories": "Moodle made the archive without the history of grades",
}
ELSEWHERE = {
    "filename": "test_the_archive_is_called_as_asked",
    "container": "tests/backup/test_backup.py",
    "moodle": "tests/backup/test_target_version.py",
    "long_names": "tests/backup/test_target_layout.py",
    "anonymize": "tests/backup/test_anonymise.py",
    "single_names": "tests/backup/test_leaks.py",
    "texts": "tests/backup/test_leaks.py",
    "only_needed": "tests/restore/test_needed.py",
}


def test_every_option_of_a_backup_is_tested() -> None:
    names = {option.name for option in options_for("backup") if option.level == "root"}
    assert names == {*HELD, *ELSEWHERE}


@pytest.mark.parametrize("option", HELD)
def test_each_option_of_a_backup_has_an_effect(
    transactional_db: None, rich: Course, whole: Path, tmp_path: Path, option: str
) -> None:
    held = HELD[option]
    if option in NOT_IN_THIS_COURSE:
        assert held(whole) == 0, NOT_IN_THIS_COURSE[option]
        return
    assert held(whole) > 0, "the course has nothing of the kind"
    path = back_up(rich, tmp_path / "a.mbz", **without(option))
    assert held(path) == 0
    with open_archive(path) as archive:
        assert read_manifest(archive).setting(option) == "0"
    assert faults(path) == []


def test_the_archive_is_called_as_asked(transactional_db: None, rich: Course) -> None:
    from backup.services import request_backup
    from jobs import runner

    job = request_backup(rich, by=None, options={"filename": "Mine.mbz", "users": 0}, notify=False)
    runner.run(job.pk, raising=True)
    job = Job.objects.get(pk=job.pk)
    assert job.archive is not None
    assert job.archive.title == "Mine.mbz"


@pytest.mark.parametrize("filename", ["../../etc/passwd", "/etc/passwd", "a/b.mbz", "a\0b.mbz", "x" * 300])
def test_a_name_cannot_lead_elsewhere(transactional_db: None, rich: Course, filename: str) -> None:
    from backup.services import request_backup
    from jobs import runner

    try:
        job = request_backup(rich, by=None, options={"filename": filename, "users": 0}, notify=False)
    except UsageError:
        return
    runner.run(job.pk, raising=True)
    archive = Job.objects.get(pk=job.pk).archive
    assert archive is not None
    assert ".." not in archive.file
    assert not archive.file.startswith("/")
    assert not archive.title.startswith(("/", "."))


@pytest.mark.parametrize(
    "option", sorted(HELD.keys() - NOT_IN_THIS_COURSE.keys() - {"files", "questionbank", "logs"})
)
def test_each_option_of_a_restore_has_an_effect(
    transactional_db: None, whole: Path, tmp_path: Path, option: str
) -> None:
    restored = restore(whole, **without(option))
    path = back_up(restored.course, tmp_path / "a.mbz", **EVERYTHING)
    if option == "users":
        assert elements(path, r"users\.xml", "user") == []
        for name, member in WORK.values():
            assert elements(path, member, name) == [], name
        files = elements(path, r"files\.xml", "file")
        areas = {f"{each.findtext('component')}/{each.findtext('filearea')}" for each in files}
        assert not areas & OF_WORK
    else:
        assert HELD[option](path) == 0
    assert faults(path) == []


def test_what_is_left_out_on_restore_is_nowhere(transactional_db: None, whole: Path, tmp_path: Path) -> None:
    with open_archive(whole) as archive:
        manifest = read_manifest(archive)
    section = next(entry for entry in manifest.sections if not entry.parentcmid and entry.title != "0")
    activity = next(
        entry
        for entry in manifest.activities
        if entry.modulename == "forum" and entry.sectionid != section.sectionid
    )
    off = without(f"section_{section.sectionid}_included", f"forum_{activity.moduleid}_userinfo")
    course = restore(whole, **off).course
    left = [entry for entry in manifest.activities if entry.sectionid != section.sectionid]
    assert Section.objects.filter(course=course).count() < len(manifest.sections)
    assert Activity.objects.filter(course=course).count() <= len(left)
    forum = Activity.objects.get(course=course, title=activity.title)
    path = back_up(course, tmp_path / "a.mbz")
    assert elements(path, rf"activities/forum_{forum.pk}/forum\.xml", "post") == []
    assert elements(path, r"activities/forum_\d+/forum\.xml", "post")
    assert faults(path) == []


def test_names_are_given_on_restore(transactional_db: None, whole: Path) -> None:
    course = restore(whole, course_fullname="A new name", course_shortname="NEW").course
    assert (course.fullname, course.shortname) == ("A new name", "NEW")
