"""Sections and activities are made, changed, moved and removed by doors that leave nothing behind."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from django.core.exceptions import FieldDoesNotExist
from django.db import connection

from archive.errors import UsageError
from courses import registry, structure
from courses.activities.forum import Forum
from courses.activities.quiz import QuestionReference
from courses.changes import (
    change_activity,
    change_course,
    change_section,
    create_activity,
    create_section,
    delete_activity,
    delete_section,
    move_activity,
    move_section,
)
from courses.models import (
    Activity,
    Block,
    Category,
    Context,
    Course,
    File,
    OpaqueElement,
    Role,
    Section,
    User,
)
from courses.models.questions import QuestionBankEntry
from courses.services import create_course, delete_course, outline
from tests.exhaustive import Exhaustive

pytestmark = pytest.mark.django_db

OF_THE_SITE: tuple[Any, ...] = (Category, User, Role)
"""Models whose rows, and what nests in them, stay when a course goes."""


@pytest.fixture
def course() -> Course:
    return create_course("C", "A course")


def first_section(course: Course) -> Section:
    return Section.objects.get(course=course, number=0)


def titles(section: Section) -> list[str]:
    """The titles of a section's activities in their order."""
    line = next(line for line in outline(section.course).sections if line.id == section.pk)
    return [activity.title for activity in line.activities]


@pytest.mark.parametrize("modulename", sorted(registry.activity_types()))
def test_an_activity_of_each_type_can_be_made_and_removed(course: Course, modulename: str) -> None:
    before = counts()
    activity = create_activity(course, first_section(course), modulename, "New one")
    content = registry.activity_types()[modulename]._default_manager.get(owner=activity)
    assert content.pk == activity.instance
    assert titles(first_section(course)) == ["New one"]
    delete_activity(activity)
    assert counts() == before
    assert titles(first_section(course)) == []


def test_columns_of_the_type_can_be_given_and_changed(course: Course) -> None:
    activity = create_activity(course, first_section(course), "forum", "Talk", intro="<p>Hello</p>")
    change_activity(activity, name="Talk more", intro="<p>Bye</p>")
    forum = Forum.objects.get(owner=activity)
    assert (forum.name, forum.intro) == ("Talk more", "<p>Bye</p>")
    assert titles(first_section(course)) == ["Talk more"]
    with pytest.raises(TypeError):
        create_activity(course, first_section(course), "forum", "Talk", nonsense=1)
    with pytest.raises(FieldDoesNotExist):
        change_activity(activity, nonsense=1)


def test_courses_and_sections_can_be_changed(course: Course) -> None:
    change_course(course, fullname="Another name")
    change_section(first_section(course), name="Beginning")
    assert Course.objects.get(pk=course.pk).fullname == "Another name"
    assert first_section(course).name == "Beginning"


def test_a_type_that_nobody_describes_is_refused(course: Course) -> None:
    with pytest.raises(UsageError, match="No installed app describes"):
        create_activity(course, first_section(course), "unheard", "X")


def test_a_section_of_another_course_is_refused(course: Course) -> None:
    other = first_section(create_course("D", "Another"))
    with pytest.raises(UsageError, match="is not one of the course"):
        create_activity(course, other, "page", "X")
    page = create_activity(course, first_section(course), "page", "X")
    with pytest.raises(UsageError, match="is not one of the course"):
        move_activity(page, other)


def test_activities_move_within_and_between_sections(course: Course) -> None:
    top, week = first_section(course), create_section(course, "Week")
    one, two, three = (create_activity(course, top, "page", name) for name in ("one", "two", "three"))
    move_activity(three, top, before=one)
    assert titles(top) == ["three", "one", "two"]
    move_activity(one, week)
    move_activity(two, week, before=one)
    assert (titles(top), titles(week)) == (["three"], ["two", "one"])
    with pytest.raises(UsageError, match="is not in the section"):
        move_activity(one, top, before=two)


def test_sections_move_and_keep_numbers_without_gaps(course: Course) -> None:
    a, b, c = (create_section(course, name) for name in "ABC")
    move_section(c, 1)
    assert names(course) == [None, "C", "A", "B"]
    with pytest.raises(UsageError, match="numbers 1 to 3"):
        move_section(a, 4)
    with pytest.raises(UsageError, match="section 0"):
        move_section(first_section(course), 1)
    delete_section(a)
    assert names(course) == [None, "C", "B"]
    assert list(numbers(course)) == [0, 1, 2]
    assert b.pk in {section.pk for section in Section.objects.filter(course=course)}


