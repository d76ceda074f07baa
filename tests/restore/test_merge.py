"""A course archive that is added to a course: what comes in, what stays, and what there is only one of."""

from __future__ import annotations

from pathlib import Path

import pytest

from courses.activities.forum import Forum
from courses.changes import change_section, create_activity, create_section
from courses.models import Activity, Block, Context, Course, Section, UserEnrolment
from courses.models.completion import CompletionCriterion
from courses.models.files import File
from courses.models.filters import FilterActive
from courses.models.grades import GradeCategory, GradeGrade, GradeItem, GradeSetting
from courses.models.groups import Group
from courses.services import create_course
from courses.structure import archived_models
from restore.single_rows import same_values
from tests.archives_made import Change, small
from tests.jobs_done import back_up, compared, faults, restore

# Also a test that runs alone has its database made.
pytestmark = pytest.mark.usefixtures("transactional_db")


@pytest.fixture
def transactional_db(standing: None) -> None:
    """The tests of this module share a database."""


def of_course(course: Course) -> dict[str, int]:
    """The numbers of rows of what a course has once, by model."""
    return {
        "categories": GradeCategory.objects.filter(course=course).count(),
        "items without an activity": GradeItem.objects.filter(course=course, activity=None).count(),
        "grades of these": GradeGrade.objects.filter(item__course=course, item__activity=None).count(),
        "settings of the gradebook": GradeSetting.objects.filter(course=course).count(),
        "criteria": CompletionCriterion.objects.filter(within=course).count(),
        "filters": FilterActive.objects.filter(contextid=course.contextid).count(),
        "groups": Group.objects.filter(course=course).count(),
        "plain sections": course.sections.filter(component=None).count(),
        "files of the course": File.objects.filter(contextid=course.contextid, component="course").count(),
    }


def test_what_a_course_has_once_is_there_once_after_two_merges(rich: Path) -> None:
    course = restore(rich).course
    before, activities, blocks = of_course(course), course.activities.count(), course.blocks.count()
    for times in (2, 3):
        done = restore(rich, target={"course": course.pk})
        assert done.course == course
        assert of_course(course) == before
        assert course.activities.count() == times * activities
        assert course.blocks.count() < times * blocks
        assert "criteria-stay" in done.findings
    numbers = list(course.sections.order_by("number").values_list("number", flat=True))
    assert numbers == list(range(len(numbers)))
    for section in course.sections.all():
        listed = [int(number) for number in (section.sequence or "").split(",") if number]
        assert sorted(listed) == sorted(section.activities.values_list("pk", flat=True))
    assert faults(back_up(course, rich.with_name("merged.mbz"))) == []


def test_a_course_merged_into_an_empty_one_is_the_same_but_for_its_settings(
    rich: Path, tmp_path: Path
) -> None:
    course = create_course("EMPTY", "An empty course")
    restore(rich, target={"course": course.pk})
    course.refresh_from_db()
    assert (course.shortname, course.fullname) == ("EMPTY", "An empty course")
    differences = compared(rich, back_up(course, tmp_path / "b.mbz", logs=1, grade_histories=1)).totals
    assert {name for name in differences if " course/course.xml " not in f" {name} "} == {
        "file files",
        "record */inforef.xml file",
        "record files.xml files/file",
        "value moodle_backup.xml moodle_backup/information/original_course_enddate",
        "value moodle_backup.xml moodle_backup/information/original_course_startdate",
        "value roles.xml roles_definition/role/nameincourse",
        "value sections/section/section.xml section/timemodified",
    }
    areas = set(File.objects.filter(contextid=course.contextid, component="course").values_list("filearea"))
    assert not areas & {("summary",), ("overviewfiles",)}


def test_the_settings_of_the_course_come_only_when_asked_for(course: Course, tmp_path: Path) -> None:
    changes: dict[str, Change] = {"course/course.xml": ("<format>topics</format>", "<format>weeks</format>")}
    path = small(tmp_path / "a.mbz", changes)
    restore(path, target={"course": course.pk})
    course.refresh_from_db()
    assert course.format == "topics"
    restore(path, target={"course": course.pk}, overwrite_conf=1)
    course.refresh_from_db()
    assert course.format == "weeks"


