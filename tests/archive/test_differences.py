"""A comparison that says "different" says where; what the versions of two archives explain is no difference."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from archive.comparison.compare import Comparison, compare
from archive.manifest import ActivityEntry, ManifestSetting, format_manifest

from . import sample

COURSE, FORUM, MANIFEST = "course/course.xml", "activities/forum_31/forum.xml", "moodle_backup.xml"
OLD, NEW, NEWER = 2019111800, 2024100700, 2025100600
MANY = 300
NEW_FIELDS = "<privatereplyto>0</privatereplyto><wordcount>3</wordcount>"


def compared(first: dict[str, bytes], second: dict[str, bytes]) -> Comparison:
    with sample.archive_of(first) as one, sample.archive_of(second) as other:
        return compare(one, other)


def of_version(version: int, contents: dict[str, bytes] | None = None) -> dict[str, bytes]:
    """Return the members of the sample with a manifest of this backup version."""
    manifest = replace(sample.manifest(), backup_version=version)
    return {**(contents or complete()), MANIFEST: format_manifest(manifest)}


def complete() -> dict[str, bytes]:
    """Return the members of the sample with the field of a course that is added to older archives when they are read."""
    members = sample.members()
    members[COURSE] = members[COURSE].replace(
        b"<fullname>", b"<showactivitydates>1</showactivitydates><fullname>"
    )
    return members


def with_posts(contents: dict[str, bytes], more: str = "", *, changed: int = -1) -> dict[str, bytes]:
    """Return the members with many posts in the forum; each has the fields `more`, the post number `changed` another text."""
    posts = "".join(
        f'<post id="{1000 + number}"><parent>0</parent><userid>11</userid>'
        f"<subject>{'changed' if number == changed else 'post'} {number}</subject>{more}</post>"
        for number in range(MANY)
    )
    return {**contents, FORUM: contents[FORUM].replace(b"</posts>", f"{posts}</posts>".encode())}


@pytest.mark.parametrize(("version", "age"), [(OLD, True), (NEWER, True), (NEW, False)])
def test_a_field_that_only_the_other_version_has_is_explained_however_many_records_have_it(
    version: int, age: bool
) -> None:
    first = with_posts(of_version(version))
    second = with_posts(of_version(NEW), NEW_FIELDS)
    comparison = compared(first, second)
    explained = [sentence for sentence in comparison.explained if "wordcount" in sentence]
    if age:
        assert comparison.differences == ()
        assert comparison.equal
        assert len(explained) == 1
        assert f"({MANY} times)" in explained[0]
    else:
        assert not comparison.equal
        assert comparison.totals["more records activities/forum/forum.xml " + POST] == MANY - 100
        assert any(each.kind == "more records" for each in comparison.differences)


POST = "activity/forum/discussions/discussion/posts/post"


def test_a_lost_value_is_found_among_many_records_with_new_fields() -> None:
    comparison = compared(
        with_posts(of_version(OLD)), with_posts(of_version(NEW), NEW_FIELDS, changed=MANY - 1)
    )
    [difference] = comparison.differences
    assert (difference.path, difference.first) == (f"{POST}/subject", f"'post {MANY - 1}'")
    assert comparison.totals == {f"value activities/forum/forum.xml {POST}/subject": 1}


def test_a_record_in_another_place_is_found_beside_new_fields() -> None:
    first = of_version(OLD)
    discussion = b'<discussion id="90"><name>Second</name><posts>\n</posts></discussion></discussions>'
    first[FORUM] = first[FORUM].replace(b"</discussions>", discussion)
    post = re.search(rb'(?s)<post id="64">.*?</post>', first[FORUM])
    assert post is not None
    moved = (
        first[FORUM].replace(post[0], b"").replace(b"<posts>\n</posts>", b"<posts>" + post[0] + b"</posts>")
    )
    moved = moved.replace(b"<ratings>", NEW_FIELDS.encode() + b"<ratings>")
    comparison = compared(first, {**of_version(NEW), FORUM: moved})
    assert not comparison.equal
    assert {each.kind for each in comparison.differences} <= {"place", "link"}


def test_a_value_that_the_other_version_lost_is_a_difference() -> None:
    first = with_posts(of_version(NEW), NEW_FIELDS)
    comparison = compared(first, with_posts(of_version(OLD)))
    assert not comparison.equal
    assert comparison.leaves.lost[f"activities/forum/forum.xml {POST}/wordcount"] == MANY


def test_records_of_which_the_older_archive_has_none_are_a_difference() -> None:
    record = b'<users><user id="77"><username>eve</username></user>'
    second = of_version(NEW)
    second["users.xml"] = second["users.xml"].replace(b"<users>", record)
    comparison = compared(of_version(OLD), second)
    assert [each.kind for each in comparison.differences] == ["record"]


def test_any_number_of_settings_of_the_backup_are_facts() -> None:
    def manifest(version: int, value: str) -> bytes:
        more = tuple(ManifestSetting("root", f"some_setting_{number}", value) for number in range(MANY))
        plain = sample.manifest()
        return format_manifest(replace(plain, backup_version=version, settings=plain.settings + more))

    first = {**complete(), MANIFEST: manifest(OLD, "0")}
    comparison = compared(first, {**complete(), MANIFEST: manifest(NEW, "1")})
    assert comparison.differences == ()
    assert comparison.equal
    assert any("more records differ. That is a fact" in sentence for sentence in comparison.explained)


def of_one_activity(version: int, contents: dict[str, bytes]) -> dict[str, bytes]:
    plain = sample.manifest()
    details = replace(plain.details, type="activity")
    entries = (ActivityEntry(31, 21, "forum", "News", "activities/forum_31"),)
    manifest = replace(
        plain, backup_version=version, details=details, activities=entries, sections=(), course=None
    )
    kept = {
        path: content for path, content in contents.items() if not path.startswith(("course/", "sections/"))
    }
    return {**kept, MANIFEST: format_manifest(manifest)}


@pytest.mark.parametrize(("version", "age"), [(OLD, True), (NEW, False)])
def test_the_gradebook_in_an_old_archive_of_one_activity_is_no_loss(version: int, age: bool) -> None:
    gradebook = b'<gradebook><grade_items><grade_item id="5"><itemtype>course</itemtype></grade_item></grade_items></gradebook>'
    first = of_one_activity(version, {**sample.members(), "gradebook.xml": gradebook})
    comparison = compared(first, of_one_activity(NEW, sample.members()))
    assert comparison.equal is age
    assert bool(comparison.leaves.lost) is not age
    assert (comparison.leaves.share == 1) is age
    assert any("gradebook" in sentence for sentence in comparison.explained) is age


def mutated(contents: dict[str, bytes], chance: random.Random, times: int) -> dict[str, bytes]:
    """Return the members after some random changes of elements, texts, attributes and whole members."""
    found = dict(contents)
    for _ in range(times):
        path = chance.choice(sorted(path for path in found if path.endswith(".xml") and path != MANIFEST))
        root = etree.fromstring(found[path])
        element = chance.choice(list(root.iter()))
        parent = element.getparent()
        change = chance.choice(("text", "remove", "double", "attribute", "rename", "move", "member", "null"))
        if change == "text":
            element.text = chance.choice(("", "7", "11", "other", "$@NULL@$"))
        elif change == "null":
            element.text = "$@NULL@$"
        elif change == "attribute":
            element.set(chance.choice(("id", "level", "contextid")), str(chance.randrange(99)))
        elif change == "rename":
            element.tag = chance.choice(("other", "userid", "post", "parent"))
        elif parent is None or change == "member":
            if chance.random() < 0.5:
                found[f"{path.removesuffix('.xml')}_x.xml"] = found[path]
            else:
                del found[path]
            continue
        elif change == "remove":
            parent.remove(element)
        elif change == "double":
            for _ in range(chance.choice((1, 150))):
                parent.append(etree.fromstring(etree.tostring(element, with_tail=False)))
        else:
            others = [other for other in root.iter() if element not in {other, *other.iterancestors()}]
            chance.choice(others or [root]).append(element)
        found[path] = etree.tostring(root)
    return found


@settings(max_examples=200)
@given(st.integers(0, 10**9), st.integers(1, 4), st.sampled_from((OLD, NEW, NEWER)), st.booleans())
def test_whenever_two_archives_differ_a_difference_is_listed(
    seed: int, times: int, version: int, turned: bool
) -> None:
    plain, other = of_version(version), of_version(NEW, mutated(sample.members(), random.Random(seed), times))
    if version == OLD:
        # Changed members have to be readable as those of an old archive too, so only the second is changed.
        turned = False
    comparison = compared(other, plain) if turned else compared(plain, other)
    assert comparison.equal == (not comparison.differences) == (not comparison.totals)
    if comparison.equal:
        # A copy of a course beside its original needs names of its own; all else is there.
        assert {place.rpartition("/")[0] for place in comparison.leaves.lost} <= {"course/course.xml course"}


@pytest.mark.parametrize("name", ["moodle_28_quiz", "moodle_311_quiz", "question_category_34_format"])
def test_an_older_archive_and_its_own_change_differ_with_a_difference(fixtures: Path, name: str) -> None:
    contents = sample.contents_of(fixtures / f"older/{name}.mbz")
    path = next(path for path in sorted(contents) if path.endswith("module.xml"))
    changed = re.sub(rb"<idnumber>.*?</idnumber>", b"<idnumber>changed</idnumber>", contents[path])
    comparison = compared(contents, {**contents, path: changed})
    assert [each.path for each in comparison.differences] == ["module/idnumber"]


@pytest.mark.parametrize(
    ("first", "second", "explained"),
    [
        ("n" * 300, "n" * 255, True),
        ("n" * 300, "n" * 254, False),
        ("n" * 200 + "a", "n" * 200 + "b", False),
        ("n" * 255 + "a", "n" * 254 + "b", False),
    ],
)
def test_only_a_name_that_is_the_other_one_cut_for_moodle_4_5_is_explained(
    first: str, second: str, explained: bool
) -> None:
    archives = []
    for version, name in ((2026100500, first), (2024100700, second)):
        contents = of_version(version)
        before = contents["scales.xml"]
        contents["scales.xml"] = before.replace(b"<name>Stars</name>", f"<name>{name}</name>".encode())
        assert contents["scales.xml"] != before
        archives.append(contents)
    comparison = compared(*archives)
    assert any("takes no more characters" in sentence for sentence in comparison.explained) is explained
    assert (comparison.differences == ()) is explained