def names(course: Course) -> list[Any]:
    return list(Section.objects.filter(course=course).order_by("number").values_list("name", flat=True))


def numbers(course: Course) -> Iterable[int]:
    return Section.objects.filter(course=course).order_by("number").values_list("number", flat=True)


def test_an_activity_that_owns_a_section_brings_and_takes_it(course: Course) -> None:
    before = counts()
    part = create_activity(course, first_section(course), "subsection", "Part")
    inner = Section.objects.get(course=course, component="mod_subsection")
    assert (inner.name, inner.itemid) == ("Part", part.instance)
    page = create_activity(course, inner, "page", "Inside")
    change_activity(part, name="Chapter")
    inner.refresh_from_db()
    assert inner.name == "Chapter"
    with pytest.raises(UsageError, match="is inside the activity"):
        move_activity(part, inner)
    delete_activity(part)
    assert not Activity.objects.filter(pk=page.pk).exists()
    assert counts() == before


def counts() -> dict[str, int]:
    """How many rows each table of the course's world has; contexts only give out numbers."""
    models: list[Any] = [*structure.archived_models(), OpaqueElement]
    return {model._meta.label: model._base_manager.count() for model in models if model is not Context}


def test_of_an_activity_with_every_record_nothing_is_left() -> None:
    made = Exhaustive(1)
    course = made.make()
    for modulename in registry.activity_types():
        for activity in Activity.objects.filter(course=course, modulename=modulename):
            OpaqueElement.objects.create(
                course=course, item_type=modulename, record=activity.instance, xml="<more/>"
            )
            OpaqueElement.objects.create(
                course=course, item_type="activity:module.xml", record=activity.pk, xml="<more/>"
            )
    activities = list(Activity.objects.filter(course=course))
    contexts = {activity.contextid for activity in activities}
    contexts |= set(Block.objects.filter(activity__in=activities).values_list("contextid", flat=True))
    for section in Section.objects.filter(course=course, component=None):
        for activity in Activity.objects.filter(section=section):
            free_questions(activity)
            delete_activity(activity)
    left = [
        one for one in structure.archived_models() if under_an_activity(one) and one._base_manager.exists()
    ]
    assert left == []
    assert not File.objects.filter(contextid__in=contexts).exists()
    assert not OpaqueElement.objects.exists()
    for model in structure.archived_models():
        for path in model.archive_paths():
            if path.parent_column == "contextid":
                assert not model._base_manager.filter(**{f"{path.column}__in": contexts}).exists()


def free_questions(activity: Activity) -> None:
    """Let nothing outside an activity use its questions: the exhaustive course refers from anywhere to anywhere."""
    with connection.cursor() as cursor:
        for table in ("courses_questionreference", "courses_questionsetreference"):
            cursor.execute(f"DELETE FROM {table} WHERE usingcontextid <> %s", [activity.contextid])


def under_an_activity(model: structure.Model) -> bool:
    """True for models of which every row is in some activity's own member."""
    tops = [structure.element(content) for content in registry.activity_types().values()]
    return any(model is element.model for top in tops for element in top.walk())


def test_what_others_use_is_not_removed() -> None:
    made = Exhaustive(1)
    course = made.make()
    activity = Activity.objects.filter(course=course).first()
    assert activity is not None
    other = Activity.objects.filter(course=course).exclude(pk=activity.pk).first()
    assert other is not None
    reference = QuestionReference.objects.first()
    assert reference is not None
    entry = QuestionBankEntry.objects.get(pk=reference.questionbankentryid)
    entry.category.contextid = activity.contextid
    entry.category.save()
    QuestionReference.objects.filter(pk=reference.pk).update(usingcontextid=other.contextid)
    with pytest.raises(UsageError, match="uses questions of what is to be removed"):
        delete_activity(activity)


def test_of_a_removed_course_nothing_is_left() -> None:
    before = counts()
    course = Exhaustive(2).make()
    delete_course(course)
    after = counts()
    of_the_site = {element.model._meta.label for model in OF_THE_SITE for element in tops_of(model)}
    left = {label: number for label, number in after.items() if number != before[label]}
    assert left.keys() <= of_the_site


def tops_of(model: structure.Model) -> Iterable[structure.Element]:
    """The elements of a model's rows and of all that nests in them or in members of theirs."""
    yield from structure.element(model).walk()
    for member in structure.members_of(model):
        for element in structure.elements_of(structure.elements_in(model, member)):
            yield from element.walk()
