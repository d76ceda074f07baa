"""Targets of restores: sections and activities become courses or go into courses that exist; dates move."""

from __future__ import annotations

from pathlib import Path

import pytest

from archive.errors import InvalidValue, NotFound, UsageError
from courses.activities.forum import Forum, ForumDiscussion, ForumPost
from courses.models import Activity, Course, File, Section, User
from courses.models.groups import Group
from courses.services import create_category, create_course
from tests.archives_made import Change, small
from tests.jobs_done import back_up, compared, faults, restore, row_counts

pytestmark = pytest.mark.django_db(transaction=True)

SECTION: dict[str, Change] = {"moodle_backup.xml": ("<type>course</type>", "<type>section</type>")}


def described(course: Course) -> list[object]:
    """All that a restore into a course must leave alone, of each of its sections and activities."""
    found: list[object] = []
    for section in course.sections.order_by("pk"):
        found.append((section.pk, section.number, section.name, section.summary))
        found += list(section.activities.order_by("pk").values())
    found += list(ForumPost.objects.filter(discussion__forum__owner__course=course).order_by("pk").values())
    found += list(File.objects.filter(course=course).order_by("pk").values())
    return found


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """A course that exists, with a section, a forum and a page."""
    return restore(small(tmp_path / "whole.mbz")).course


def test_a_section_is_added_at_the_position_that_is_asked_for(tmp_path: Path, course: Course) -> None:
    before = described(course)
    path = back_up(course, tmp_path / "a.mbz", archive_type="section", item=course.sections.get().pk)
    restored = restore(path, target={"course": course.pk, "position": 1})
    assert restored.course == course
    assert described(course)[: len(before)][0] == before[0]
    assert [row for row in before if row not in described(course)] == []
    assert list(course.sections.order_by("number").values_list("number", flat=True)) == [0, 1]
    fresh = course.sections.get(number=1)
    listed = [int(number) for number in (fresh.sequence or "").split(",")]
    assert listed == list(fresh.activities.order_by("pk").values_list("pk", flat=True))
    assert [activity.modulename for activity in fresh.activities.order_by("pk")] == ["forum", "page"]


def test_an_activity_comes_into_the_section_that_is_asked_for(tmp_path: Path, course: Course) -> None:
    before = described(course)
    wanted = Section.objects.create(course=course, number=1, sequence="", summary="")
    Section.objects.create(course=course, number=2, sequence="", summary="")
    page = course.activities.get(modulename="page")
    path = back_up(course, tmp_path / "a.mbz", archive_type="activity", item=page.pk)
    for times in (1, 2):
        restore(path, target={"course": course.pk, "section": wanted.pk})
        wanted.refresh_from_db()
        inside = list(wanted.activities.order_by("pk").values_list("pk", flat=True))
        assert len(inside) == times
        assert wanted.sequence == ",".join(map(str, inside))
    assert [row for row in before if row not in described(course)] == []
    assert course.activities.filter(modulename="page").count() == 3
    assert File.objects.filter(course=course, filename="a.png").count() == 3


def test_a_groups_condition_finds_the_group_that_the_course_has(tmp_path: Path, course: Course) -> None:
    page = course.activities.get(modulename="page")
    path = back_up(course, tmp_path / "a.mbz", archive_type="activity", item=page.pk)
    restore(path, target={"course": course.pk})
    group = Group.objects.get(course=course)
    fresh = course.activities.filter(modulename="page").latest("pk")
    assert f'"id":{group.pk}' in (fresh.availability or "")


@pytest.mark.parametrize("kind", ["section", "activity"])
def test_a_part_becomes_a_course_of_its_own(tmp_path: Path, course: Course, kind: str) -> None:
    item = course.sections.get().pk if kind == "section" else course.activities.get(modulename="forum").pk
    first = back_up(course, tmp_path / "a.mbz", archive_type=kind, item=item)
    category = create_category("Parts")
    fresh = restore(first, target={"category": category.pk}).course
    assert fresh.pk != course.pk
    assert fresh.category == category
    assert Forum.objects.filter(owner__course=fresh).count() == 1
    assert ForumPost.objects.filter(discussion__forum__owner__course=fresh).count() == 4
    own = fresh.sections.get().pk if kind == "section" else fresh.activities.get().pk
    second = back_up(fresh, tmp_path / "b.mbz", archive_type=kind, item=own)
    assert compared(first, second).totals == {}
    assert faults(second) == []


