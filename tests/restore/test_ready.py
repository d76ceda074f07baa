"""The prechecks say what the restore of the same archive then does: it is not refused, and finds nothing else."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from psycopg2.errors import DiskFull

from archive.errors import CoursekeepError
from archive.findings import Finding, errors_among
from courses import pool
from courses.models import Group
from courses.services import create_course as make_course
from restore import rehearsal, services
from tests.archive import sample
from tests.archives_made import Change, real, small
from tests.conftest import MORE_ARCHIVES
from tests.jobs_done import digests, restore
from tests.people_made import person as make_person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def transactional_db(standing: None) -> None:
    """The tests of this module share what was committed."""


CASES = MORE_ARCHIVES.parent / "cases"


LEFT_OUT = {
    "manifest-60MB": "it is refused when it is opened, which the tests of `archive/` look at",
    "pax-quadratic-400-headers": "it is refused when it is opened, which the tests of `archive/` look at",
    "tar-size-minus-1": "it is refused when it is opened, which the tests of `archive/` look at",
    "generated_s": "it is large; smaller archives of the same kind are rehearsed",
    "forum_10000": "it is large; smaller archives of the same kind are rehearsed",
    "forum_100000": "it is large; smaller archives of the same kind are rehearsed",
    "rich1-users-zip": "it is the rich course again, in the other container",
}
"""The archives that are not rehearsed here, by name, and why."""


def all_archives() -> list[Path]:
    """Return the real archives and the small ones that showed a fault."""
    return [*sorted(CASES.glob("*.mbz")), *sorted(MORE_ARCHIVES.rglob("*.mbz"))]


def archives() -> Iterator[Path]:
    """Yield the archives that are rehearsed."""
    yield from (path for path in all_archives() if path.stem not in LEFT_OUT)


@pytest.mark.skipif(not CASES.is_dir(), reason="the archives are not beside the repository")
def test_each_archive_that_is_not_rehearsed_is_there() -> None:
    assert LEFT_OUT.keys() - {path.stem for path in all_archives()} == set()


def said_before(path: Path) -> tuple[list[Finding], dict[str, Any]]:
    """Return the findings and the report of a rehearsal; what refuses the whole archive is a finding too."""
    try:
        return services.check(path, by=None, target={}, options={})[1:]
    except CoursekeepError as error:
        return [Finding("error", error.code, error.message, error.where, error.hint)], {}


def compare_with_restore(path: Path) -> list[Finding]:
    """Check that a restore finds and reports what its rehearsal did, and is refused only for an error among that.

    The rehearsal changes no row. Returns the findings.
    """
    before = digests()
    found, report = said_before(path)
    assert digests() == before
    if errors := errors_among(found):
        with pytest.raises(CoursekeepError) as refused:
            restore(path)
        assert errors[0].sentence() in refused.value.sentence()
        return found
    done = restore(path)
    assert same_numbers(report) == same_numbers(done.job.result)
    fields = ("level", "code", "message", "place", "hint")
    told = sorted(done.job.findings.values_list(*fields))
    assert sorted(tuple(getattr(one, name) for name in fields) for one in found) == told
    return found


def same_numbers(report: dict[str, Any]) -> dict[str, Any]:
    """Return a report without the id of the course, as JSON has it."""
    return {name: value for name, value in json.loads(json.dumps(report)).items() if name != "course_id"}


@pytest.mark.parametrize("path", list(archives()), ids=lambda path: path.stem)
def test_a_restore_finds_what_the_prechecks_found(path: Path) -> None:
    compare_with_restore(path)


PAGE, FORUM = "activities/page_32/page.xml", "activities/forum_31/forum.xml"
MODULE = "activities/page_32/module.xml"
FAULTS: dict[str, tuple[dict[str, Change], str]] = {
    "a number that is none": ({FORUM: ("<firstpost>61<", "<firstpost>sixty<")}, "invalid-value"),
    "an id that is none": ({FORUM: ('<post id="61"', '<post id="x"')}, "invalid-value"),
    "an id that is there twice": ({FORUM: ('<post id="62"', '<post id="61"')}, "invalid-value"),
    "XML that ends too early": ({PAGE: b"<activity><page>"}, "damaged-archive"),
    "an activity of another type": ({MODULE: ("<modulename>page<", "<modulename>quiz<")}, "damaged-archive"),
    "an activity in no section": ({MODULE: ("<sectionid>21<", "<sectionid>22<")}, "damaged-archive"),
    "a course that the manifest does not name": (
        {"course/course.xml": ('id="2"', 'id="3"')},
        "damaged-archive",
    ),
    "elements too deep": (
        {"course/u.xml": b"<u>" + b"<a>" * 240 + b"</a>" * 240 + b"</u>"},
        "hostile-archive",
    ),
    "a wrong size": ({"files.xml": ("<filesize>25<", "<filesize>999<")}, "file-size"),
    "a wrong content": ({sample.PICTURE_PATH: b"something else"}, "content-wrong"),
    "no content": ({sample.PICTURE_PATH: None}, "content-missing"),
    "no list of files": ({"files.xml": None}, "member-missing"),
    "no groups": ({"groups.xml": None}, "condition-lost"),
    "no module": ({MODULE: None}, "member-missing"),
    "a condition on a group that is not there": (
        {MODULE: ('"group","id":41', '"group","id":47')},
        "condition-lost",
    ),
}


@pytest.fixture
def without_the_picture() -> None:
    """The pool does not have the picture of the small archive, whatever other tests have brought."""
    pool.storage().delete(pool.name_of(sample.PICTURE_HASH))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_beforehand(fault: str, tmp_path: Path, without_the_picture: None) -> None:
    changes, code = FAULTS[fault]
    assert code in {one.code for one in compare_with_restore(small(tmp_path / "a.mbz", changes))}


def test_a_missing_list_of_files_says_how_many_do_not_come_and_whose(
    tmp_path: Path, without_the_picture: None
) -> None:
    found = compare_with_restore(small(tmp_path / "a.mbz", {"files.xml": None}))
    [finding] = [one for one in found if one.code == "member-missing"]
    assert (finding.level, finding.place) == ("warning", "files.xml")
    assert "1 file in it, named by “Reading”, does not come" in finding.message


def test_references_into_a_member_that_is_missing_are_a_warning(fixtures: Path, tmp_path: Path) -> None:
    path = real(fixtures / "rich1-users.mbz", tmp_path / "a.mbz", {"questions.xml": None})
    found = compare_with_restore(path)
    lost = [one for one in found if one.place == "questions.xml"]
    assert {one.level for one in lost} == {"warning"}
    assert {"member-missing", "reference-lost"} <= {one.code for one in lost}


def test_names_that_another_course_has_are_found_beforehand(tmp_path: Path) -> None:
    course = restore(small(tmp_path / "a.mbz", {"course/course.xml": NUMBERED})).course
    assert course.idnumber == "C-1"
    found = compare_with_restore(small(tmp_path / "b.mbz", {"course/course.xml": NUMBERED}))
    assert {"same-name", "same-idnumber"} <= {one.code for one in found}


NUMBERED = ("<idnumber></idnumber>", "<idnumber>C-1</idnumber>")


def test_names_that_the_target_course_has_are_found_beforehand(fixtures: Path) -> None:
    course = make_course("Target", fullname="Target")
    path = fixtures / "rich1-activity-forum.mbz"
    target = {"course": course.pk}
    restore(path, target=target)
    Group.objects.filter(course=course).update(idnumber="another")
    found = services.review(path, by=None, target=target, options={})
    told = restore(path, target=target).findings
    assert [one.code for one in found] == told
    assert "same-idnumber" in told


def test_a_check_leaves_the_pool_as_it_was(tmp_path: Path, without_the_picture: None) -> None:
    services.review(small(tmp_path / "a.mbz"), by=None, target={}, options={})
    assert not pool.exists(sample.PICTURE_HASH)


def test_a_check_that_would_wait_for_another_restore_says_so(tmp_path: Path) -> None:
    path = small(tmp_path / "a.mbz", {"users.xml": ("<username>anna<", "<username>zoe<")})
    ready, done = threading.Event(), threading.Event()

    def other() -> None:
        with transaction.atomic():
            make_person("zoe")
            ready.set()
            done.wait(20)
            transaction.set_rollback(True)
        connection.close()

    thread = threading.Thread(target=other)
    thread.start()
    ready.wait(20)
    try:
        found = services.review(path, by=None, target={}, options={})
    finally:
        done.set()
        thread.join()
    assert [one.level for one in found if one.code == "not-looked-at"] == ["warning"]


def test_a_fault_of_the_database_is_not_called_a_change_by_somebody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_tables: object) -> None:
        raise OperationalError("no space left on device") from DiskFull()

    monkeypatch.setattr(rehearsal, "check_on_arrival", full)
    with pytest.raises(OperationalError):
        services.review(small(tmp_path / "a.mbz"), by=None, target={}, options={})


def test_the_hint_about_people_who_cannot_be_matched_helps(tmp_path: Path) -> None:
    make_person("vera")
    path = small(tmp_path / "a.mbz", {"users.xml": ("<username>anna<", "<username>vera<")})
    [finding] = errors_among(said_before(path)[0])
    assert "users=0" in finding.hint
    assert restore(path, users="0").course.fullname == "A sample"
