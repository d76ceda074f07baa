"""The elements that Moodle 5.0 to 5.3 added to the format are read as values of fields, and come out again."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from archive.container import open_archive
from archive.details import KnownDetails
from archive.users import details_in_archive
from backup import leaks
from courses.activities.assign import (
    Assign,
    AssignAllocatedMarker,
    AssignGrade,
    AssignMark,
    AssignOverride,
    AssignUserFlag,
)
from courses.activities.quiz import QuestionStep, Quiz, QuizOverride
from courses.models import Activity, OpaqueElement, UserEnrolment
from courses.models.people import Preference
from courses.models.questions import QuestionBankEntry
from restore.services import review
from tests.archives_made import real, small, texts
from tests.jobs_done import back_up, compared, faults, restore

pytestmark = pytest.mark.django_db(transaction=True)

UNDESCRIBED = {"plugin_qtype_coderunner_question"}
"""Elements of the real archives that are a third party's, and not Moodle's own."""


@pytest.fixture
def of_503(fixtures: Path) -> Path:
    return fixtures / "moodle5" / "real-5.0.3-coderunner.mbz"


@pytest.fixture
def of_53(fixtures: Path) -> Path:
    return fixtures / "moodle5" / "synthetic-5.3-short-names.mbz"


@pytest.mark.parametrize("name", ["real-5.0.3-coderunner", "synthetic-5.3-short-names"])
def test_an_archive_of_moodle_5_is_restored_and_nothing_of_moodles_own_is_opaque(
    fixtures: Path, name: str, tmp_path: Path
) -> None:
    path = fixtures / "moodle5" / f"{name}.mbz"
    done = restore(path)
    assert "newer-version" not in done.findings
    opaque = OpaqueElement.objects.filter(course=done.course).values_list("xml", flat=True)
    assert {match[1] for xml in opaque if (match := re.match(r"<(\w+)", xml))} <= UNDESCRIBED
    assert "kept" not in done.findings
    written = back_up(done.course, tmp_path / "b.mbz")
    assert faults(written) == []
    assert compared(path, written).differences == ()


@pytest.mark.parametrize(("version", "newer"), [(2025041400, 0), (2026100500, 0), (2027041900, 1)])
def test_only_what_is_newer_than_5_3_is_called_newer(tmp_path: Path, version: int, newer: int) -> None:
    change = ("<backup_version>2024100700", f"<backup_version>{version}")
    path = small(tmp_path / "a.mbz", {"moodle_backup.xml": change})
    found = [one.code for one in review(path, by=None, target={}, options={})]
    assert found.count("newer-version") == newer


def test_marks_and_markers_are_mapped_to_the_people_and_grades_that_came(of_53: Path) -> None:
    course = restore(of_53).course
    assigns = Assign.objects.filter(owner__course=course)
    marks = AssignMark.objects.filter(assign__in=assigns)
    assert marks.exists()
    grades = dict(AssignGrade.objects.filter(assign__in=assigns).values_list("pk", "assign_id"))
    assert all(grades[mark.gradeid] == mark.assign_id for mark in marks)
    enrolled = set(UserEnrolment.objects.filter(enrol__course=course).values_list("userid", flat=True))
    assert {mark.marker for mark in marks} <= enrolled


def test_the_first_marker_is_that_of_the_flag_and_the_others_are_written_beside_it(
    of_53: Path, tmp_path: Path
) -> None:
    course = restore(of_53).course
    rows = AssignAllocatedMarker.objects.filter(assign__owner__course=course).order_by("pk")
    first: dict[tuple[int, int], int] = {}
    for row in rows:
        first.setdefault((row.assign_id, row.student), row.marker)
    flags = AssignUserFlag.objects.filter(assign__owner__course=course).exclude(allocatedmarker=0)
    assert flags.exists()
    assert all(first[flag.assign_id, flag.userid] == flag.allocatedmarker for flag in flags)
    again = restore(back_up(course, tmp_path / "b.mbz")).course
    markers = AssignAllocatedMarker.objects.filter(assign__owner__course=again)
    assert sorted(markers.values_list("student", "marker")) == sorted(rows.values_list("student", "marker"))


def test_a_marker_that_a_flag_names_is_a_record_too_and_is_written_as_it_came(
    fixtures: Path, tmp_path: Path
) -> None:
    course = restore(fixtures / "rich1-users.mbz").course
    flags = AssignUserFlag.objects.filter(assign__owner__course=course).exclude(allocatedmarker=0)
    markers = AssignAllocatedMarker.objects.filter(assign__owner__course=course)
    assert sorted(markers.values_list("student", "marker")) == sorted(
        flags.values_list("userid", "allocatedmarker")
    )
    assert flags.exists()
    written = texts(back_up(course, tmp_path / "b.mbz"))
    new = (
        "<allocatedmarkers>",
        "<marks>",
        "<gradepenalty>",
        "<nextversion>",
        "<enableaitools>",
        "<outcomes_modules>",
    )
    assert {one for text in written.values() for one in new if one in text} == set()


@pytest.mark.parametrize(
    ("source", "options"),
    [
        ("moodle5/synthetic-5.3-short-names", {}),
        ("moodle5/synthetic-5.3-short-names", {"moodle": "4.5"}),
        ("rich1-users", {"moodle": "5.3"}),
    ],
)
def test_each_marker_is_a_record_also_if_a_flag_names_it(
    fixtures: Path, tmp_path: Path, source: str, options: dict[str, Any]
) -> None:
    course = restore(fixtures / f"{source}.mbz").course
    rows = AssignAllocatedMarker.objects.filter(assign__owner__course=course)
    flags = AssignUserFlag.objects.filter(assign__owner__course=course).exclude(allocatedmarker=0)
    path = back_up(course, tmp_path / "b.mbz", **options)
    assert faults(path) == []
    written = [
        etree.fromstring(text.encode()) for name, text in texts(path).items() if name.endswith("/assign.xml")
    ]
    found = [
        (record.findtext("student"), record.findtext("marker"))
        for root in written
        for record in root.iter("allocatedmarker")
        if len(record)
    ]
    assert sorted(found) == sorted((str(row.student), str(row.marker)) for row in rows)
    named = {record.findtext("allocatedmarker") for root in written for record in root.iter("userflag")}
    assert {str(flag.allocatedmarker) for flag in flags} == named - {"0"} != set()


def test_without_people_no_mark_marker_or_reason_goes_out(of_53: Path, tmp_path: Path) -> None:
    course = restore(of_53).course
    with open_archive(of_53) as archive:
        known = KnownDetails(details_in_archive(archive))
    for option, value in (("users", False), ("anonymize", True)):
        path = back_up(
            course, tmp_path / f"{option}.mbz", by=None, archive_type="course", item=None, **{option: value}
        )
        found = texts(path)
        if option == "users":
            written = [text for name, text in found.items() if name.endswith("/assign.xml")]
            assert all("<mark " not in text and "<allocatedmarker " not in text for text in written)
        people = set(AssignMark.objects.values_list("marker", flat=True))
        with open_archive(path) as archive:
            assert not leaks.scan(archive, known, people=people)


def test_reasons_of_exceptions_are_left_out_of_an_anonymous_archive(of_53: Path, tmp_path: Path) -> None:
    course = restore(of_53).course
    of_assigns = AssignOverride.objects.filter(assign__owner__course=course).values_list("reason", flat=True)
    of_quizzes = QuizOverride.objects.filter(quiz__owner__course=course).values_list("reason", flat=True)
    reasons = {reason for reason in (*of_assigns, *of_quizzes) if reason}
    assert reasons
    written = "".join(texts(back_up(course, tmp_path / "a.mbz", anonymize=True)).values())
    assert not [reason for reason in reasons if f"<reason>{reason}</reason>" in written]


def test_due_dates_of_a_quiz_and_its_exceptions_move(
    of_53: Path,
) -> None:
    first, later = restore(of_53).course, restore(of_53, course_startdate=2_000_000_000).course
    shift = later.startdate - first.startdate
    assert shift

    def moments(model: type[Quiz | QuizOverride], path: str, course: int) -> list[int | None]:
        rows = model._base_manager.filter(**{f"{path}course": course})
        found = rows.order_by("pk").values_list("duedate", flat=True)
        return [one for one in found if one]

    for model, path in ((Quiz, "owner__"), (QuizOverride, "quiz__owner__")):
        before = moments(model, path, first.pk)
        assert before
        assert moments(model, path, later.pk) == [one + shift for one in before if one]


def test_a_step_that_its_person_has_not_opened_keeps_its_moment(fixtures: Path, tmp_path: Path) -> None:
    source, member = fixtures / "rich1-users.mbz", "activities/quiz_704/quiz.xml"
    [first, *_] = re.findall(r"<step id=.*?<timecreated>[0-9]+<", texts(source)[member], re.DOTALL)
    unopened = re.sub(r"[0-9]+<$", "-1<", first)
    path = real(source, tmp_path / "a.mbz", {member: (first, unopened, 1)})
    course = restore(path, course_startdate=2_000_000_000).course
    [step] = QuestionStep.objects.filter(timecreated=-1)
    assert step.attempt.usage.attempt.quiz.owner.course == course
    assert "<timecreated>-1</timecreated>" in "".join(texts(back_up(course, tmp_path / "b.mbz")).values())


def test_a_preference_may_be_of_any_length(tmp_path: Path) -> None:
    value = "x" * 5000
    preference = (
        f'<preferences><preference id="1"><name>view</name><value>{value}</value></preference></preferences>'
    )
    path = small(tmp_path / "a.mbz", {"users.xml": ("<username>anna", f"{preference}<username>anna")})
    assert "text-shortened" not in restore(path).findings
    assert Preference.objects.get(name="view").value == value


def test_the_next_version_is_never_one_that_a_question_has(of_503: Path, tmp_path: Path) -> None:
    end = "</question_version>"
    numbered = (end, f"{end}<nextversion>7</nextversion>", 1)
    path = real(of_503, tmp_path / "a.mbz", {"questions.xml": numbered})
    course = restore(path).course
    [held] = QuestionBankEntry.objects.filter(category__course=course, nextversion=7)
    assert "<nextversion>7</nextversion>" in texts(back_up(course, tmp_path / "b.mbz"))["questions.xml"]
    QuestionBankEntry.objects.filter(pk=held.pk).update(nextversion=1)
    assert "<nextversion>2</nextversion>" in texts(back_up(course, tmp_path / "c.mbz"))["questions.xml"]


def test_addresses_of_a_database_are_tokens_also_inside_other_addresses(
    fixtures: Path, tmp_path: Path
) -> None:
    tokens = ["EDITBYID*{cm}", "VIEWBYIDURLENCODED*{cm}", "EDITBYIDURLENCODED*{cm}"]
    course = restore(fixtures / "rich1-users.mbz").course
    page = Activity.objects.filter(course=course, modulename="page").order_by("pk")[0]
    data = Activity.objects.filter(course=course, modulename="data").order_by("pk")[0]
    said = [f"$@DATA{one.format(cm=data.pk)}@$" for one in tokens]
    source = back_up(course, tmp_path / "a.mbz")
    path = f"activities/page_{page.pk}/page.xml"
    changed = real(source, tmp_path / "b.mbz", {path: ("<content>", f"<content>{' '.join(said)} ", 1)})
    again = restore(changed).course
    new = Activity.objects.get(course=again, modulename="data", title=data.title)
    content = Activity.objects.get(course=again, modulename="page", title=page.title).page.content
    assert "/mod/data/edit.php?id=" + str(new.pk) in content
    assert f"%2Fmod%2Fdata%2Fview.php%3Fid%3D{new.pk}" in content
    assert f"%2Fmod%2Fdata%2Fedit.php%3Fid%3D{new.pk}" in content
    written = "".join(texts(back_up(again, tmp_path / "c.mbz")).values())
    for one in tokens:
        assert f"$@DATA{one.format(cm=new.pk)}@$" in written
