"""References of plugins to records of the same member follow these records, and nothing that only looks like one does."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from courses.activities.forum import Forum, ForumDiscussion, ForumPost
from courses.models import Course
from tests.archives_made import real, small, texts
from tests.jobs_done import back_up, compared, restore

pytestmark = pytest.mark.django_db(transaction=True)

FORUM = "activities/forum_31/forum.xml"
ON_FORUM = """<plugin_local_x_forum><pins>
<pin id="61"><postid>61</postid><discussionid>50</discussionid><forumid>7</forumid><strengthid>61</strengthid></pin>
<pin id="2"><postid>0</postid><discussionid>many</discussionid><parent>61</parent><itemid>61</itemid></pin>
</pins></plugin_local_x_forum>"""
ON_POST = """<plugin_local_x_post><posts><post id="61"><mood>glad</mood></post></posts>
<last><postid>61</postid></last></plugin_local_x_post>"""


def inside(path: Path, member: str, wrapper: str) -> etree._Element:
    """The one element of this name in the members whose path ends so."""
    found = [
        element
        for where, text in texts(path).items()
        if where.endswith(member)
        for element in etree.fromstring(text.encode()).iter(wrapper)
    ]
    assert len(found) == 1
    return found[0]


def test_ids_that_name_a_record_of_their_member_are_those_of_here(tmp_path: Path) -> None:
    source = small(
        tmp_path / "one.mbz",
        {FORUM: ("<name>News</name>", f"<name>News</name>{ON_FORUM}")},
    )
    Course.objects.all().delete()
    again = back_up(restore(source).course, tmp_path / "two.mbz")
    first, second = inside(again, "forum.xml", "pins")
    post = ForumPost.objects.get(subject="First post")
    discussion, forum = ForumDiscussion.objects.get(), Forum.objects.get()
    assert {child.tag: child.text for child in first} == {
        "postid": str(post.pk),
        "discussionid": str(discussion.pk),
        "forumid": str(forum.pk),
        "strengthid": "61",
    }
    assert first.get("id") == "61"
    assert {child.tag: child.text for child in second} == {
        "postid": "0",
        "discussionid": "many",
        "parent": "61",
        "itemid": "61",
    }


def test_a_plugin_that_has_such_records_itself_keeps_its_own_ids(tmp_path: Path) -> None:
    subject = "<subject>First post</subject>"
    source = small(tmp_path / "one.mbz", {FORUM: (subject, f"{subject}{ON_POST}")})
    again = back_up(restore(source).course, tmp_path / "two.mbz")
    assert inside(again, "forum.xml", "last").findtext("postid") == "61"


def test_a_plugin_of_a_submission_follows_it_by_the_name_that_all_such_plugins_use(
    fixtures: Path, tmp_path: Path
) -> None:
    member = next(
        path
        for path, text in texts(fixtures / "rich1-users.mbz").items()
        if path.endswith("/assign.xml") and '<submission id="1">' in text
    )
    own = "<subplugin_assignsubmission_x_submission><submission_x><submission>1</submission><grade>1</grade>"
    own += "</submission_x></subplugin_assignsubmission_x_submission>"
    source = real(
        fixtures / "rich1-users.mbz",
        tmp_path / "one.mbz",
        {member: ('<submission id="1">', f'<submission id="1">{own}')},
    )
    again = back_up(restore(source).course, tmp_path / "two.mbz")
    found = inside(again, "assign.xml", "submission_x")
    around = next(found.iterancestors("submission"))
    assert found.findtext("submission") == around.get("id") != "1"
    assert found.findtext("grade") == "1"


def test_the_marks_of_moodle_5_name_the_grades_that_they_named(fixtures: Path, tmp_path: Path) -> None:
    source = fixtures / "moodle5" / "synthetic-5.3-short-names.mbz"
    again = back_up(restore(source).course, tmp_path / "two.mbz")
    assert grades_of_marks(again) == grades_of_marks(source) != set()
    assert not [each for each in compared(source, again).totals if each.endswith("gradeid")]


def grades_of_marks(path: Path) -> set[tuple[str | None, bool]]:
    """The mark of each student, and whether the grade that it names is the student's."""
    found = set()
    for where, text in texts(path).items():
        if where.endswith("/assign.xml"):
            root = etree.fromstring(text.encode())
            owners = {grade.get("id"): grade.findtext("userid") for grade in root.iter("grade")}
            for mark in root.iterfind(".//marks/mark"):
                student = mark.findtext("student")
                found.add((mark.findtext("mark"), student == owners.get(mark.findtext("gradeid"))))
    return found
