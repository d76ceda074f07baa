"""The pages of a real course besides its activities: what a teacher looks for is there, for those who may see it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import transaction

from courses.models import Enrol, Group, OpaqueElement, User
from courses.models.grades import GradeItem
from courses.models.questions import Question, QuestionCategory
from tests.pages.rich import Rich, restored, words
from viewer.presentation import course_presentations
from viewer.records import record_groups


@pytest.fixture
def transactional_db(standing: None) -> None:
    """The restored course stands for all tests of this module."""


@pytest.fixture(scope="module")
def rich(standing: None, fixtures: Path) -> Rich:
    """The rich course that Moodle made, and people who look at it."""
    return restored(fixtures)


@pytest.fixture(autouse=True)
def untouched(transactional_db: None, rich: Rich) -> Iterator[None]:
    """Roll each test back."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


LOOKED_FOR = {
    "gradebook": [
        "Grades",
        "Course total",
        "Seán O'Brien",
        "Categories and items",
        "Category A & <x>",
        "Nested B",
        "Letters",
        "Scales",
        "Course scale",
        "Outcomes",
    ],
    "questions": [
        "Of the course",
        "Course cat A & <b>",
        "24 questions",
        "Sub cat",
        "Of an activity",
        "Quiz-context cat",
    ],
    "people": [
        "Enrolled",
        "Seán O'Brien",
        "Student",
        "With a role, and not enrolled",
        "Ways into the course",
        "By hand",
        "Welcome",
    ],
    "groups": ["Groups", "Alpha", "members", "Groupings", "Grouping One"],
    "completion": ["What it takes", "Grade of the course", "The course", "The activities"],
    "badges": [
        "Badge <one>",
        "issuer@example.com",
        "Image author",
        "Activities completed",
        "https://claim.example",
        "Given by hand to",
        "Badge two",
    ],
    "calendar": ["Course event", "Group event", "Repeated"],
    "blocks": ["HTML page1", "block page1", "Calendar month", "Random", "Glossary Glossary1", "Quiz1"],
    "bank": ["Content bank", "H5P"],
    "competencies": ["Competencies of the course"],
    "everything": [
        "Settings",
        "RICH1",
        "topics",
        "C++ & more",
        "Fields of the site",
        "area & text",
        "Comments",
        "Course comment",
        "All records",
    ],
}


def address(rich: Rich, name: str) -> str:
    return f"/course/{rich.course.pk}/{name}/"


@pytest.mark.parametrize("name", LOOKED_FOR)
def test_what_a_teacher_looks_for_is_on_the_page(rich: Rich, name: str) -> None:
    said = words(rich.page(address(rich, name)))
    at = 0
    for looked_for in LOOKED_FOR[name]:
        assert looked_for in said[at:], looked_for
        at = said.index(looked_for, at)


def test_the_page_of_a_course_has_the_texts_and_limits_of_its_sections(rich: Rich) -> None:
    said = words(rich.page(f"/course/{rich.course.pk}/"))
    for number in range(5):
        assert f"Summary {number}" in said
    assert "Only when from 1 Jan 2025" in said


def test_a_person_has_a_page_with_the_profile_and_the_place_in_the_course(rich: Rich) -> None:
    person = User.objects.get(email="rich1.s04@example.com")
    page = rich.page(address(rich, "people"))
    assert f'href="/course/{rich.course.pk}/person/{person.pk}/"' in page
    said = words(rich.page(f"/course/{rich.course.pk}/person/{person.pk}/"))
    for looked_for in (
        "Seán O'Brien",
        "Student",
        "Бета",
        "rich1.s04@example.com",
        "About me",
        "dept",
        "ID-4",
    ):
        assert looked_for in said
    assert str(person.password) not in said
    stranger = User.objects.create_user("page.stranger", "stranger@example.org", "x")
    assert rich.status(f"/course/{rich.course.pk}/person/{stranger.pk}/", by=rich.manager) == 404


def test_a_formula_names_the_items_that_it_counts_with(rich: Rich) -> None:
    item = GradeItem.objects.filter(course=rich.course).exclude(calculation=None).exclude(calculation="")[0]
    assert "##gi" in str(item.calculation)
    said = words(rich.page(address(rich, "gradebook")))
    assert "Calculation =average([" in said
    assert "##gi" not in said


