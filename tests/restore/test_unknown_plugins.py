"""What plugins of others add to an archive, and no model describes, comes in and goes out again without loss."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from lxml import etree

from archive.manifest import ActivityEntry, ManifestSetting, format_manifest
from courses.models import Activity, Course, Section, User
from selection.table import options_for
from tests.archive import sample
from tests.archives_made import changed, members, packed, texts
from tests.jobs_done import Restored, back_up, compared, faults, restore

WHEEL, OLD_WHEEL, SPIN = 33, 9, 901
CONTEXT = 104
PICTURE = b"a wheel with eight spokes"
PICTURE_HASH = hashlib.sha1(PICTURE).hexdigest()
ODD = "Spokes &amp; &lt;rims&gt;, “ä€😀”,\n  on two lines"

THERE = "http://sample.example/mod/forum/view.php?id=31"
PACKED = f'a:1:{{s:6:"wheels";s:{len(THERE)}:"$@FORUMVIEWBYID*31@$";}}'
"""A serialised text as Moodle has it in an archive: a token, and the length of the address that it was made of."""

WHEEL_XML = f"""<activity id="{OLD_WHEEL}" moduleid="{WHEEL}" modulename="wheel" contextid="{CONTEXT}">
  <wheel id="{OLD_WHEEL}" style="a &amp; b">
    <course>2</course>
    <name>A wheel</name>
    <intro>{ODD} $@WHEELVIEWBYID*{WHEEL}@$ $@FORUMVIEWBYID*31@$</intro>
    <empty></empty>
    <packed>{PACKED}</packed>
    <nothing>$@NULL@$</nothing>
    <spins>
      <spin id="{SPIN}"><userid>11</userid><groupid>41</groupid><angle>41.50</angle></spin>
      <spin id="{SPIN + 1}"><userid>12</userid><groupid>0</groupid><angle>-7</angle></spin>
    </spins>
  </wheel>
