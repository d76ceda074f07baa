"""A course archive that replaces the content of a course: what goes, what stays, who keeps access, what is kept first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from archive.container import open_archive
from archive.errors import NotAllowed, UsageError
from archive.findings import errors_among
from courses.activities.quiz import QuestionReference
from courses.capabilities import may
from courses.changes import change_course, create_section
from courses.models import (
    Block,
    Context,
    Course,
    Enrol,
    OpaqueElement,
    OpaqueMember,
    RoleAssignment,
    User,
    UserEnrolment,
)
from courses.models.completion import CompletionCriterion
from courses.models.files import File
from courses.models.grades import GradeCategory, GradeItem
from courses.models.groups import Group, GroupMember
from courses.models.questions import QuestionCategory
from courses.services import create_course, tops
from jobs.models import Job
from restore.emptying import empty_course
from restore.old_content import NotBackedUp
from restore.services import check, request_restore
from selection.models import OptionDefault
from tests.archives_made import Change, small
from tests.jobs_done import back_up, compared, faults, restore
from tests.people_made import person
from vault import storage
from vault.manifests import manifest_of
from vault.models import StoredArchive

# Also a test that runs alone has its database made.
pytestmark = pytest.mark.usefixtures("transactional_db")


@pytest.fixture
def transactional_db(standing: None) -> None:
    """The tests of this module share a database."""


@contextmanager
def fixed(name: str, value: str) -> Iterator[None]:
    """Let the administrator fix an option of backups for the whole site meanwhile."""
    row = OptionDefault.objects.create(
        operation="backup", preset="general", name=name, value=value, locked=True
    )
    try:
        yield
    finally:
        row.delete()


def replaced(path: Path, course: Course, **options: Any) -> Job:
    """Replace the content of a course by an archive."""
    target = {"course": course.pk, "replace": True}
    return restore(path, target=target, **{"backup_first": 0, **options}).job


def test_nothing_of_the_old_content_is_left_by_an_empty_archive(rich: Path, tmp_path: Path) -> None:
    course = restore(rich).course
    empty = back_up(create_course("NOTHING", "Nothing"), tmp_path / "empty.mbz")
    contexts = {course.contextid, *course.activities.values_list("contextid", flat=True)}
    replaced(empty, course)
    assert course.sections.count() == 1
    assert not course.activities.exists()
    assert not Block.objects.filter(course=course).exists()
    assert not OpaqueMember.objects.filter(course=course).exists()
    assert not RoleAssignment.objects.filter(contextid__in=contexts).exists()
    assert not QuestionCategory.objects.filter(course=course).exclude(contextlevel=40).exists()
    for model in (GradeCategory, GradeItem, Group, Enrol):
        assert not model.objects.filter(course=course).exists()
    assert not CompletionCriterion.objects.filter(within=course).exists()
    files = File.objects.filter(course=course).exclude(component="question")
    assert {(one.component, one.filearea) for one in files} == {
        ("course", "summary"),
        ("course", "overviewfiles"),
    }
    course.refresh_from_db()
    assert course.shortname.startswith("RICH1")
    again = back_up(course, tmp_path / "b.mbz")
    assert faults(again) == []
    with open_archive(again) as archive:
        assert archive.read("course/course.xml").count(b"<tag ") == 3


@pytest.mark.parametrize("roles", [False, True], ids=["roles go", "roles stay"])
@pytest.mark.parametrize("groups", [False, True], ids=["groups go", "groups stay"])
def test_roles_enrolments_and_groups_stay_as_they_are_if_asked_for(
    course: Course, tmp_path: Path, roles: bool, groups: bool
) -> None:
    teacher = teacher_of(course, f"tea{roles}{groups}")
    way = Enrol.objects.filter(course=course).latest("pk")
    group = Group.objects.create(course=course, name="Ours", description="")
    GroupMember.objects.create(group=group, userid=teacher.pk, component="enrol_cohort", itemid=way.pk)
    empty = back_up(create_course("NOTHING2", "Nothing"), tmp_path / "empty.mbz")
    enrolled = UserEnrolment.objects.filter(enrol__course=course)
    assigned = RoleAssignment.objects.filter(contextid=course.contextid)
    there = Group.objects.filter(course=course)
    members = GroupMember.objects.filter(group__in=there)
    before = [query.count() for query in (enrolled, assigned, there, members)]
    assert all(before)
    replaced(empty, course, keep_roles_and_enrolments=int(roles), keep_groups_and_groupings=int(groups))
    kept = [roles, roles, groups, groups]
    assert [query.count() for query in (enrolled, assigned, there, members)] == [
        number if stays else 0 for number, stays in zip(before, kept, strict=True)
    ]
    if not roles:
        assert not members.exclude(itemid=0).exists()
    assert not course.activities.exists()
    assert faults(back_up(course, tmp_path / "b.mbz")) == []


def test_a_course_replaced_by_its_own_archive_is_the_same(rich: Path, tmp_path: Path) -> None:
    course = restore(rich).course
    create_section(course, "Too much")
    first = back_up(course, tmp_path / "a.mbz", logs=1, grade_histories=1)
    replaced(first, course)
    again = back_up(course, tmp_path / "b.mbz", logs=1, grade_histories=1)
    differences = set(compared(first, again).totals)
    assert differences <= {
        "value course/course.xml course/timemodified",
        "value course/course.xml course/summary",
    }


def test_the_old_content_is_backed_up_first_with_its_people(course: Course, tmp_path: Path) -> None:
    first = back_up(course, tmp_path / "a.mbz", logs=1, grade_histories=1)
    changes: dict[str, Change] = {"activities/page_32/page.xml": ("<name>Reading", "<name>Rewriting")}
    job = replaced(small(tmp_path / "b.mbz", changes), course, backup_first=1)
    kept = StoredArchive.objects.get(pk=job.result["old_archive"])
    assert (kept.course, kept.users, kept.archive_type) == (course, True, "course")
    assert [finding.code for finding in job.findings.all()].count("old-content-kept") == 1
    assert kept.title in job.findings.get(code="old-content-kept").message
    restore(kept, target={"course": course.pk, "replace": True}, backup_first=0)
    again = back_up(course, tmp_path / "c.mbz", logs=1, grade_histories=1)
    assert set(compared(first, again).totals) <= {"value course/course.xml course/timemodified"}


def test_an_option_that_the_site_has_fixed_takes_no_other_content_from_the_old_content(
    course: Course, tmp_path: Path
) -> None:
    with fixed("calendarevents", "0"):
        job = replaced(small(tmp_path / "b.mbz"), course, backup_first=1)
    kept = StoredArchive.objects.get(pk=job.result["old_archive"])
    settings = {one.name: one.value for one in manifest_of(kept).settings if one.level == "root"}
    assert (kept.users, settings["logs"], settings["calendarevents"]) == (True, "1", "0")
    codes = [finding.code for finding in job.findings.all()]
    assert "old-content-kept" not in codes
    assert "calendar" in job.findings.get(code="old-content-in-part").message.lower()


@pytest.mark.parametrize(("name", "value"), [("users", "0"), ("anonymize", "1")])
def test_a_course_is_not_replaced_if_the_site_has_fixed_that_its_backup_is_without_its_people(
    course: Course, tmp_path: Path, name: str, value: str
) -> None:
    before = StoredArchive.objects.count()
    with fixed(name, value), pytest.raises(NotBackedUp, match="without its people") as caught:
        replaced(small(tmp_path / "b.mbz"), course, backup_first=1)
    assert "backup_first" in caught.value.hint
    assert StoredArchive.objects.count() == before
    assert course.activities.exists()


@pytest.mark.parametrize(("name", "value"), [("users", "0"), ("anonymize", "1")])
def test_a_replacement_that_the_site_would_refuse_is_refused_before_it_begins(
    course: Course, tmp_path: Path, name: str, value: str
) -> None:
    """By the rehearsal, by the command and by the review page, in the words in which the job would say it."""
    path, target = small(tmp_path / "b.mbz"), {"course": course.pk, "replace": True}
    before, said = Job.objects.count(), "would be backed up without its people"
    with fixed(name, value):
        _, findings, _ = check(path, by=None, target=target, options={})
        assert [one.code for one in findings if one.level == "error"] == ["not-backed-up"]
        with pytest.raises(NotBackedUp, match=said):
            request_restore(path, by=None, target=target, notify=False)
        with pytest.raises(NotBackedUp, match=said):
            call_command("restore", str(path), "--into", str(course.pk), "--replace")
        assert Job.objects.count() == before
        _, findings, _ = check(path, by=None, target=target, options={"backup_first": "0"})
        assert not errors_among(findings)
        client, archive = wizard_at_review(path, course)
        page = client.post(reverse("restore-review", args=[archive.pk])).content.decode()
    assert said in page
    assert not Job.objects.filter(operation="restore", archive=archive).exists()


def wizard_at_review(path: Path, course: Course) -> tuple[Client, StoredArchive]:
    """A browser in which the administrator has chosen to replace a course by an archive."""
    admin = person(f"replacing.{course.pk}.{path.parent.name}", is_superuser=True)
    archive = storage.record(storage.put(path, title=path.name), source="upload", created_by=admin)
    client = Client()
    client.force_login(admin)
    client.post(
        reverse("restore-destination", args=[archive.pk]),
        {"where": "replace", "course": str(course.pk), "go": "1"},
    )
    return client, archive


def test_what_the_backup_of_the_old_content_will_lack_is_said_beforehand(
    course: Course, tmp_path: Path
) -> None:
    with fixed("calendarevents", "0"):
        target = {"course": course.pk, "replace": True}
        _, findings, _ = check(small(tmp_path / "b.mbz"), by=None, target=target, options={})
    [told] = [one for one in findings if one.code == "old-content-in-part"]
    assert "calendar" in told.message.lower()


def test_without_a_backup_first_none_is_made(course: Course, tmp_path: Path) -> None:
    before = StoredArchive.objects.count()
    job = replaced(tmp_path / "whole.mbz", course)
    assert job.result["old_archive"] is None
    assert StoredArchive.objects.count() == before


def test_questions_that_another_course_uses_are_not_replaced(rich: Path, tmp_path: Path) -> None:
    course, other = restore(rich).course, restore(rich).course
    quiz = other.activities.filter(modulename="quiz").order_by("pk").first()
    mine = course.activities.filter(modulename="quiz").order_by("pk").first()
    assert quiz is not None
    assert mine is not None
    QuestionReference.objects.filter(usingcontextid=mine.contextid).update(usingcontextid=quiz.contextid)
    before = back_up(course, tmp_path / "a.mbz")
    with pytest.raises(UsageError, match="uses questions of"):
        replaced(rich, course)
    assert compared(before, back_up(course, tmp_path / "b.mbz")).totals == {}


def teacher_of(course: Course, name: str) -> User:
    """A teacher with Moodle's default rights, enrolled in a course."""
    teacher = person(name, "editingteacher", at=course)
    way = Enrol.objects.create(course=course, enrol="manual")
    UserEnrolment.objects.create(enrol=way, userid=teacher.pk)
    return teacher


