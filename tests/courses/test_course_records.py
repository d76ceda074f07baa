"""Records that few courses have: they come in, go out again, name what is here, and are on a page."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from lxml import etree

from archive.container import open_archive
from courses.activities.bigbluebuttonbn import BigBlueButtonBn, BigBlueButtonBnLog
from courses.activities.forum import Forum
from courses.activities.quiz import Quiz
from courses.blocks.rss_client import Feed, FeedReader
from courses.models import Block, Context, Course, Enrol, Group, Role, User
from courses.models.badges import Badge
from courses.models.course import CourseFormatOption
from courses.models.grades import GradeHistory, GradeItem
from courses.models.logs import StandardLog
from courses.models.published import PublishedTool, PublishedToolUser
from tests.courses.activities import scene
from tests.jobs_done import back_up, restore

pytestmark = pytest.mark.django_db(transaction=True)

START = 1_700_000_000
DAY = 86_400


def packed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def read(path: Path, member: str) -> etree._Element:
    """A member of an archive."""
    with open_archive(path) as archive:
        return etree.fromstring(archive.read(member))


def shown(name: str, course: Course) -> str:
    """A page of the course as a site administrator sees it."""
    client = Client()
    client.force_login(User.objects.create_superuser("who-looks"))
    return client.get(reverse("course-page", args=[course.pk, name])).content.decode()


def block(course: Course, name: str, configuration: str) -> Block:
    """A block of the course."""
    return Block.objects.create(
        course=course,
        contextid=Context.objects.create().pk,
        blockname=name,
        parentcontextid=course.contextid,
        configdata=packed(configuration),
    )


def published(course: Course, person: User) -> PublishedTool:
    """The course as a tool to which somebody came."""
    tool = PublishedTool.objects.create(
        enrol=Enrol.objects.create(course=course, enrol="lti"),
        contextid=course.contextid,
        roleinstructor=Role.objects.get(shortname="editingteacher").pk,
        rolelearner=Role.objects.get(shortname="student").pk,
        secret="between us",
    )
    PublishedToolUser.objects.create(
        tool=tool, userid=person.pk, sourceid="anna@elsewhere", consumersecret="hush"
    )
    return tool


def test_a_course_that_is_a_tool_of_other_sites_goes_on_being_one(tmp_path: Path) -> None:
    course, anna = scene.course(), scene.person("anna")
    published(course, anna)
    path = back_up(course, tmp_path / "a.mbz")
    element = read(path, "course/enrolments.xml").find("enrols/enrol[enrol='lti']/tool")
    assert element is not None
    parent = element.getparent()
    assert parent is not None
    assert element.findtext("enrolid") == parent.get("id")
    assert element.findtext("users/user/toolid") == element.get("id")
    copy = restore(path).course
    tool = PublishedTool.objects.get(enrol__course=copy)
    assert (tool.contextid, tool.secret) == (copy.contextid, "between us")
    assert Role.objects.get(pk=tool.rolelearner).shortname == "student"
    came = PublishedToolUser.objects.get(tool=tool)
    assert (came.userid, came.sourceid) == (anna.pk, "anna@elsewhere")
    page = shown("people", copy)
    assert "From other sites, as a tool" in page
    assert "between us" not in page
    assert "hush" not in page


@pytest.mark.parametrize("options", [{"users": 0}, {"anonymize": 1}], ids=str)
def test_who_came_from_another_site_stays_away_with_the_people(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    course, anna = scene.course(), scene.person("anna")
    published(course, anna)
    members = read(back_up(course, tmp_path / "a.mbz", **options), "course/enrolments.xml")
    assert members.find("enrols/enrol/tool") is not None
    assert members.find("enrols/enrol/tool/users/user") is None


def test_a_block_goes_on_showing_its_feeds(tmp_path: Path) -> None:
    course = scene.course()
    block(course, "html", 'O:8:"stdClass":0:{}')
    one = block(course, "rss_client", 'O:8:"stdClass":0:{}')
    reader = FeedReader.objects.create(block=one)
    Feed.objects.create(reader=reader, title="Other", url="http://feeds.example/0")
    feed = Feed.objects.create(reader=reader, title="News", url="http://feeds.example/1", shared=1)
    one.configdata = packed(
        f'O:8:"stdClass":1:{{s:5:"rssid";a:1:{{i:0;s:{len(str(feed.pk))}:"{feed.pk}";}}}}'
    )
    one.save()
    path = back_up(course, tmp_path / "a.mbz")
    with open_archive(path) as archive:
        assert [name for name in archive.members if name.endswith("rss_client.xml")] == [
            f"course/blocks/{one.folder}/rss_client.xml"
        ]
    root = read(path, f"course/blocks/{one.folder}/rss_client.xml")
    assert dict(root.items()) == {
        "id": str(one.pk),
        "contextid": str(one.contextid),
        "blockname": "rss_client",
    }
    copy = restore(path).course
    again = Feed.objects.get(reader__block__course=copy, title="News")
    assert (again.url, again.shared) == ("http://feeds.example/1", 1)
    told = base64.b64decode(Block.objects.get(course=copy, blockname="rss_client").configdata or "").decode()
    assert f'i:0;s:{len(str(again.pk))}:"{again.pk}";' in told
    assert again.pk != feed.pk
    assert "News (http://feeds.example/1)" in shown("blocks", copy)


def test_the_results_of_an_activity_are_shown_of_the_activity_that_came(tmp_path: Path) -> None:
    course = scene.course()
    quiz = scene.activity(course, Quiz, name="Q", intro="")
    GradeItem.objects.create(course=course, itemtype="manual")
    item = GradeItem.objects.create(
        course=course, activity=quiz.owner, itemtype="mod", itemmodule="quiz", iteminstance=quiz.pk
    )
    parts = f's:16:"activityparentid";i:{quiz.pk};s:14:"activityparent";s:4:"quiz";s:19:"activitygradeitemid";i:{item.pk};'
    block(course, "activity_results", f'O:8:"stdClass":3:{{{parts}}}')
    copy = scene.again(course, tmp_path)
    told = base64.b64decode(Block.objects.get(course=copy).configdata or "").decode()
    new = copy.activities.get().quiz
    assert f'"activityparentid";i:{new.pk};' in told
    assert f'"activitygradeitemid";i:{new.owner.grade_items.get().pk};' in told
    assert new.pk != quiz.pk


def test_a_way_into_the_course_puts_people_into_the_group_that_came(tmp_path: Path) -> None:
    course = scene.course()
    Group.objects.create(course=course, name="Other")
    group = Group.objects.create(course=course, name="From the cohort")
    for name, number in (("cohort", group.pk), ("meta", -1), ("self", group.pk)):
        Enrol.objects.create(course=course, enrol=name, customint2=number)
    copy = scene.again(course, tmp_path)
    new = Group.objects.get(course=copy, name="From the cohort").pk
    ways = dict(Enrol.objects.filter(course=copy).values_list("enrol", "customint2"))
    assert (ways["cohort"], ways["meta"], ways["self"]) == (new, -1, group.pk)
    assert new != group.pk


def test_a_log_is_about_the_records_that_came(tmp_path: Path) -> None:
    course, anna = scene.course(), scene.person("anna")
    forum = scene.activity(course, Forum, name="F", intro="")
    StandardLog.objects.create(
        placeid=forum.owner.contextid, contextid=forum.owner.contextid, userid=anna.pk, component="mod_forum",
        eventname="\\mod_forum\\event\\subscription_created", objecttable="forum", objectid=forum.pk,
        other=packed(json.dumps({"forumid": forum.pk, "relateduserid": anna.pk})), edulevel=2,
    )  # fmt: skip
    copy = restore(back_up(course, tmp_path / "a.mbz", logs=1), logs="1").course
    new = copy.activities.get()
    noted = StandardLog.objects.get(placeid=new.contextid)
    assert (noted.objectid, noted.contextid) == (new.instance, new.contextid)
    said = json.loads(base64.b64decode(noted.other or ""))
    assert said == {"forumid": new.instance, "relateduserid": anna.pk}
    assert new.instance != forum.pk


def test_a_log_of_meetings_tells_no_name_of_people_who_are_hidden(tmp_path: Path) -> None:
    course, anna = scene.course(), scene.person("anna")
    room = scene.activity(course, BigBlueButtonBn, name="R", intro="")
    there = json.dumps(
        {"data": {"name": "Anna of the test", "ext_user_id": str(anna.pk)}}, separators=(",", ":")
    )
    BigBlueButtonBnLog.objects.create(room=room, userid=anna.pk, log="Summary", meta=there)
    member = f"activities/bigbluebuttonbn_{room.owner.pk}/bigbluebuttonbn.xml"
    hidden = read(back_up(course, tmp_path / "a.mbz", anonymize=1), member)
    assert "Anna of the test" not in etree.tostring(hidden, encoding="unicode")
    path = back_up(course, tmp_path / "b.mbz")
    anna.delete()
    log = BigBlueButtonBnLog.objects.get(room__owner__course=restore(path).course)
    said = json.loads(log.meta or "")["data"]
    assert said == {"name": "Anna of the test", "ext_user_id": str(User.objects.get(username="anna").pk)}


def test_dates_of_badges_move_and_what_grades_were_does_not(tmp_path: Path) -> None:
    course, anna = scene.course(), scene.person("anna")
    Badge.objects.create(
        course=course, name="B", message="", messagesubject="", expiredate=START + DAY, timecreated=START
    )
    item = GradeItem.objects.create(course=course, itemtype="manual", locktime=START + DAY)
    GradeHistory.objects.create(course=course, itemid=item.pk, userid=anna.pk, locktime=START + DAY)
    path = back_up(course, tmp_path / "a.mbz", grade_histories=1)
    copy = restore(path, grade_histories="1", course_startdate=str(START + 10 * DAY)).course
    badge = Badge.objects.get(course=copy)
    assert (badge.expiredate, badge.timecreated) == (START + 11 * DAY, START)
    assert GradeItem.objects.get(course=copy).locktime == START + 11 * DAY
    assert GradeHistory.objects.get(course=copy).locktime == START + DAY


def test_what_few_archives_say_of_a_course_is_read_and_said_again(tmp_path: Path) -> None:
    course = scene.course()
    Course.objects.filter(pk=course.pk).update(completionstartonenrol=1)
    CourseFormatOption.objects.create(
        course=course, courseid=course.pk, format="topics", name="coursedisplay", value="1"
    )
    course.refresh_from_db()
    copy = scene.again(course, tmp_path)
    assert copy.completionstartonenrol == 1
    option = CourseFormatOption.objects.get(course=copy)
    assert (option.courseid, option.value) == (copy.pk, "1")
