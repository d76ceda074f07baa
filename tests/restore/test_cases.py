"""The small archives that showed a fault, each with what is expected of it now.

They stand beside the repository, so a clean checkout skips these tests; the faults have tests with archives of their own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from lxml import etree

from archive.container import open_archive
from archive.errors import CoursekeepError
from archive.manifest import read_manifest
from courses import pool
from courses.activities.quiz import Quiz
from courses.models import Activity, Course, File, Section, User
from tests.archives_made import texts
from tests.conftest import MORE_ARCHIVES
from tests.jobs_done import Restored, back_up, faults, restore
from tests.memory import peak_of_opening
from tests.people_made import person

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        not (MORE_ARCHIVES.parent / "cases").is_dir(), reason="the cases are not beside the repository"
    ),
]

CASES = MORE_ARCHIVES.parent / "cases"


@dataclass(frozen=True)
class Outcome:
    """A restored case and its archives made again: with people, without, and anonymous."""

    restored: Restored
    folder: Path

    @property
    def course(self) -> Course:
        return self.restored.course

    def again(self, **options: Any) -> Path:
        """Back the course up and check that the archive is whole."""
        path = back_up(self.course, self.folder / f"{len(list(self.folder.iterdir()))}.mbz", **options)
        assert faults(path) == []
        return path


@pytest.fixture
def outcome_of(tmp_path: Path) -> Callable[..., Outcome]:
    """A function that restores a case and checks that the course can be backed up in all three ways."""

    def outcome(name: str, **options: object) -> Outcome:
        found = Outcome(restore(CASES / f"{name}.mbz", **options), tmp_path)  # type: ignore[arg-type]
        for ways in ({}, {"users": 0}, {"anonymize": 1}):
            found.again(**ways)
        return found

    return outcome


def test_names_of_moodle_5_are_restored_whole(outcome_of: Callable[..., Outcome]) -> None:
    assert len(outcome_of("moodle5-fullname-300").course.fullname) == 300
    sections = Section.objects.filter(course=outcome_of("long-section-name").course)
    assert max(len(section.name or "") for section in sections) > 255


def test_the_due_date_of_a_quiz_moves_with_the_other_dates(outcome_of: Callable[..., Outcome]) -> None:
    with open_archive(CASES / "moodle52-quiz-duedate.mbz") as archive:
        start = read_manifest(archive).original_course_startdate
        quizzes = [
            etree.fromstring(archive.read(path)) for path in archive.members if path.endswith("/quiz.xml")
        ]
    dates = [int(quiz.findtext("quiz/duedate") or 0) for quiz in quizzes]
    assert start
    assert any(dates)
    shift = 70 * 24 * 60 * 60
    done = outcome_of("moodle52-quiz-duedate", course_startdate=start + shift)
    moved = Quiz.objects.filter(owner__course=done.course).values_list("duedate", flat=True)
    assert sorted(date or 0 for date in moved) == sorted(date + shift if date else 0 for date in dates)


def test_one_missing_content_is_a_warning_that_names_file_and_activity(
    outcome_of: Callable[..., Outcome],
) -> None:
    [warning] = outcome_of("one-file-content-missing").restored.job.findings.filter(code="content-missing")
    assert warning.level == "warning"
    assert re.search(r"The content of the file “.+” of “.+” is missing", warning.message)


def forget(contents: Iterable[str]) -> None:
    """Remove contents from the pool."""
    for sha1 in contents:
        pool.storage().delete(pool.name_of(sha1))


def test_a_content_of_work_that_is_left_out_is_neither_looked_at_nor_stored(
    outcome_of: Callable[..., Outcome],
) -> None:
    case = "missing-content-of-left-out-work"
    with open_archive(CASES / f"{case}.mbz") as archive:
        work = {
            str(file.findtext("contenthash"))
            for file in etree.fromstring(archive.read("files.xml"))
            if str(file.findtext("filearea")) in {"submission_files", "attachment", "post"}
        }
        elsewhere = {
            str(file.findtext("contenthash"))
            for file in etree.fromstring(archive.read("files.xml"))
            if str(file.findtext("filearea")) not in {"submission_files", "attachment", "post"}
        }
    # Another test may have stored contents that are equal.
    forget(work | elsewhere)
    assert "content-missing" in outcome_of(case).restored.findings
    forget(work)
    alone = outcome_of(case, users=0)
    assert "content-missing" not in alone.restored.findings
    assert [sha1 for sha1 in work - elsewhere if pool.exists(sha1)] == []


def test_a_file_has_the_size_of_its_content(outcome_of: Callable[..., Outcome]) -> None:
    done = outcome_of("file-size-differs")
    assert "file-size" in done.restored.findings
    assert set(
        File.objects.filter(course=done.course).exclude(filename=".").values_list("filesize", flat=True)
    ) == {5}


def test_activities_that_share_a_context_get_one_each(outcome_of: Callable[..., Outcome]) -> None:
    done = outcome_of("same-contextid-for-all-activities")
    contexts = list(Activity.objects.filter(course=done.course).values_list("contextid", flat=True))
    assert len(set(contexts)) == len(contexts) > 1
    assert "context-shared" in done.restored.findings


def test_the_admins_of_two_sites_come_in_by_a_decision(outcome_of: Callable[..., Outcome]) -> None:
    """Each of two archives has an `admin` with another address; a person decides whose account is whose."""
    person("admin")
    with pytest.raises(CoursekeepError, match="accounts"):
        restore(CASES / "admin-of-another-site.mbz")
    outcome_of("admin-of-another-site", accounts="admin=new")
    outcome_of("admin-of-a-third-site", accounts="admin=here")
    outcome_of("admin-of-a-third-site", duplicate_admin=1)


def test_strangers_in_a_zip_of_a_mac_and_a_folder_around_are_ignored(
    outcome_of: Callable[..., Outcome],
) -> None:
    for name in ("zipped-on-a-mac", "zipped-with-its-folder"):
        assert Activity.objects.filter(course=outcome_of(name).course).exists()


@pytest.mark.parametrize(
    ("name", "megabytes"),
    [("tar-size-minus-1", 100), ("manifest-60MB", 200), ("pax-quadratic-400-headers", 200)],
)
def test_a_hostile_archive_is_refused_with_a_sentence_in_little_memory(name: str, megabytes: int) -> None:
    said, peak = peak_of_opening(CASES / f"{name}.mbz")
    assert re.fullmatch(r"[^\n]+\.", said), said
    assert peak < megabytes * 1024 * 1024


def test_an_element_with_a_namespace_is_written_again_as_it_came(outcome_of: Callable[..., Outcome]) -> None:
    again = texts(outcome_of("namespaced-element").again())
    [source] = [text for text in texts(CASES / "namespaced-element.mbz").values() if "xmlns" in text]
    uri = re.search(r'xmlns(?::\w+)?="([^"]+)"', source)
    assert uri is not None
    assert sum(f'"{uri[1]}"' in text for text in again.values()) == 1


def test_elements_too_deep_are_refused_at_the_door() -> None:
    with pytest.raises(CoursekeepError, match="deep"):
        restore(CASES / "deep-unknown.mbz")


def test_a_number_with_a_decimal_point_is_read_as_the_field_reads_it(
    outcome_of: Callable[..., Outcome],
) -> None:
    outcome_of("firstaccess-1.0")
    assert User.objects.filter(firstaccess=100).exists()


def test_a_line_break_in_a_file_name_is_no_fault_of_a_page(
    outcome_of: Callable[..., Outcome], client: Client
) -> None:
    done = outcome_of("filename-newline")
    admin = person("somebody", is_superuser=True)
    client.force_login(admin)
    for activity in Activity.objects.filter(course=done.course):
        assert client.get(reverse("activity", args=[activity.pk])).status_code == 200


def test_an_entry_of_the_manifest_with_a_wrong_folder_is_named(outcome_of: Callable[..., Outcome]) -> None:
    done = outcome_of("directory-keyerror")
    named = done.restored.job.findings.filter(
        message__contains="forum_99"
    ) | done.restored.job.findings.filter(place__contains="forum_99")
    assert named.exists()
    assert Activity.objects.filter(course=done.course, modulename="forum").exists()


def test_a_group_that_did_not_come_is_nobody_and_named(outcome_of: Callable[..., Outcome]) -> None:
    done = outcome_of("condition-on-what-is-missing")
    found = Activity.objects.filter(course=done.course).exclude(availability=None)
    conditions = "".join(map(str, found.values_list("availability", flat=True)))
    assert '"id":-1' in conditions
    assert '"id":0' not in conditions
    assert "condition-lost" in done.restored.findings


def test_ids_of_an_activity_that_nobody_described_stay_equal_and_files_listed(
    outcome_of: Callable[..., Outcome],
) -> None:
    again = texts(outcome_of("third-party-activity-files").again())
    [path] = [path for path in again if path.endswith("hvp.xml")]
    root = etree.fromstring(again[path].encode())
    number = root.get("id")
    assert root.find("hvp").get("id") == number  # type: ignore[union-attr]
    files = etree.fromstring(again["files.xml"].encode())
    named = {file.findtext("filename"): file for file in files if file.findtext("filename") != "."}
    assert set(named) == {"own.txt", "cert.png"}
    assert named["own.txt"].findtext("itemid") == number
    listed = set(re.findall(r"<id>(\d+)</id>", again[path.replace("hvp.xml", "inforef.xml")]))
    assert {file.get("id") for file in named.values()} <= listed


def test_an_unknown_element_has_the_ids_of_the_archive_it_is_in(outcome_of: Callable[..., Outcome]) -> None:
    done = outcome_of("kept-names")
    for ways, allowed in (({}, False), ({"anonymize": 1}, True)):
        again = texts(done.again(**ways))
        [page] = [
            text for path, text in again.items() if path.endswith("page.xml") and "<extra>" in text
        ] or [""]
        people = set(re.findall(r'<user id="(\d+)"', again["users.xml"]))
        numbers = re.findall(r"<(?:userid|privatereplyto|loggeduser)>(\d+)<", page)
        assert numbers or allowed
        assert len(set(numbers)) <= 1
        assert {number for number in numbers if len(number) > 6} <= people | {"0"}


def test_leaves_stand_before_the_first_nested_element(outcome_of: Callable[..., Outcome]) -> None:
    for name in ("unk_quiz", "m503pre"):
        done = outcome_of(name)
        for path, text in texts(done.again()).items():
            for record in etree.fromstring(text.encode()).iter():
                assert leaves_behind(record) == [], f"{name}, {path}: {record.tag}"


def leaves_behind(record: etree._Element) -> list[str]:
    """The names of the leaves of a record that have a value and stand behind a nested element."""
    nested = [bool(len(child)) for child in record]
    if not record.get("id") or True not in nested:
        return []
    after = list(record)[nested.index(True) :]
    return [str(child.tag) for child in after if not len(child) and (child.text or "").strip()]


def test_what_belongs_to_groups_that_did_not_come_is_left_out(outcome_of: Callable[..., Outcome]) -> None:
    done = outcome_of("novel_nogroups")
    assert "owner-lost" in done.restored.findings
    assert not done.course.events.filter(eventtype="group").exists()


def test_people_of_a_plugin_under_other_names_are_mapped_or_stay_away(
    outcome_of: Callable[..., Outcome],
) -> None:
    done = outcome_of("attendance-studentid")
    people = {str(number) for number in User.objects.values_list("pk", flat=True)}
    shown = "".join(text for path, text in texts(done.again()).items() if "attendance" in path)
    named = re.findall(r"<(?:studentid|takenby)>(\d+)<", shown)
    assert named
    assert set(named) <= people | {"0"}
    for ways in ({"users": 0}, {"anonymize": 1}):
        hidden = "".join(text for path, text in texts(done.again(**ways)).items() if "attendance" in path)
        assert set(re.findall(r"<(?:studentid|takenby)>(\d+)<", hidden)) <= {"0"}
