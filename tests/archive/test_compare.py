"""Two archives compared: ids, order and the facts of the backup are set aside, everything else is found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from archive import references
from archive.comparison.compare import Comparison, compare
from archive.container import open_archive

from . import sample
from .test_container import REAL

FORUM = "activities/forum_31/forum.xml"
PAGE = "activities/page_32/page.xml"


def compared(first: dict[str, bytes], second: dict[str, bytes]) -> Comparison:
    with sample.archive_of(first) as one, sample.archive_of(second) as other:
        return compare(one, other)


def changed(path: str, old: bytes, new: bytes, *, count: int = 1) -> Comparison:
    """The sample compared with itself after one change."""
    first = sample.members()
    assert old in first[path]
    return compared(first, {**first, path: first[path].replace(old, new, count)})


@pytest.mark.parametrize("name", REAL)
def test_an_archive_equals_itself(fixtures: Path, name: str) -> None:
    with open_archive(fixtures / name) as first, open_archive(fixtures / name) as second:
        comparison = compare(first, second)
    assert comparison.equal
    assert comparison.differences == ()
    assert comparison.leaves.share == 1
    assert comparison.leaves.total > 100


def test_a_zip_says_the_same_as_its_sibling(fixtures: Path) -> None:
    with (
        open_archive(fixtures / "rich1-users.mbz") as first,
        open_archive(fixtures / "rich1-users-zip.mbz") as second,
    ):
        assert compare(first, second).totals == {}


def test_ids_that_are_all_others_make_no_difference() -> None:
    comparison = compared(sample.members(), sample.members(shift=1000))
    assert [each.sentence() for each in comparison.differences] == []
    assert comparison.equal
    assert comparison.leaves.kept == comparison.leaves.total > 30


def test_people_with_other_ids_make_no_difference_in_a_real_archive(fixtures: Path) -> None:
    contents = sample.contents_of(fixtures / "rich1-section.mbz")
    named = "|".join(name for name, item_type in references.by_name().items() if item_type == "user")
    field = re.compile(rf"<({named})>(\d+)</".encode())
    record = re.compile(rb'<user id="(\d+)"')
    listed = re.compile(rb"<user>\s*<id>(\d+)</id>")

    def moved(text: bytes) -> bytes:
        return str(int(text) + 50_000).encode() if int(text) else text

    def renumbered(path: str, content: bytes) -> bytes:
        if not path.endswith(".xml"):
            return content
        content = field.sub(lambda found: b"<%s>%s</" % (found[1], moved(found[2])), content)
        content = record.sub(lambda found: b'<user id="%s"' % moved(found[1]), content)
        return listed.sub(lambda found: b"<user><id>%s</id>" % moved(found[1]), content)

    other = {path: renumbered(path, content) for path, content in contents.items()}
    assert other != contents
    comparison = compared(contents, other)
    assert [each.sentence() for each in comparison.differences] == []


def test_a_changed_value_is_found_with_both_values() -> None:
    comparison = changed(FORUM, b"An answer", b"A changed answer")
    found = comparison.differences[0]
    assert not comparison.equal
    assert (found.kind, found.member, found.path) == (
        "value",
        FORUM,
        "activity/forum/discussions/discussion/posts/post/subject",
    )
    assert (found.first, found.second) == ("'An answer'", "'A changed answer'")
    assert comparison.leaves.kept == comparison.leaves.total - 1


@pytest.mark.parametrize("name", ["rich1-section.mbz", "rich1-activity-forum.mbz"])
def test_a_changed_value_is_found_in_a_real_archive(fixtures: Path, name: str) -> None:
    contents = sample.contents_of(fixtures / name)
    path = "users.xml"
    other = {**contents, path: contents[path].replace(b"<city>", b"<city>Elsewhere", 1)}
    comparison = compared(contents, other)
    assert comparison.totals == {"value users.xml users/user/city": 1}
    assert comparison.leaves.lost == {"users.xml users/user/city": 1}


def test_the_order_of_records_makes_no_difference() -> None:
    first = sample.members()
    posts = re.findall(rb"(?s)<post id.*?</post>", first[FORUM])
    assert len(posts) == 4
    other = first[FORUM].replace(b"".join(posts), b"".join(reversed(posts)))
    assert compared(first, {**first, FORUM: other}).equal


def test_a_list_with_nothing_in_it_says_nothing() -> None:
    assert changed(FORUM, b"<ratings>\n</ratings>", b"", count=9).equal


def test_another_author_is_found_as_a_reference() -> None:
    comparison = changed(FORUM, b"<userid>12</userid>", b"<userid>11</userid>")
    assert {each.kind for each in comparison.differences} == {"reference"}
    assert "boris" in (comparison.differences[0].first or "")
    assert comparison.leaves.share == 1


def test_a_post_under_another_parent_is_found() -> None:
    comparison = changed(FORUM, b"<parent>62</parent>", b"<parent>63</parent>")
    assert [each.kind for each in comparison.differences] == ["link"]


def test_values_that_changed_places_between_records_are_found() -> None:
    first = sample.members()
    swapped = (
        first[FORUM]
        .replace(b"<subject>First post<", b"<subject>@<")
        .replace(b"<subject>An answer<", b"<subject>First post<")
    )
    comparison = compared(first, {**first, FORUM: swapped.replace(b"<subject>@<", b"<subject>An answer<")})
    assert not comparison.equal
    assert comparison.leaves.share == 1


def test_a_lost_record_is_found() -> None:
    first = sample.members()
    other = re.sub(rb'(?s)<post id="64">.*?</post>', b"", first[FORUM])
    comparison = compared(first, {**first, FORUM: other})
    assert any(each.kind == "record" and "The last word" in each.message for each in comparison.differences)
    assert comparison.leaves.kept == comparison.leaves.total - 2


def test_a_record_more_is_found_and_nothing_is_lost() -> None:
    comparison = changed("users.xml", b"<users>", b"<users><user><username>new</username></user>")
    assert not comparison.equal
    assert comparison.leaves.share == 1


def test_a_link_to_something_else_is_found() -> None:
    assert not changed(FORUM, b"$@PAGEVIEWBYID*32@$", b"$@PAGEVIEWBYID*31@$").equal


def test_availability_is_compared_by_what_it_says() -> None:
    path = "activities/page_32/module.xml"
    assert changed(
        path, b'"type":"completion","cm":31,"e":1', b'"e": 1, "cm": 31, "type": "completion"'
    ).equal
    assert not changed(path, b'"e":1', b'"e":0').equal
    assert not changed(path, b'"cm":31', b'"cm":32').equal


def test_a_scale_is_no_number() -> None:
    assert not changed(FORUM, b"<scale>-3<", b"<scale>-4<").equal


def test_the_order_of_activities_in_a_section_is_compared() -> None:
    assert not changed("sections/section_21/section.xml", b"31,32", b"32,31").equal


def test_a_lost_member_is_found_with_its_values() -> None:
    first = sample.members()
    comparison = compared(first, {path: content for path, content in first.items() if path != PAGE})
    assert ("member", PAGE) in {(each.kind, each.member) for each in comparison.differences}
    assert comparison.leaves.kept == comparison.leaves.total - 3  # the type, the name and the text


def test_a_lost_content_is_found() -> None:
    first = sample.members()
    comparison = compared(first, {path: text for path, text in first.items() if path != sample.PICTURE_PATH})
    assert comparison.files.only_first == (sample.PICTURE_HASH,)
    assert comparison.files.kept == 0
    assert not comparison.equal


def test_a_copy_of_a_course_may_have_another_name() -> None:
    first, copy = (
        sample.members(),
        sample.members(shift=500, shortname="SAMPLE_1", fullname="A sample copy 1"),
    )
    comparison = compared(first, copy)
    assert comparison.equal
    assert len(comparison.explained) == 2
    assert not compared(first, sample.members(shortname="OTHER", fullname="Quite another")).equal


def test_a_setting_of_the_backup_is_told_as_explained() -> None:
    comparison = changed(
        "moodle_backup.xml",
        b"<name>forum_31_userinfo</name>\n        <value>1",
        b"<name>forum_31_userinfo</name>\n        <value>0",
    )
    assert comparison.equal
    assert "settings/setting/value" in comparison.explained[0]


def test_many_differences_are_counted_and_a_few_are_listed() -> None:
    users = b"".join(
        b"<user id='%d'><username>u%d</username><city>%%s</city></user>" % (n, n) for n in range(300)
    )
    first = {**sample.members(), "users.xml": b"<users>" + users.replace(b"%s", b"Prague") + b"</users>"}
    second = {**first, "users.xml": b"<users>" + users.replace(b"%s", b"Oslo") + b"</users>"}
    comparison = compared(first, second)
    assert comparison.leaves.lost["users.xml users/user/city"] == 300
    assert len(comparison.differences) < 20
    assert sum(comparison.totals.values()) >= 300


def test_the_outcome_as_data_has_what_readers_look_for() -> None:
    data = changed(FORUM, b"An answer", b"Another").as_dict()
    assert data["equal"] is False
    assert data["differences"][0]["member"] == FORUM
    assert set(data["leaves"]) == {"total", "kept", "share", "lost"}
    assert data["files"]["kept"] == data["files"]["first"] == 1


def test_survival_is_a_share() -> None:
    with sample.archive_of(sample.members()) as first, sample.archive_of(sample.members(shift=3)) as second:
        assert compare(first, second).leaves.share == 1


@pytest.mark.slow
def test_the_archive_without_people_lacks_their_values_only(fixtures: Path) -> None:
    with (
        open_archive(fixtures / "rich1-nousers.mbz") as first,
        open_archive(fixtures / "rich1-users.mbz") as second,
    ):
        comparison = compare(first, second)
    assert comparison.leaves.share > 0.98
    assert comparison.files.only_first == ()


def test_attributes_are_compared_and_one_that_is_named_as_a_reference_is_one() -> None:
    """A plugin that nobody knows may say in an attribute who did something."""
    wheels = [
        f'<wheels><wheel id="1" usermodified="{11 + shift}"><rim spokes="{spokes}">round</rim></wheel></wheels>'.encode()
        for shift, spokes in ((0, 8), (100, 8), (100, 9))
    ]
    first, moved, other = (
        sample.archive_of({**sample.members(shift=shift), "course/wheels.xml": content})
        for shift, content in zip((0, 100, 100), wheels, strict=True)
    )
    assert compare(first, moved).totals == {}
    assert compare(first, other).totals == {"value course/wheels.xml wheels/wheel/rim/@spokes": 1}
