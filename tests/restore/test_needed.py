"""Chosen activities bring only what they need, and nothing that they need is lost."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archive import xml
from archive.container import open_archive
from archive.errors import UsageError
from archive.manifest import read_manifest
from courses.models import (
    Activity,
    Block,
    Course,
    Enrol,
    File,
    Group,
    Grouping,
    GroupMember,
    Role,
    RoleAssignment,
    User,
    UserEnrolment,
)
from courses.models.badges import Badge, BadgeCriterion, BadgeParameter
from courses.models.calendar import CalendarEvent
from courses.models.completion import CompletionCriterion
from courses.models.grades import GradeCategory, GradeItem, Outcome, Scale
from courses.models.groups import GroupingGroup
from courses.models.questions import Question, QuestionCategory
from courses.services import delete_course
from tests.exhaustive import Exhaustive
from tests.jobs_done import Restored, back_up, faults, restore

pytestmark = pytest.mark.django_db(transaction=True)


def only(path: Path, *owners: str) -> dict[str, Any]:
    """Return the options that leave all activities of an archive out but these: `forum_681`."""
    with open_archive(path) as archive:
        entries = read_manifest(archive).activities
    names = [f"{entry.modulename}_{entry.moduleid}" for entry in entries]
    assert set(owners) <= set(names)
    return {f"{name}_included": "0" for name in names if name not in owners}


def came(course: Course, before: int = 0) -> dict[str, int]:
    """Return how many records of each sort a course has, without those of which it has none; `before` people were there."""
    counts = {
        "activities": Activity.objects.filter(course=course),
        "questions": Question.objects.filter(version__entry__category__course=course),
        "question categories": QuestionCategory.objects.filter(course=course),
        "groups": Group.objects.filter(course=course),
        "groupings": Grouping.objects.filter(course=course),
        "members": GroupMember.objects.filter(group__course=course),
        "scales": Scale.objects.filter(course=course),
        "outcomes": Outcome.objects.filter(course=course),
        "blocks": Block.objects.filter(course=course),
        "badges": Badge.objects.filter(course=course),
        "events": CalendarEvent.objects.filter(course=course),
        "criteria": CompletionCriterion.objects.filter(within=course),
        "grade categories": GradeCategory.objects.filter(course=course),
        "grade items": GradeItem.objects.filter(course=course),
        "enrolled": UserEnrolment.objects.filter(enrol__course=course).values("userid").distinct(),
    }
    found = {name: rows.count() for name, rows in counts.items()} | {"people": User.objects.count() - before}
    return {name: number for name, number in found.items() if number}


@pytest.mark.parametrize(
    ("owner", "expected"),
    [
        ("forum_679", {"activities": 1}),
        ("forum_681", {"activities": 1, "people": 48, "enrolled": 44, "grade items": 2}),
        ("forum_682", {"activities": 1, "people": 21, "enrolled": 21}),
        ("forum_683", {"activities": 1, "people": 1}),
        (
            "forum_685",
            {"activities": 1, "people": 35, "enrolled": 35, "groups": 2, "groupings": 1, "members": 28},
        ),
        ("page_687", {"activities": 1, "people": 20, "enrolled": 20, "blocks": 1}),
        ("page_726", {"activities": 1, "people": 14, "enrolled": 14, "groups": 1, "members": 14}),
    ],
)
def test_one_activity_of_53_brings_what_it_names_and_no_more(
    fixtures: Path, owner: str, expected: dict[str, int], record_property: Callable[[str, object], None]
) -> None:
    path = fixtures / "rich1-users.mbz"
    before = User.objects.count()
    done = restore(path, **only(path, owner))
    found = came(done.course, before)
    print(f"1 of 53 activities, {owner}: {found}")
    assert found == expected
    listed = _listed(path, owner)
    assert expected.get("people", 0) >= len(listed)


def _listed(path: Path, owner: str) -> set[str]:
    """Return the ids of the people whom the `inforef.xml` of an activity lists."""
    with open_archive(path) as archive:
        root = xml.parse(archive.read(f"activities/{owner}/inforef.xml"), member="inforef.xml")
        return {entry.text or "" for entry in root.iterfind("userref/user/id")}


def test_a_quiz_brings_the_questions_that_it_uses_and_a_team_assignment_its_scale(fixtures: Path) -> None:
    path = fixtures / "rich1-users.mbz"
    quiz = came(restore(path, **only(path, "quiz_705")).course)
    assert (quiz["question categories"], quiz.get("groups", 0), quiz.get("scales", 0)) == (6, 0, 0)
    team = came(restore(path, **only(path, "assign_694")).course)
    assert (team["groups"], team["groupings"], team["members"]) == (2, 1, 28)
    assert team.get("question categories", 0) == 0


def test_the_whole_course_comes_as_before_and_all_of_it_on_request(fixtures: Path) -> None:
    path = fixtures / "rich1-users.mbz"
    whole = came(restore(path).course)
    asked = came(restore(path, only_needed="0", **only(path, "forum_683")).course)
    shared = (
        "groups",
        "groupings",
        "members",
        "badges",
        "scales",
        "outcomes",
        "criteria",
        "people",
        "enrolled",
    )
    assert {name: asked[name] for name in shared} == {name: whole[name] for name in shared}
    assert asked["blocks"] == whole["blocks"] - 1


def test_what_stays_away_is_told_in_numbers(fixtures: Path) -> None:
    path = fixtures / "rich1-users.mbz"
    done = restore(path, **only(path, "forum_683"))
    [first, *others] = done.job.findings.filter(code="not-needed")
    assert "0 of 2 badges, 0 of 10 blocks, 0 of 5 groups" in first.message
    assert "1 of 49 people" in first.message
    assert {one.place for one in others} == {"completion.xml", "course/calendar.xml"}
    [gradebook] = done.job.findings.filter(code="gradebook-left-out")
    assert "Fgeneral" in gradebook.message


def test_the_gradebook_comes_if_only_activities_without_grades_are_left_out(fixtures: Path) -> None:
    path = fixtures / "rich1-users.mbz"
    done = restore(path, page_687_included="0")
    found = came(done.course)
    assert found["grade categories"] == 4
    assert "gradebook-left-out" not in done.findings


def test_a_backup_of_one_activity_in_the_courses_archive_has_what_a_restore_of_it_brings(
    fixtures: Path, tmp_path: Path
) -> None:
    course = restore(fixtures / "rich1-users.mbz").course
    whole = back_up(course, tmp_path / "whole.mbz")
    for title in ("Fqanda", "Quiz2"):
        activity = Activity.objects.filter(course=course, title__startswith=title).first()
        assert activity is not None
        options = only(whole, f"{activity.modulename}_{activity.pk}")
        part = back_up(course, tmp_path / f"{title}.mbz", **options)
        assert faults(part) == []
        of_part, of_whole = restore(part), restore(whole, **options)
        assert came(of_part.course) == came(of_whole.course), title
        files = [
            sorted(File.objects.filter(course=one.course).values_list("component", "filearea", "filename"))
            for one in (of_part, of_whole)
        ]
        assert files[0] == files[1]
        assert _named_people(part) == _needed_people(of_whole), title


def _named_people(path: Path) -> set[str]:
    with open_archive(path) as archive, archive.open("users.xml") as stream:
        return {
            record.findtext("username") or ""
            for record in xml.records(stream, member="users.xml", tags=("user",))
            if record.get("contextid")
        }


def _needed_people(done: Restored) -> set[str]:
    """Return the user names of the people of a course that was restored from a part, by a backup of all of it."""
    path = Path(done.job.path).parent / f"again-{done.course.pk}.mbz"
    return _named_people(back_up(done.course, path))


def test_badges_blocks_and_conditions_of_completion_come_with_the_activities_that_they_name(
    fixtures: Path, tmp_path: Path
) -> None:
    course = restore(fixtures / "rich1-users.mbz").course
    quiz = Activity.objects.filter(course=course, title__startswith="Quiz2").first()
    assert quiz is not None
    badge = Badge.objects.create(course=course, name="For the quiz", message="", messagesubject="")
    criterion = BadgeCriterion.objects.create(badge=badge, criteriatype=1)
    BadgeParameter.objects.create(
        criterion=criterion, name=f"module_{quiz.pk}", value=str(quiz.pk), criteriatype=1
    )
    whole = back_up(course, tmp_path / "whole.mbz")
    with_it = restore(whole, **only(whole, f"quiz_{quiz.pk}")).course
    assert [one.name for one in Badge.objects.filter(course=with_it)] == ["For the quiz"]
    other = Activity.objects.filter(course=course, title__startswith="Fqanda").first()
    assert other is not None
    without = restore(whole, **only(whole, f"forum_{other.pk}")).course
    assert not Badge.objects.filter(course=without).exists()
    part = restore(back_up(course, tmp_path / "part.mbz", **only(whole, f"quiz_{quiz.pk}"))).course
    assert [one.name for one in Badge.objects.filter(course=part)] == ["For the quiz"]


def test_references_to_activities_that_are_left_out_are_named(fixtures: Path) -> None:
    done = restore(fixtures / "rich1-users.mbz", only_needed="0", page_687_included="0")
    [finding] = done.job.findings.filter(code="reference-lost", bring="page_687")
    assert "“Page1" in finding.message
    assert finding.place == "course_module 687"


def test_a_role_that_nobody_needs_is_not_made(fixtures: Path) -> None:
    path = fixtures / "rich1-users.mbz"
    before = Role.objects.count()
    done = restore(path, **only(path, "forum_679"))
    assert Role.objects.count() == before
    assert not RoleAssignment.objects.filter(contextid=done.course.contextid).exists()
    assert Enrol.objects.filter(course=done.course).exists()


def test_a_choice_for_a_role_that_nobody_needs_is_told_and_one_for_no_role_is_refused(fixtures: Path) -> None:
    path = fixtures / "rich1-users.mbz"
    done = restore(path, **only(path, "forum_679"), roles="richrole=none")
    [finding] = done.job.findings.filter(code="role-not-needed")
    assert "“richrole”" in finding.message
    with pytest.raises(UsageError, match="no such role"):
        restore(path, **only(path, "forum_679"), roles="pupil=none")
    assert "role-not-needed" not in restore(path, roles="richrole=none").findings


@pytest.mark.parametrize("seed", range(4))
def test_for_any_choice_nothing_dangles_silently_and_nothing_comes_that_nobody_needs(
    fixtures: Path, tmp_path: Path, seed: int
) -> None:
    path = fixtures / "rich1-users.mbz"
    chance = random.Random(seed)
    with open_archive(path) as archive:
        names = [f"{one.modulename}_{one.moduleid}" for one in read_manifest(archive).activities]
    chosen = chance.sample(names, chance.choice((2, 5, 20)))
    done = restore(path, **only(path, *chosen))
    again = back_up(done.course, tmp_path / "again.mbz")
    assert faults(again) == [], chosen
    _nobody_came_for_nothing(again, done.course, chosen)


def test_the_same_holds_for_the_exhaustive_course(tmp_path: Path) -> None:
    course = Exhaustive(3).make()
    path = back_up(course, tmp_path / "a.mbz")
    delete_course(course)
    with open_archive(path) as archive:
        names = [f"{one.modulename}_{one.moduleid}" for one in read_manifest(archive).activities]
    chance = random.Random(5)
    for number in range(3):
        chosen = chance.sample(names, 1 + 7 * number)
        done = restore(path, **only(path, *chosen))
        again = back_up(done.course, tmp_path / f"{number}.mbz")
        assert faults(again) == [], chosen


def _nobody_came_for_nothing(path: Path, course: Course, chosen: list[str]) -> None:
    """Check that what came is listed by a section, an activity or a block, or belongs to something that is."""
    with open_archive(path) as archive:
        listed: dict[str, set[str]] = {"group": set(), "grouping": set(), "scale": set(), "outcome": set()}
        for member in archive.members:
            if member.endswith("/inforef.xml") and not member.startswith("course/inforef"):
                root = xml.parse(archive.read(member), member=member)
                for item_type, numbers in listed.items():
                    numbers.update(one.text or "" for one in root.iterfind(f"{item_type}ref/{item_type}/id"))
    restricted = Activity.objects.filter(course=course).exclude(availability=None)
    conditions = " ".join(str(one.availability) for one in restricted)
    inside = GroupingGroup.objects.filter(grouping__course=course).values_list("groupid", flat=True)
    of_groupings = set(map(str, inside))
    for group in Group.objects.filter(course=course):
        assert str(group.pk) in listed["group"] | of_groupings or f'"id":{group.pk}' in conditions, (
            group.name,
            chosen,
        )
    for scale in Scale.objects.filter(course=course):
        used = Outcome.objects.filter(course=course, scaleid=scale.pk).exists()
        assert str(scale.pk) in listed["scale"] or used, (scale.name, chosen)
    for outcome in Outcome.objects.filter(course=course):
        assert str(outcome.pk) in listed["outcome"], (outcome.shortname, chosen)