</activity>"""
WHEEL_MODULE = f"""<module id="{WHEEL}" version="2024"><modulename>wheel</modulename><sectionid>21</sectionid>
<availability>$@NULL@$</availability><plugin_local_tracks_module><track id="5"><raterid>12</raterid>
<text>{ODD}</text></track></plugin_local_tracks_module></module>"""
QUESTIONS = """<question_categories><question_category id="301"><name>Odd ones</name><contextid>101</contextid>
<contextlevel>50</contextlevel><contextinstanceid>2</contextinstanceid><info></info><infoformat>0</infoformat>
<stamp>sample.example+1+a</stamp><parent>0</parent><sortorder>0</sortorder><idnumber>$@NULL@$</idnumber>
<question_bank_entries><question_bank_entry id="302"><questioncategoryid>301</questioncategoryid>
<idnumber>$@NULL@$</idnumber><ownerid>11</ownerid><question_version><question_versions id="303"><version>1</version>
<status>ready</status><questions><question id="304"><parent>0</parent><name>Turtle</name>
<questiontext>Draw a turtle</questiontext><questiontextformat>1</questiontextformat><generalfeedback></generalfeedback>
<generalfeedbackformat>1</generalfeedbackformat><defaultmark>1.0000000</defaultmark><penalty>0.3333333</penalty>
<qtype>turtle</qtype><length>1</length><stamp>sample.example+2+b</stamp><timecreated>1</timecreated>
<timemodified>2</timemodified><createdby>11</createdby><modifiedby>12</modifiedby><plugin_qtype_turtle_question>
<turtle id="7"><shell scale="3">green</shell><steps><step id="1"><turn>90</turn></step><step id="2"><turn>45</turn></step>
</steps></turtle></plugin_qtype_turtle_question><question_hints>
</question_hints><tags>
</tags></question></questions>
</question_versions></question_version></question_bank_entry></question_bank_entries></question_category>
</question_categories>"""
AMONG_POSTS = '<sticker id="4"><text>gold</text></sticker>'
ON_POST = """<plugin_local_likes_post><likes><like id="1"><userid>12</userid><mood>good</mood>
</like></likes></plugin_local_likes_post>"""
ON_FORUM = f"""<plugin_local_looks_forum><look id="1"><userid>13</userid></look>
<packed>{PACKED}</packed></plugin_local_looks_forum>"""
CLEO = """<user id="13" contextid="513"><username>cleo</username><email>cleo@example.com</email>
<firstname>Cleo</firstname><lastname>C</lastname></user>"""
ON_COURSE = (
    f"<plugin_local_flags_course><flag colour='red &amp; blue'>{ODD}</flag></plugin_local_flags_course>"
)
ON_SECTION = "<plugin_format_wheels_section><spokes>8</spokes></plugin_format_wheels_section>"
OWN_MEMBER = "<gears><gear id='3'><usermodified>11</usermodified><teeth>24</teeth></gear></gears>"


def contents() -> dict[str, bytes]:
    """The small archive with an activity, a question and parts of plugins that nobody here knows."""
    found = changed(
        members(),
        {
            "activities/forum_31/forum.xml": (
                "<subject>First post</subject>",
                f"<subject>First post</subject>{ON_POST}",
            ),
            "course/course.xml": ("<idnumber>", f"{ON_COURSE}<startdate>{sample.DATE}</startdate><idnumber>"),
            "sections/section_21/section.xml": ("<name>Start</name>", f"<name>Start</name>{ON_SECTION}"),
            "users.xml": ("</users>", f"{CLEO}</users>"),
            "questions.xml": (sample.HEAD + QUESTIONS).encode(),
            "files.xml": ("</files>", file_of_the_wheel() + "</files>"),
        },
    )
    forum = "activities/forum_31/forum.xml"
    found = changed(found, {forum: ("</posts>", f"{AMONG_POSTS}</posts>")})
    found = changed(found, {forum: ("<name>News</name>", f"<name>News</name>{ON_FORUM}")})
    folder = f"activities/wheel_{WHEEL}"
    for path, content in {
        f"{folder}/wheel.xml": WHEEL_XML,
        f"{folder}/module.xml": WHEEL_MODULE,
        f"{folder}/inforef.xml": "<inforef><userref><user><id>11</id></user><user><id>12</id></user></userref>"
        "<fileref><file><id>72</id></file></fileref></inforef>",
        f"{folder}/grades.xml": "<activity_gradebook>\n</activity_gradebook>",
        f"{folder}/roles.xml": "<roles>\n</roles>",
        f"{folder}/gears.xml": OWN_MEMBER,
        "course/gears.xml": OWN_MEMBER,
    }.items():
        found[path] = f"{sample.HEAD}{content}".encode()
    found[f"files/{PICTURE_HASH[:2]}/{PICTURE_HASH}"] = PICTURE
    found["moodle_backup.xml"] = manifest()
    return found


def manifest() -> bytes:
    """The manifest with the wheel in it."""
    told = sample.manifest()
    entry = ActivityEntry(WHEEL, 21, "wheel", "A wheel", f"activities/wheel_{WHEEL}")
    root = [
        ManifestSetting("root", option.name, "1")
        for option in options_for("backup")
        if option.level == "root" and option.kind == "switch" and option.name not in {"users", "anonymize"}
    ]
    own = [
        ManifestSetting("activity", f"wheel_{WHEEL}_{what}", "1", f"wheel_{WHEEL}")
        for what in ("included", "userinfo")
    ]
    everything = replace(told, activities=(*told.activities, entry), settings=(*told.settings, *root, *own))
    return format_manifest(everything)


def file_of_the_wheel() -> str:
    """A file in an area of the wheel's own, whose item is one of its spins."""
    return (
        f'<file id="72"><contenthash>{PICTURE_HASH}</contenthash><contextid>{CONTEXT}</contextid>'
        f"<component>mod_wheel</component><filearea>spin</filearea><itemid>{SPIN}</itemid><filepath>/</filepath>"
        f"<filename>wheel.png</filename><userid>11</userid><filesize>{len(PICTURE)}</filesize>"
        "<mimetype>image/png</mimetype><repositoryid>$@NULL@$</repositoryid></file>"
    )


@pytest.fixture
def transactional_db(standing: None) -> None:
    """The tests of this module share a course."""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive."""
    path = tmp_path_factory.mktemp("made") / "source.mbz"
    path.write_bytes(packed(contents()))
    return path


@pytest.fixture(scope="module")
def restored(standing: None, source: Path) -> Restored:
    """What came of it, after another course, so that no number stays what it was."""
    Course.objects.all().delete()
    restore(source)
    return restore(source)


@pytest.fixture(scope="module")
def first(restored: Restored, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course that came of it, backed up."""
    return back_up(restored.course, tmp_path_factory.mktemp("first") / "first.mbz")


