"""Workshops: all strategies, examples, allocations and overrides of grades."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from archive.container import open_archive
from courses import structure
from courses.activities.workshop import activity, examples, grades, settings, strategies, submissions
from courses.activities.workshop.activity import Workshop
from courses.content import Content
from courses.models import Course, File, User
from courses.structure import Model
from tests.courses.activities import scene
from tests.jobs_done import back_up, compared, restore

pytestmark = pytest.mark.django_db(transaction=True)

STRATEGIES = ("Accumulative", "Comments", "Numerrors", "Rubric")


def _models() -> list[Model]:
    rooms = {room.__name__ for room in (activity, strategies, settings, examples, submissions, grades)}
    return [model for model in structure.archived_models() if model.__module__ in rooms]


def _rate(assessment: object, kind: str, workshop: Content) -> None:
    """A grade of each strategy in an assessment."""
    for strategy in STRATEGIES:
        dimension = getattr(strategies, f"Workshop{strategy}Dimension").objects.get(workshop=workshop)
        columns: dict[str, Any] = {} if strategy == "Comments" else {"grade": Decimal("1.5")}
        if strategy != "Rubric":
            columns["peercomment"] = f"{kind} {strategy} <&>"
        model = getattr(grades, f"Workshop{strategy}{kind}Grade")
        model.objects.create(assessment=assessment, dimensionid=dimension.pk, **columns)


def _workshop(course: Course, teacher: User, student: User) -> Workshop:
    """A workshop with a record of every kind."""
    workshop = scene.activity(course, Workshop, name="W", strategy="rubric", submissionend=1_700_000_100)
    strategies.WorkshopAccumulativeDimension.objects.create(
        workshop=workshop, description="A", grade=10, weight=2
    )
    strategies.WorkshopCommentsDimension.objects.create(workshop=workshop, description="C")
    strategies.WorkshopNumerrorsMap.objects.create(workshop=workshop, nonegative=1, grade=Decimal("66.66667"))
    strategies.WorkshopNumerrorsDimension.objects.create(workshop=workshop, grade0="No", grade1="Yes")
    strategies.WorkshopRubricConfig.objects.create(workshop=workshop, layout="grid")
    criterion = strategies.WorkshopRubricDimension.objects.create(workshop=workshop, description="R")
    for grade in (0, 5):
        strategies.WorkshopRubricLevel.objects.create(
            dimension=criterion, grade=grade, definition=f"level {grade}"
        )
    settings.WorkshopBestSettings.objects.create(workshop=workshop, comparison=9)
    settings.WorkshopScheduledAllocation.objects.create(
        workshop=workshop, enabled=1, submissionend=1_700_000_100, settings='{"numofreviews":"5"}'
    )
    example = examples.WorkshopExampleSubmission.objects.create(workshop=workshop, title="Example")
    reference = examples.WorkshopReferenceAssessment.objects.create(submission=example, grade=80)
    practice = examples.WorkshopExampleAssessment.objects.create(submission=example, reviewerid=student.pk)
    work = submissions.WorkshopSubmission.objects.create(
        workshop=workshop, authorid=student.pk, title="Work", gradeover=50, gradeoverby=teacher.pk
    )
    review = submissions.WorkshopAssessment.objects.create(
        submission=work, reviewerid=teacher.pk, gradinggradeover=40, gradinggradeoverby=teacher.pk
    )
    submissions.WorkshopAggregation.objects.create(workshop=workshop, userid=student.pk, gradinggrade=12)
    for assessment, kind in ((reference, "Reference"), (practice, "Example"), (review, "")):
        _rate(assessment, kind, workshop)
        scene.file(
            workshop, "mod_workshop/overallfeedback_attachment", assessment.pk, f"{kind or 'Review'}.txt"
        )
    scene.file(workshop, "mod_workshop/submission_content", example.pk, "example.txt")
    scene.file(workshop, "mod_workshop/submission_content", work.pk, "work.txt")
    assert isinstance(workshop, Workshop)
    return workshop


@pytest.fixture
def people() -> tuple[User, User]:
    """A teacher and a student."""
    return scene.person("tina"), scene.person("sam")


@pytest.fixture
def course() -> Course:
    """A course without activities."""
    return scene.course()


def test_every_kind_of_record_comes_back(course: Course, people: tuple[User, User], tmp_path: Path) -> None:
    _workshop(course, *people)
    assert [model.__name__ for model in _models() if not model._base_manager.exists()] == []
    before = {model: model._base_manager.count() for model in _models()}
    first = back_up(course, tmp_path / "first.mbz")
    restored = restore(first).course
    assert {model: model._base_manager.count() for model in _models()} == {
        m: 2 * n for m, n in before.items()
    }
    assert compared(first, back_up(restored, tmp_path / "second.mbz")).equal


def test_grades_are_of_the_new_workshops_dimensions(
    course: Course, people: tuple[User, User], tmp_path: Path
) -> None:
    _workshop(course, *people)
    new = Workshop.objects.get(owner__course=scene.again(course, tmp_path))
    for strategy in STRATEGIES:
        dimension = getattr(strategies, f"Workshop{strategy}Dimension").objects.get(workshop=new)
        for kind in ("Reference", "Example", ""):
            model = getattr(grades, f"Workshop{strategy}{kind}Grade")
            assert model.objects.get(assessment__submission__workshop=new).dimensionid == dimension.pk


def test_who_overrode_a_grade_is_kept(course: Course, people: tuple[User, User], tmp_path: Path) -> None:
    _workshop(course, *people)
    old = people[0].pk
    restored = scene.again(course, tmp_path, forget=people)
    tina = User.objects.get(username="tina").pk
    assert tina != old
    assert submissions.WorkshopSubmission.objects.get(workshop__owner__course=restored).gradeoverby == tina
    review = submissions.WorkshopAssessment.objects.get(submission__workshop__owner__course=restored)
    assert (review.reviewerid, review.gradinggradeoverby) == (tina, tina)


def test_examples_and_submissions_never_have_the_same_number(
    course: Course, people: tuple[User, User]
) -> None:
    workshop = _workshop(course, *people)
    for _ in range(3):
        examples.WorkshopExampleSubmission.objects.create(workshop=workshop)
        submissions.WorkshopSubmission.objects.create(workshop=workshop)
    own = set(examples.WorkshopExampleSubmission.objects.values_list("pk", flat=True))
    assert len(own) == 4
    assert not own & set(submissions.WorkshopSubmission.objects.values_list("pk", flat=True))


def test_files_of_an_example_and_of_a_work_stay_with_them(
    course: Course, people: tuple[User, User], tmp_path: Path
) -> None:
    _workshop(course, *people)
    restored = scene.again(course, tmp_path)
    items = dict(
        File.objects.filter(course=restored, filearea="submission_content").values_list("filename", "itemid")
    )
    example = examples.WorkshopExampleSubmission.objects.get(workshop__owner__course=restored)
    work = submissions.WorkshopSubmission.objects.get(workshop__owner__course=restored)
    assert items == {"example.txt": example.pk, "work.txt": work.pk}


@pytest.mark.parametrize("when", ["backup", "restore"])
def test_without_people_the_teachers_examples_come_and_nobodys_work_does(
    course: Course, people: tuple[User, User], tmp_path: Path, when: str
) -> None:
    _workshop(course, *people)
    off: dict[str, Any] = {"users": "0"}
    path = back_up(course, tmp_path / "a.mbz", **(off if when == "backup" else {}))
    restored = restore(path, **(off if when == "restore" else {})).course
    names = set(File.objects.filter(course=restored).values_list("filename", flat=True))
    assert names == {"example.txt", "Reference.txt"}
    assert examples.WorkshopReferenceAssessment.objects.filter(
        submission__workshop__owner__course=restored
    ).exists()
    assert not submissions.WorkshopSubmission.objects.filter(workshop__owner__course=restored).exists()
    practice = examples.WorkshopExampleAssessment.objects.filter(submission__workshop__owner__course=restored)
    assert not practice.exists()


def test_the_end_of_submissions_moves_with_the_course_also_where_work_is_given_out_by_itself(
    course: Course, people: tuple[User, User], tmp_path: Path
) -> None:
    _workshop(course, *people)
    restored = scene.again(course, tmp_path, course_startdate=str(1_700_000_000 + 1000))
    workshop = Workshop.objects.get(owner__course=restored)
    scheduled = settings.WorkshopScheduledAllocation.objects.get(workshop=workshop)
    assert (workshop.submissionend, scheduled.submissionend) == (1_700_001_100, 1_700_001_100)
    assert scheduled.settings == '{"numofreviews":"5"}'


def test_dimensions_stand_before_the_grades_as_moodle_reads_them(
    course: Course, people: tuple[User, User], tmp_path: Path
) -> None:
    workshop = _workshop(course, *people)
    path = back_up(course, tmp_path / "a.mbz")
    with open_archive(path) as archive:
        root = etree.fromstring(archive.read(f"activities/workshop_{workshop.owner_id}/workshop.xml"))
    nested = [str(child.tag) for child in root[0] if len(child)]
    assert nested[:4] == [f"subplugin_workshopform_{strategy.lower()}_workshop" for strategy in STRATEGIES]
    assert nested[-3:] == ["examplesubmissions", "submissions", "aggregations"]


def test_workshops_of_moodle_come_in_whole(fixtures: Path) -> None:
    path = fixtures / "rich1-users.mbz"
    restored = restore(path).course
    first = scene.numbers(path, "activities/workshop_714/workshop.xml")
    second = scene.numbers(path, "activities/workshop_715/workshop.xml")
    one, other = Workshop.objects.filter(owner__course=restored).order_by("pk")
    assert submissions.WorkshopSubmission.objects.filter(workshop=one).count() == first["submission"]
    reviews = submissions.WorkshopAssessment.objects.filter(submission__workshop=one)
    assert reviews.count() == first["assessment"]
    rated = grades.WorkshopAccumulativeGrade.objects.filter(assessment__in=reviews)
    assert rated.count() == first["workshopform_accumulative_grade"]
    dimensions = strategies.WorkshopAccumulativeDimension.objects.filter(workshop=one)
    assert set(rated.values_list("dimensionid", flat=True)) == set(dimensions.values_list("pk", flat=True))
    levels = strategies.WorkshopRubricLevel.objects.filter(dimension__workshop=other)
    assert levels.count() == second["workshopform_rubric_level"]