def test_a_teacher_replaces_her_course_and_keeps_her_access(course: Course, tmp_path: Path) -> None:
    teacher = teacher_of(course, "thea")
    student = person("stan", "student", at=course)
    job = restore(tmp_path / "whole.mbz", by=teacher, target={"course": course.pk, "replace": True}).job
    assert "access-kept" in {finding.code for finding in job.findings.all()}
    assert "moodle/restore:restorecourse" in may(teacher, course)
    assert UserEnrolment.objects.filter(enrol__course=course, userid=teacher.pk).count() == 1
    assert not RoleAssignment.objects.filter(contextid=course.contextid, userid=student.pk).exists()
    assert job.options["users"] == "0"
    assert StoredArchive.objects.get(pk=job.result["old_archive"]).users


@pytest.mark.parametrize("status", [0, 1], ids=["active", "suspended"])
def test_an_enrolment_comes_back_with_the_status_and_times_that_it_had(
    course: Course, tmp_path: Path, status: int
) -> None:
    teacher = teacher_of(course, f"thea{status}")
    held = UserEnrolment.objects.filter(enrol__course=course, userid=teacher.pk)
    held.update(status=status, timestart=1_600_000_000, timeend=1_900_000_000)
    RoleAssignment.objects.filter(userid=teacher.pk).update(timemodified=1_500_000_000)
    restore(tmp_path / "whole.mbz", by=teacher, target={"course": course.pk, "replace": True})
    [found] = held
    assert (found.status, found.timestart, found.timeend) == (status, 1_600_000_000, 1_900_000_000)
    [role] = RoleAssignment.objects.filter(contextid=course.contextid, userid=teacher.pk)
    assert role.timemodified == 1_500_000_000


