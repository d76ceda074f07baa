"""The report of a restore: its numbers are those of the tables, before and after, whatever the target."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from courses import structure
from courses.activities.page import Page
from courses.changes import change_section, create_activity, delete_activity
from courses.models import Course, Section
from courses.models.grades import GradeCategory
from courses.models.groups import Group
from courses.services import create_course
from jobs.models import Job
from jobs.result_facts import facts
from tests.archives_made import Change, small
from tests.jobs_done import Restored, back_up, restore, row_counts
from tests.people_made import person
from tests.restore.test_second_time import group, groups

# Also a test that runs alone has its database made.
pytestmark = pytest.mark.usefixtures("transactional_db")


@pytest.fixture
def transactional_db(standing: None) -> None:
    """The tests of this module share a database."""


@pytest.fixture(scope="module")
def rich(standing: None, fixtures: Path) -> Course:
    """The rich course."""
    return restore(fixtures / "rich1-users.mbz").course


def counts() -> dict[str, int]:
    """The numbers of rows of all archived models, by item type."""
    rows = row_counts()
    found: Counter[str] = Counter()
    for model in structure.archived_models():
        found[structure.item_type_of(model)] += rows[model._meta.db_table]
    return dict(found)


def numbers(result: dict[str, Any], name: str) -> dict[str, int]:
    return {one["kind"]: one["number"] for one in result[name]}


def counted(source: Path, target: dict[str, Any] | None = None, **options: Any) -> Restored:
    """Restore, and check that the report says by how many rows each table has grown or shrunk."""
    before = counts()
    done = restore(source, target=target, **options)
    grown = {kind: number - before[kind] for kind, number in counts().items() if number != before[kind]}
    new, removed = numbers(done.job.result, "new"), numbers(done.job.result, "removed")
    told = {kind: new.get(kind, 0) - removed.get(kind, 0) for kind in new | removed}
    assert {kind: number for kind, number in told.items() if number} == grown
    assert numbers(done.job.result, "difference") == grown
    assert new
    assert (removed != {}) is bool((target or {}).get("replace") or options.get("overwrite_conf"))
    return done


def told(job: Job) -> dict[str, str]:
    return {fact.name: fact.text for fact in facts(job.result)}


@pytest.mark.parametrize(
    "name", ["rich1-users.mbz", "rich1-nousers.mbz", "rich1-section.mbz", "rich1-activity-forum.mbz"]
)
@pytest.mark.parametrize("into", ["a new course", "an empty course", "the course"])
def test_the_numbers_of_the_report_are_those_of_the_tables(
    rich: Course, fixtures: Path, name: str, into: str
) -> None:
    empty = create_course(f"EMPTY {name}", "An empty course") if into == "an empty course" else rich
    counted(fixtures / name, None if into == "a new course" else {"course": empty.pk})


@pytest.mark.parametrize("name", ["rich1-users.mbz", "rich1-nousers.mbz"])
@pytest.mark.parametrize("kept", [0, 1])
def test_what_a_replaced_course_loses_is_counted_by_kind(fixtures: Path, name: str, kept: int) -> None:
    course = restore(fixtures / "rich1-users.mbz").course
    options = {"keep_roles_and_enrolments": kept, "keep_groups_and_groupings": kept, "backup_first": 0}
    done = counted(fixtures / name, {"course": course.pk, "replace": True}, **options)
    assert numbers(done.job.result, "removed")["forum_post"] > 0
    assert ("group" in numbers(done.job.result, "removed")) is not bool(kept)


def test_settings_of_the_archive_that_replace_those_of_the_course_are_counted_as_removed_ones(
    rich: Course, fixtures: Path
) -> None:
    counted(fixtures / "rich1-users.mbz", {"course": rich.pk}, overwrite_conf=1)


def test_people_who_are_enrolled_by_hand_are_in_the_numbers(rich: Course, fixtures: Path) -> None:
    course = create_course("BY HAND", "A course")
    done = counted(fixtures / "rich1-users.mbz", {"course": course.pk}, enrolments="never")
    assert numbers(done.job.result, "new")["user_enrolment"] > 30


def test_a_person_who_is_left_out_is_in_no_number(tmp_path: Path) -> None:
    person("vera")
    path = small(tmp_path / "a.mbz", {"users.xml": ("<username>anna<", "<username>vera<")})
    counted(path, accounts="vera=out")


def test_new_sections_and_grade_categories_of_a_merge_are_in_the_numbers(
    rich: Course, fixtures: Path
) -> None:
    course = create_course("TREES", "A course")
    done = counted(fixtures / "rich1-users.mbz", {"course": course.pk})
    new = numbers(done.job.result, "new")
    assert new["course_section"] == course.sections.count() - 1
    assert new.get("grade_category", 0) == GradeCategory.objects.filter(course=course).count() > 0


def test_a_section_of_the_course_is_here_already_or_changed(tmp_path: Path) -> None:
    course = restore(small(tmp_path / "a.mbz")).course
    again = restore(small(tmp_path / "a.mbz"), target={"course": course.pk})
    assert numbers(again.job.result, "merged")["course_section"] == 1
    assert told(again.job)["Here already"].startswith("1 section")
    assert "Changed" not in told(again.job)
    changes: dict[str, Change] = {
        "sections/section_21/section.xml": ("<name>Start</name>", "<name>Theirs</name>")
    }
    other = restore(small(tmp_path / "b.mbz", changes), target={"course": course.pk}, overwrite_conf=1)
    assert course.sections.get().name == "Theirs"
    assert numbers(other.job.result, "changed")["course_section"] == 1
    assert "1 section" in told(other.job)["Changed"]


def test_what_differs_is_told_with_what_the_restore_does_about_it(tmp_path: Path) -> None:
    def archive(said: str) -> Path:
        found: dict[str, Change] = {"groups.xml": groups([group(41, "Red", 11, said=said)])}
        return small(tmp_path / "a.mbz", found)

    course = restore(archive("One")).course
    again = restore(archive("Another"), target={"course": course.pk})
    assert "1 groups differ from the course's and come as new ones" in told(again.job)["Changed"]
    assert Group.objects.filter(course=course).count() == 2


def test_a_replaced_course_is_compared_with_the_archive(tmp_path: Path) -> None:
    """Which activities come back, go and are added, and how many records there are more and fewer."""
    course = restore(small(tmp_path / "a.mbz")).course
    path = back_up(course, tmp_path / "b.mbz")
    delete_activity(course.activities.get(modulename="forum"))
    create_activity(course, course.sections.get(), "label", "Only here")
    done = counted(path, {"course": course.pk, "replace": True}, backup_first=0)
    said = told(done.job)
    assert said["Activities"] == (
        "1 come back under the same name; 1 of the course are not in the archive and go (“Only here”);"
        " 1 are in the archive only and are added (“News”)"
    )
    assert "4 forum posts more" in said["Difference"]
    assert "1 label fewer" in said["Difference"]
    assert done.job.result["replaced"]["changed"] == 0
    same = restore(path, target={"course": course.pk, "replace": True}, backup_first=0)
    assert told(same.job)["Activities"] == "2 come back under the same name"
    assert told(same.job)["Difference"] == "as many records of each kind as before"


def test_a_section_that_keeps_its_text_is_not_changed_by_an_archive_of_nothing_new(tmp_path: Path) -> None:
    course = restore(small(tmp_path / "a.mbz")).course
    change_section(course.sections.get(), summary="Ours")
    path = small(tmp_path / "a.mbz")
    options: dict[str, Any] = {"forum_31_included": 0, "page_32_included": 0}
    again = restore(path, target={"course": course.pk}, **options)
    assert Section.objects.get(course=course).summary == "Ours"
    assert numbers(again.job.result, "merged")["course_section"] == 1
    assert numbers(again.job.result, "changed") == {}


def test_an_activity_that_comes_back_with_another_text_is_a_changed_one(tmp_path: Path) -> None:
    course = restore(small(tmp_path / "a.mbz")).course
    path = back_up(course, tmp_path / "b.mbz")
    Page.objects.filter(owner__course=course).update(content="Another text")
    done = counted(path, {"course": course.pk, "replace": True}, backup_first=0)
    assert told(done.job)["Activities"] == (
        "2 come back under the same name; 1 of these with other settings or texts (“Reading”)"
    )


def test_no_activity_of_a_rich_course_is_changed_by_its_own_archive(rich: Course, tmp_path: Path) -> None:
    """Ids in its texts and settings are others then; all else is the same."""
    course = restore(back_up(rich, tmp_path / "a.mbz")).course
    path = back_up(course, tmp_path / "b.mbz")
    done = restore(path, target={"course": course.pk, "replace": True}, backup_first=0)
    found = done.job.result["replaced"]
    assert (found["changed_titles"], found["gone"], found["added"]) == ([], 0, 0)
    assert found["return"] == course.activities.count() > 20