@pytest.mark.parametrize(
    "target",
    [{"course": 999999}, {"category": 999999}, {"section": 999999}],
    ids=["course", "category", "section"],
)
def test_a_place_that_is_not_there_is_not_found(
    tmp_path: Path, course: Course, target: dict[str, int]
) -> None:
    path = back_up(course, tmp_path / "a.mbz", archive_type="section", item=course.sections.get().pk)
    if "section" in target:
        target = {"course": course.pk, **target}
    before = row_counts()
    with pytest.raises(NotFound):
        restore(path, target=target)
    assert row_counts() == before


def test_a_section_of_another_course_is_no_place_for_an_activity(tmp_path: Path, course: Course) -> None:
    other = create_course("OTHER", "Another course")
    page = course.activities.get(modulename="page")
    path = back_up(course, tmp_path / "a.mbz", archive_type="activity", item=page.pk)
    with pytest.raises(NotFound):
        restore(path, target={"course": course.pk, "section": other.sections.get().pk})
    assert not Activity.objects.filter(course=other).exists()


DAY = 86_400
DATED: dict[str, Change] = {
    "course/course.xml": (
        "<format>",
        "<startdate>1800000000</startdate><enddate>1810000000</enddate><format>",
    ),
    "activities/forum_31/forum.xml": (
        "<name>News</name>",
        "<name>News</name><duedate>1800500000</duedate><cutoffdate>0</cutoffdate><timemodified>1799999999</timemodified>",
    ),
}


def test_the_dates_that_belong_to_the_course_move_with_its_start(tmp_path: Path) -> None:
    path = small(tmp_path / "a.mbz", DATED)
    course = restore(path, course_startdate=1_800_000_000 + 10 * DAY).course
    assert (course.startdate, course.enddate) == (1_800_000_000 + 10 * DAY, 1_810_000_000 + 10 * DAY)
    forum = Forum.objects.get(owner__course=course)
    assert forum.duedate == 1_800_500_000 + 10 * DAY
    assert forum.cutoffdate == 0
    assert forum.timemodified == 1_799_999_999


def test_without_a_start_all_dates_stay(tmp_path: Path) -> None:
    course = restore(small(tmp_path / "a.mbz", DATED)).course
    assert (course.startdate, course.enddate) == (1_800_000_000, 1_810_000_000)
    assert Forum.objects.get(owner__course=course).duedate == 1_800_500_000


def test_a_part_as_a_course_starts_when_it_is_told_to(tmp_path: Path) -> None:
    course = restore(small(tmp_path / "a.mbz", DATED | SECTION), course_startdate=1_800_000_000 + DAY).course
    assert course.startdate == 1_800_000_000 + DAY
    assert Forum.objects.get(owner__course=course).duedate == 1_800_500_000 + DAY


def test_links_lead_to_what_came_and_to_the_old_site_for_all_else(tmp_path: Path) -> None:
    text = (
        '&lt;a href="$@PAGEVIEWBYID*32@$"&gt;in&lt;/a&gt; &lt;a href="$@PAGEVIEWBYID*999@$"&gt;out&lt;/a&gt;'
    )
    text += " $@NOTALINK*5@$ $@COURSEVIEWBYID*2@$ $@COURSEVIEWBYID*77@$"
    changes: dict[str, Change] = {
        "activities/forum_31/forum.xml": ("<name>Hello", "<name>Hello"),
    }
    changes["activities/page_32/page.xml"] = ("Text\nof two lines", text)
    course = restore(small(tmp_path / "a.mbz", changes)).course
    page = course.activities.get(modulename="page")
    content = page.page.content
    assert f'127.0.0.1:8000/mod/page/view.php?id={page.pk}"' in content
    assert 'http://sample.example/mod/page/view.php?id=999"' in content
    assert f"127.0.0.1:8000/course/view.php?id={course.pk}" in content
    assert "http://sample.example/course/view.php?id=77" in content
    assert "$@NOTALINK*5@$" in content
    again = back_up(course, tmp_path / "b.mbz")
    assert compared(again, back_up(restore(again).course, tmp_path / "c.mbz")).totals == {}