def test_a_teacher_merges_into_her_course(course: Course, tmp_path: Path) -> None:
    teacher = teacher_of(course, "tom")
    restore(tmp_path / "whole.mbz", by=teacher, target={"course": course.pk})
    assert course.activities.count() == 4


@pytest.mark.parametrize("replace", [False, True], ids=["merge", "replace"])
def test_without_the_right_in_the_target_nothing_is_asked_for(
    course: Course, tmp_path: Path, replace: bool
) -> None:
    other = create_course(f"THEIRS{replace}", "Another course")
    teacher = teacher_of(course, f"tim{replace}")
    target = {"course": other.pk, "replace": replace or None}
    with pytest.raises(NotAllowed):
        request_restore(tmp_path / "whole.mbz", by=teacher, target=target, notify=False)


def test_emptying_leaves_no_row_that_a_backup_would_write(rich: Path) -> None:
    """All topmost elements of a course are looked at, but those of the course's settings."""
    course = restore(rich).course
    empty_course(course, keep_enrolments=False, keep_groups=False)
    own = {element.table for element, _ in tops() if element.parent is Course and len(element.path) == 2}
    with connection.cursor() as cursor:
        for element, condition in tops():
            if element.table in own or element.item_type == "question_category":
                continue
            cursor.execute(
                f'SELECT count(*) FROM "{element.table}" t WHERE {condition.format(row="t")}',
                {"course": course.pk},
            )
            assert cursor.fetchone()[0] == 0, element.table


def test_opaque_content_of_the_old_course_goes(course: Course, tmp_path: Path) -> None:
    OpaqueMember.objects.create(course=course, path="course/plugin.xml", content=b"<plugin/>")
    OpaqueElement.objects.create(course=course, item_type="group", record=1, xml="<old/>")
    OpaqueElement.objects.create(course=course, item_type="course", record=course.pk, xml="<ours/>")
    change_course(course, summary="Ours")
    replaced(tmp_path / "whole.mbz", course)
    assert not OpaqueMember.objects.filter(course=course, path="course/plugin.xml").exists()
    assert list(OpaqueElement.objects.filter(course=course).values_list("xml", flat=True)) == ["<ours/>"]
    course.refresh_from_db()
    assert course.summary == "Ours"
    assert Context.objects.exists()