def member(path: Path, name: str) -> etree._Element:
    """The one member whose path ends so."""
    (content,) = (text for where, text in texts(path).items() if where.endswith(name))
    return etree.fromstring(content.encode())


def one(root: etree._Element, path: str) -> etree._Element:
    found = root.findall(path)
    assert len(found) == 1, path
    return found[0]


def test_an_activity_of_an_unknown_type_is_there_and_people_are_told(
    transactional_db: None, restored: Restored
) -> None:
    wheel = Activity.objects.get(course=restored.course, modulename="wheel")
    assert str(wheel.pk) in (Section.objects.get(course=restored.course).sequence or "").split(",")
    assert "kept" in restored.findings
    assert "wheel" in restored.job.findings.get(code="kept").message


def test_all_that_it_says_goes_out_again_with_the_ids_of_here(
    transactional_db: None, restored: Restored, first: Path
) -> None:
    root = member(first, "/wheel.xml")
    wheel = Activity.objects.get(course=restored.course, modulename="wheel")
    forum = Activity.objects.get(course=restored.course, modulename="forum")
    anna, boris = (User.objects.get(username=name).pk for name in ("anna", "boris"))
    assert (root.get("moduleid"), root.get("contextid")) == (str(wheel.pk), str(wheel.contextid))
    assert root.get("id") == str(wheel.instance)
    inside = one(root, "wheel")
    assert inside.get("style") == "a & b"
    assert inside.findtext("course") == str(restored.course.pk)
    said = etree.fromstring(f"<a>{ODD}</a>").text
    assert inside.findtext("intro") == f"{said} $@WHEELVIEWBYID*{wheel.pk}@$ $@FORUMVIEWBYID*{forum.pk}@$"
    assert (inside.findtext("empty"), inside.findtext("nothing")) == ("", "$@NULL@$")
    spins = inside.findall("spins/spin")
    assert [spin.findtext("userid") for spin in spins] == [str(anna), str(boris)]
    assert [spin.findtext("angle") for spin in spins] == ["41.50", "-7"]
    assert spins[0].findtext("groupid") not in ("0", "41")


def test_links_in_serialised_values_lead_here_and_the_lengths_are_those_of_this_site(
    transactional_db: None, restored: Restored, first: Path
) -> None:
    forum = Activity.objects.get(course=restored.course, modulename="forum")
    address = f"{settings.SITE_URL}/mod/forum/view.php?id={forum.pk}"
    expected = f'a:1:{{s:6:"wheels";s:{len(address)}:"$@FORUMVIEWBYID*{forum.pk}@$";}}'
    assert [
        found.text for name in ("/wheel.xml", "/forum.xml") for found in member(first, name).iter("packed")
    ] == [
        expected,
        expected,
    ]


def test_a_question_of_an_unknown_type_keeps_what_only_its_type_has(
    transactional_db: None, first: Path
) -> None:
    question = one(member(first, "questions.xml"), ".//question")
    assert question.findtext("qtype") == "turtle"
    assert question.findtext("createdby") == str(User.objects.get(username="anna").pk)
    turtle = one(question, "plugin_qtype_turtle_question/turtle")
    assert one(turtle, "shell").get("scale") == "3"
    assert [turn.text for turn in turtle.iter("turn")] == ["90", "45"]


def test_parts_of_plugins_stay_in_the_records_that_they_were_in(transactional_db: None, first: Path) -> None:
    said = etree.fromstring(f"<a>{ODD}</a>").text
    boris = str(User.objects.get(username="boris").pk)
    post = one(member(first, "/forum.xml"), ".//post[subject='First post']")
    assert post.findtext("plugin_local_likes_post/likes/like/userid") == boris
    assert post.findtext("plugin_local_likes_post/likes/like/mood") == "good"
    flag = one(member(first, "course/course.xml"), "plugin_local_flags_course/flag")
    assert (flag.get("colour"), flag.text) == ("red & blue", said)
    assert member(first, "/section.xml").findtext("plugin_format_wheels_section/spokes") == "8"
    modules = [
        etree.fromstring(text.encode()) for path, text in texts(first).items() if path.endswith("/module.xml")
    ]
    tracks = [track for module in modules for track in module.findall("plugin_local_tracks_module/track")]
    assert [(track.findtext("raterid"), track.findtext("text")) for track in tracks] == [(boris, said)]