def test_links_in_short_texts_lead_there_too_unless_they_would_not_fit_or_are_names_of_people(
    tmp_path: Path,
) -> None:
    changes: dict[str, Change] = {
        "activities/forum_31/forum.xml": ("<name>Hello", "<name>see $@PAGEVIEWBYID*32@$"),
        "activities/page_32/page.xml": ("<name>Reading", f"<name>$@PAGEVIEWBYID*32@${'x' * 1300}"),
    }
    changes["users.xml"] = ("<email>anna@", "<lastname>$@COURSEVIEWBYID*2@$</lastname><email>anna@")
    course = restore(small(tmp_path / "a.mbz", changes)).course
    assert User.objects.get(username="anna").lastname == "$@COURSEVIEWBYID*2@$"
    activity = course.activities.get(modulename="page")
    name = ForumDiscussion.objects.get(forum__owner__course=course).name
    assert name == f"see http://127.0.0.1:8000/mod/page/view.php?id={activity.pk}"
    assert activity.page.name == f"$@PAGEVIEWBYID*{activity.pk}@${'x' * 1300}"


def test_discussions_and_posts_refer_to_one_another(tmp_path: Path) -> None:
    course = restore(small(tmp_path / "a.mbz")).course
    discussion = ForumDiscussion.objects.get(forum__owner__course=course)
    posts = {post.subject: post for post in ForumPost.objects.filter(discussion=discussion)}
    assert discussion.firstpost == posts["First post"].pk
    assert posts["An answer"].parent == posts["First post"].pk
    assert posts["The last word"].parent == posts["An answer"].pk
    assert posts["First post"].parent == 0


def test_an_id_of_other_digits_is_refused_with_a_sentence(tmp_path: Path, course: Course) -> None:
    changes: dict[str, Change] = {
        "moodle_backup.xml": ("<type>course</type>", "<type>activity</type>"),
        "groups.xml": ('<group id="41">', '<group id="²">'),
    }
    with pytest.raises(InvalidValue, match="id of <group>"):
        restore(small(tmp_path / "b.mbz", changes), target={"course": course.pk})


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ({"section": 1}, "has no effect without a course"),
        ({"category": 1, "course": 1}, "both are given"),
        ({"place": 1}, "has no place"),
    ],
)
def test_an_id_of_a_target_that_has_no_effect_is_refused(
    tmp_path: Path, target: dict[str, int], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        restore(small(tmp_path / "a.mbz", SECTION), target=target)


@pytest.mark.parametrize("name", ["section", "position"])
def test_a_place_for_the_archive_of_a_course_is_refused(tmp_path: Path, course: Course, name: str) -> None:
    target = {"course": course.pk, name: course.sections.get().pk}
    with pytest.raises(UsageError, match="no effect on the archive of a course"):
        restore(tmp_path / "whole.mbz", target=target)


@pytest.mark.parametrize("kind", ["section", "activity"])
def test_only_the_archive_of_a_course_replaces_a_course(tmp_path: Path, course: Course, kind: str) -> None:
    changes: dict[str, Change] = {"moodle_backup.xml": ("<type>course</type>", f"<type>{kind}</type>")}
    before = row_counts()
    with pytest.raises(UsageError, match="does not replace"):
        restore(small(tmp_path / "a.mbz", changes), target={"course": course.pk, "replace": True})
    assert row_counts() == before


def test_a_start_date_for_a_course_without_one_is_its_start_and_moves_nothing(tmp_path: Path) -> None:
    said = "<original_course_startdate>1800000000<"
    path = small(tmp_path / "a.mbz", {"moodle_backup.xml": (said, "<original_course_startdate>0<")})
    plain, dated = restore(path).course, restore(path, course_startdate="1900000000").course
    assert dated.startdate == 1900000000
    assert dated.enddate == plain.enddate


def test_dates_of_a_section_move_in_a_course_that_exists(tmp_path: Path, course: Course) -> None:
    """Nothing of the course itself has to be overwritten for that."""
    restored = restore(
        small(tmp_path / "a.mbz", SECTION), target={"course": course.pk}, course_startdate="1800086400"
    )
    assert restored.course == course