def test_all_settings_of_the_rich_course_come_with_overwrite_conf(rich: Path, tmp_path: Path) -> None:
    course = create_course("EMPTY2", "An empty course")
    restore(rich, target={"course": course.pk}, overwrite_conf=1)
    differences = compared(rich, back_up(course, tmp_path / "b.mbz", logs=1, grade_histories=1)).totals
    of_its_own = ("name", "startdate", "enddate", "idnumber", "timemodified")
    assert [name for name in differences if not name.endswith(of_its_own)] == []


def test_a_section_keeps_its_name_and_text_and_gets_those_that_it_lacks(
    course: Course, tmp_path: Path
) -> None:
    [section] = course.sections.all()
    changes: dict[str, Change] = {
        "sections/section_21/section.xml": ("<name>Start</name>", "<name>Theirs</name>")
    }
    path = small(tmp_path / "a.mbz", changes)
    change_section(section, name=None)
    restore(path, target={"course": course.pk})
    section.refresh_from_db()
    assert section.name == "Theirs"
    change_section(section, name="Ours", summary="Our text")
    restore(path, target={"course": course.pk})
    section.refresh_from_db()
    assert (section.name, section.summary) == ("Ours", "Our text")
    restore(path, target={"course": course.pk}, overwrite_conf=1)
    section.refresh_from_db()
    assert section.name == "Theirs"
    assert course.sections.count() == 1


def test_conditions_of_a_section_that_stays_keep_their_ids(course: Course, tmp_path: Path) -> None:
    page = course.activities.get(modulename="page")
    [section] = course.sections.all()
    condition = f'{{"op":"&","c":[{{"type":"completion","cm":{page.pk},"e":1}}],"showc":[true]}}'
    change_section(section, availabilityjson=condition, summary="Ours")
    restore(small(tmp_path / "a.mbz"), target={"course": course.pk})
    section.refresh_from_db()
    assert section.availabilityjson == condition


def test_a_nested_section_is_never_merged_with(course: Course, tmp_path: Path) -> None:
    first = course.sections.get()
    create_activity(course, first, "subsection", "Nested")
    nested = course.sections.exclude(pk=first.pk).get()
    Section.objects.filter(pk=nested.pk).update(number=0)
    Section.objects.filter(pk=first.pk).update(number=1)
    restore(small(tmp_path / "a.mbz"), target={"course": course.pk})
    assert not Activity.objects.filter(section=nested).exists()


def test_an_equal_block_does_not_come_again_and_another_does(course: Course, tmp_path: Path) -> None:
    for configuration in ("", "Tzo4OiJzdGRDbGFzcyI6MDp7fQ=="):
        Block.objects.create(
            course=course,
            contextid=Context.objects.create().pk,
            parentcontextid=course.contextid,
            blockname="html",
            pagetypepattern="course-view-*",
            defaultregion="side-pre",
            configdata=configuration,
        )
    path = back_up(course, tmp_path / "a.mbz")
    before = course.blocks.count()
    restore(path, target={"course": course.pk})
    assert course.blocks.count() == before
    Block.objects.filter(course=course, blockname="html").update(defaultregion="side-post")
    restore(path, target={"course": course.pk})
    assert course.blocks.count() == before + 2


def test_a_second_course_is_added_behind_the_sections_that_are_there(rich: Path, tmp_path: Path) -> None:
    course = create_course("OTHER", "Another course")
    create_section(course, "Ours")
    create_activity(course, course.sections.get(number=1), "page", "Our page")
    restore(rich, target={"course": course.pk})
    assert course.sections.get(number=1).name == "Ours"
    first = course.sections.get(number=1)
    assert (first.sequence or "").split(",")[0] == str(course.activities.get(title="Our page").pk)


@pytest.mark.parametrize("number", [0, 1])
def test_an_activity_goes_into_the_section_of_its_number(course: Course, tmp_path: Path, number: int) -> None:
    """The second section, or the first one where there is no second."""
    forum = course.activities.get(modulename="forum")
    create_section(course, "Second")
    Activity.objects.filter(pk=forum.pk).update(section=course.sections.get(number=1))
    path = back_up(course, tmp_path / "a.mbz", archive_type="activity", item=forum.pk)
    other = create_course("OTHER3", "Another course")
    for _ in range(2 * number):
        create_section(other, "More")
    restore(path, target={"course": other.pk})
    assert other.activities.get().section.number == number