def test_what_stands_among_the_records_of_a_list_stays_in_that_list(
    transactional_db: None, first: Path
) -> None:
    discussion = one(member(first, "/forum.xml"), ".//discussion")
    assert [found.text for found in discussion.iterfind("posts/sticker/text")] == ["gold"]


def test_members_of_their_own_come_along(transactional_db: None, first: Path) -> None:
    anna = str(User.objects.get(username="anna").pk)
    found = {path: text for path, text in texts(first).items() if path.endswith("gears.xml")}
    assert len(found) == 2
    for text in found.values():
        gear = etree.fromstring(text.encode())
        assert (gear.findtext("gear/usermodified"), gear.findtext("gear/teeth")) == (anna, "24")


def test_their_files_come_along(transactional_db: None, first: Path) -> None:
    files = [file for file in member(first, "files.xml") if file.findtext("component") == "mod_wheel"]
    assert [(file.findtext("filename"), file.findtext("contenthash")) for file in files] == [
        ("wheel.png", PICTURE_HASH)
    ]
    assert files[0].findtext("itemid") == str(SPIN)


def test_nothing_that_the_archive_said_is_lost(transactional_db: None, source: Path, first: Path) -> None:
    assert compared(source, first).leaves.lost == {}


def test_another_trip_changes_nothing_more(transactional_db: None, first: Path, tmp_path: Path) -> None:
    second = back_up(restore(first).course, tmp_path / "second.mbz")
    found = compared(first, second)
    assert found.totals == {}
    assert found.leaves.share == 1
    assert faults(first) == faults(second) == []


def test_without_people_their_work_in_unknown_activities_stays_away(
    transactional_db: None, restored: Restored, tmp_path: Path
) -> None:
    path = back_up(restored.course, tmp_path / "a.mbz", users=0)
    wheel = one(member(path, "/wheel.xml"), "wheel")
    assert wheel.findtext("name") == "A wheel"
    assert wheel.findall(".//spin") == []
    assert "<like " not in texts(path)[next(name for name in texts(path) if name.endswith("/forum.xml"))]


def test_where_an_activity_comes_without_its_work_what_plugins_have_of_it_stays_away_too(
    transactional_db: None, restored: Restored, source: Path, tmp_path: Path
) -> None:
    forum = Activity.objects.get(course=restored.course, modulename="forum")
    off: dict[str, Any] = {f"forum_{forum.pk}_userinfo": 0}
    assert (
        "<look "
        in texts(back_up(restored.course, tmp_path / "a.mbz"))[f"activities/forum_{forum.pk}/forum.xml"]
    )
    path = back_up(restored.course, tmp_path / "b.mbz", **off)
    assert "<look " not in texts(path)[f"activities/forum_{forum.pk}/forum.xml"]
    again = restore(source, forum_31_userinfo=0).course
    name = f"activities/forum_{Activity.objects.get(course=again, modulename='forum').pk}/forum.xml"
    assert "<look " not in texts(back_up(again, tmp_path / "c.mbz"))[name]


def test_a_person_whom_only_a_plugin_names_comes_along(
    transactional_db: None, restored: Restored, tmp_path: Path
) -> None:
    section = Section.objects.get(course=restored.course)
    path = back_up(restored.course, tmp_path / "a.mbz", archive_type="section", item=section.pk)
    assert "cleo" in {person.findtext("username") for person in member(path, "users.xml")}


def test_hidden_people_are_hidden_there_too(
    transactional_db: None, restored: Restored, tmp_path: Path
) -> None:
    path = back_up(restored.course, tmp_path / "a.mbz", anonymize=1)
    numbers = {str(number) for number in User.objects.values_list("pk", flat=True)}
    shown = {person.get("id") for person in member(path, "users.xml")}
    spins = member(path, "/wheel.xml").findall(".//spin/userid")
    assert {spin.text for spin in spins} <= shown
    assert {spin.text for spin in spins}.isdisjoint(numbers)