def test_the_pages_are_reached_from_the_course_and_from_each_other(rich: Rich) -> None:
    assert set(LOOKED_FOR) == set(course_presentations())
    for page in (rich.page(f"/course/{rich.course.pk}/"), rich.page(address(rich, "badges"))):
        for name in LOOKED_FOR:
            assert f'href="{address(rich, name)}"' in page
    assert rich.status(address(rich, "nonsense"), by=rich.manager) == 404


def test_all_records_of_the_course_itself_can_be_reached(rich: Rich) -> None:
    page = rich.page(address(rich, "everything"))
    for one in record_groups(rich.course):
        if one.rows().exists():
            assert f'href="/course/{rich.course.pk}/records/{one.name}/"' in page
            rich.page(f"/course/{rich.course.pk}/records/{one.name}/")


def test_every_question_is_shown_with_its_type_version_and_answers(rich: Rich) -> None:
    shown: set[int] = set()
    said = ""
    for category in QuestionCategory.objects.filter(course=rich.course):
        for number in range(1, 4):
            page = rich.page(f"/course/{rich.course.pk}/category/{category.pk}/?page-questions={number}")
            shown |= {int(pk) for pk in re.findall(r'id="q(\d+)"', page)}
            said += words(page)
    assert shown == set(
        Question.objects.filter(version__entry__category__course=rich.course).values_list("pk", flat=True)
    )
    for looked_for in (
        "Multiple choice",
        "Version 2",
        "Answer 100 %",
        "Hint 1",
        "Match pair",
        "Image drop",
        "Essay option",
    ):
        assert looked_for in said


def test_what_is_kept_word_for_word_of_a_question_or_an_activity_is_said(rich: Rich) -> None:
    question = Question.objects.filter(version__entry__category__course=rich.course, qtype="essay")[0]
    quiz = rich.activity("Quiz1")
    OpaqueElement.objects.create(
        course=rich.course, item_type="question", record=question.pk, xml="<a/>" * 300
    )
    OpaqueElement.objects.create(course=rich.course, item_type="quiz", record=quiz.instance, xml="<b/>")
    category = question.version.entry.category_id
    said = " ".join(
        words(rich.page(f"/course/{rich.course.pk}/category/{category}/?page-questions={number}"))
        for number in (1, 2, 3)
    )
    assert "Preserved as it is 1.2 kB" in said
    assert "Elements of quiz.xml that are not described 4 B" in words(rich.page(f"/activity/{quiz.pk}/"))


def test_an_item_of_the_gradebook_shows_all_grades_with_feedback(rich: Rich) -> None:
    item = GradeItem.objects.get(course=rich.course, activity=rich.activity("Assign1"), itemnumber=0)
    said = words(rich.page(f"/course/{rich.course.pk}/grades/{item.pk}/"))
    for looked_for in ("Feedback 1", "Overridden", "Raw grade", "Given by"):
        assert looked_for in said


def test_peoples_data_is_for_those_with_the_right_to_it(rich: Rich) -> None:
    names = {str(user) for user in User.objects.filter(email__istartswith="rich1.s") if len(str(user)) > 9}
    assert names
    for name in LOOKED_FOR:
        said = words(rich.page(address(rich, name), by=rich.teacher))
        assert not [one for one in names if one in said], name
    item = GradeItem.objects.filter(course=rich.course)[0]
    assert rich.status(f"/course/{rich.course.pk}/grades/{item.pk}/", by=rich.teacher) == 403
    assert rich.status(f"/course/{rich.course.pk}/records/userenrolment/", by=rich.teacher) == 403


def test_keys_of_enrolment_are_never_shown(rich: Rich) -> None:
    Enrol.objects.filter(course=rich.course).update(password="sesame-enrol")
    Group.objects.filter(course=rich.course).update(enrolmentkey="sesame-group")
    for name in ("people", "groups", "records/enrol", "records/group"):
        assert "sesame" not in rich.page(address(rich, name))


@pytest.mark.parametrize("name", ["gradebook", "people", "completion"])
def test_a_page_asks_the_database_as_often_for_few_people_as_for_many(rich: Rich, name: str) -> None:
    rich.asked(address(rich, name))
    _, first = rich.asked(address(rich, name))
    query = (
        "?page-grades=2"
        if name == "gradebook"
        else "?page-the-activities=2&page-activities=1&page-enrolled=1"
    )
    _, second = rich.asked(address(rich, name) + query)
    assert second <= first


def test_the_number_of_queries_does_not_grow_with_the_course(rich: Rich) -> None:
    for name in LOOKED_FOR:
        _, queries = rich.asked(address(rich, name))
        assert queries <= 30, (name, queries)