def test_an_activity_comes_to_the_position_that_is_asked_for(course: Course, tmp_path: Path) -> None:
    page = course.activities.get(modulename="page")
    path = back_up(course, tmp_path / "a.mbz", archive_type="activity", item=page.pk)
    [section] = course.sections.all()
    before = [int(number) for number in (section.sequence or "").split(",")]
    restore(path, target={"course": course.pk, "section": section.pk, "position": 2})
    section.refresh_from_db()
    new = course.activities.latest("pk").pk
    assert section.sequence == f"{before[0]},{new},{before[1]}"


def test_the_grade_item_of_an_activity_goes_into_the_tree_of_the_course(rich: Path, tmp_path: Path) -> None:
    source = restore(rich).course
    quiz = source.activities.filter(modulename="quiz").order_by("pk").first()
    assert quiz is not None
    path = back_up(source, tmp_path / "a.mbz", archive_type="activity", item=quiz.pk)
    for course in (source, create_course("TREE", "A course without grades")):
        restore(path, target={"course": course.pk})
        fresh = course.activities.latest("pk")
        top = GradeCategory.objects.get(course=course, parent=None)
        items = GradeItem.objects.filter(activity=fresh)
        assert items
        assert {item.categoryid for item in items} == {top.pk}
        assert GradeItem.objects.filter(course=course, itemtype="course").count() == 1
    assert faults(back_up(course, tmp_path / "b.mbz")) == []


def test_a_section_is_merged_with_the_one_that_is_named(course: Course, tmp_path: Path) -> None:
    create_section(course, "Second")
    path = back_up(course, tmp_path / "a.mbz", archive_type="section", item=course.sections.get(number=0).pk)
    restore(path, target={"course": course.pk, "section": course.sections.get(number=1).pk})
    assert [section.activities.count() for section in course.sections.order_by("number")] == [2, 2]
    restore(path, target={"course": course.pk})
    assert [section.activities.count() for section in course.sections.order_by("number")] == [4, 2]
    assert Forum.objects.filter(owner__course=course).count() == 3


def test_people_are_enrolled_once_when_their_methods_do_not_come(rich: Path) -> None:
    course = create_course("PEOPLE", "A course")
    for _ in range(2):
        restore(rich, target={"course": course.pk}, enrolments="never")
        found = UserEnrolment.objects.filter(enrol__course=course)
        assert set(found.values_list("enrol__enrol", flat=True)) == {"manual"}
        assert found.count() == len(set(found.values_list("userid", flat=True))) > 30


def test_a_name_that_two_groups_have_is_told_once(course: Course, tmp_path: Path) -> None:
    """The finding is that of matching: a record says something else under the same name."""
    path = back_up(course, tmp_path / "a.mbz")
    Group.objects.filter(course=course).update(description="Changed")
    done = restore(path, target={"course": course.pk})
    names = set(Group.objects.filter(course=course).values_list("name", flat=True))
    told = [one for one in done.job.findings.all() if any(f"“{name}”" in one.message for name in names)]
    assert {one.code for one in told} == {"differs-from-course"}
    assert "same-name" not in done.findings


def test_an_id_number_that_two_activities_have_is_told(course: Course, tmp_path: Path) -> None:
    Activity.objects.filter(course=course, modulename="page").update(idnumber="P-1")
    done = restore(back_up(course, tmp_path / "a.mbz"), target={"course": course.pk})
    [finding] = done.job.findings.filter(code="same-idnumber")
    assert finding.message.startswith("“P-1” is the ID number of an activity in this course already")


def test_rows_of_which_a_course_has_one_are_found_without_comparing_each_with_every_other() -> None:
    """The columns are compared by `=`, which PostgreSQL looks up; `IS NOT DISTINCT FROM` is for columns that may be NULL."""
    models = [model for model in archived_models() if model.archive_meta.settled_key]
    assert models
    for model in models:
        assert " = " in same_values(model, "new", "old"), model
