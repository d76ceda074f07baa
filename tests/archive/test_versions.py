"""Archives of older versions, read as if they were of today."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from lxml import etree

from archive import versions
from archive.container import open_archive
from archive.manifest import read_manifest
from archive.older import activities


def modern(path: Path, member: str) -> etree._Element:
    """The root of a member of an old archive as it is read today."""
    with open_archive(path) as archive:
        versions.modernise(archive, read_manifest(archive).backup_version)
        return etree.fromstring(archive.read(member))


def old(folder: Path, **members: str) -> Path:
    """A folder with members of an old version, to read with `modern_of`."""
    for name, text in members.items():
        path = folder / (f"activities/quiz_3/{name}.xml" if name == "quiz" else f"{name}.xml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def modern_of(folder: Path, version: int, member: str) -> etree._Element:
    """The root of a member of a folder, as an archive of that version is read."""
    with open_archive(folder) as archive:
        versions.modernise(archive, version)
        return etree.fromstring(archive.read(member))


def test_a_question_of_before_4_0_is_the_only_version_of_an_entry(fixtures: Path) -> None:
    root = modern(fixtures / "older" / "moodle_311_quiz.mbz", "questions.xml")
    assert not root.findall("question_category/questions")
    entries = root.findall("question_category/question_bank_entries/question_bank_entry")
    assert len(entries) == 2, "three random questions are no questions any more"
    for entry in entries:
        (version,) = entry.findall("question_version/question_versions")
        (question,) = version.findall("questions/question")
        assert entry.get("id") == version.get("id") == question.get("id")
        assert entry.findtext("ownerid") == question.findtext("createdby") == "2"
        assert question.find("hidden") is None
        assert question.find("version") is None
        assert version.findtext("status") == "ready"


def test_a_random_question_of_before_4_0_is_drawn_by_its_slot(fixtures: Path) -> None:
    root = modern(fixtures / "older" / "moodle_311_quiz.mbz", "activities/quiz_2/quiz.xml")
    slots = root.findall("quiz/question_instances/question_instance")
    assert len(slots) == 3
    names = (["first question", "one", "number one"], ["first question"], ["second question"])
    for slot, tags in zip(slots, names, strict=True):
        assert slot.find("questionid") is None
        assert slot.find("tags") is None
        assert slot.findtext("question_set_reference/usingcontextid") == root.get("contextid")
        told = json.loads(slot.findtext("question_set_reference/filtercondition", ""))
        assert told["questioncategoryid"] == 2
        assert set(tags) <= {tag.partition(",")[2] for tag in told["tags"]}


def test_a_slot_of_before_4_0_refers_to_the_entry_of_its_question(fixtures: Path) -> None:
    root = modern(fixtures / "older" / "moodle_28_quiz.mbz", "activities/quiz_4/quiz.xml")
    slots = root.findall("quiz/question_instances/question_instance")
    assert [slot.findtext("question_reference/questionbankentryid") for slot in slots] == ["15", "16"]
    assert {slot.findtext("question_reference/version") for slot in slots} == {"$@NULL@$"}
    (section,) = root.findall("quiz/sections/section")
    assert section.findtext("firstslot") == "1"


def test_before_2_7_the_quiz_says_the_order_and_the_pages(tmp_path: Path) -> None:
    quiz = (
        '<activity id="1" moduleid="3" modulename="quiz" contextid="30"><quiz id="1"><shufflequestions>1</shufflequestions>'
        "<questions>8,0,7,9,0</questions><question_instances>"
        '<question_instance id="4"><question>7</question><grade>2.5</grade></question_instance>'
        '<question_instance id="5"><question>8</question><grade>1</grade></question_instance>'
        '<question_instance id="6"><question>9</question><grade>3</grade></question_instance>'
        "</question_instances></quiz></activity>"
    )
    root = modern_of(old(tmp_path, quiz=quiz), 2013111800, "activities/quiz_3/quiz.xml")
    slots = root.findall("quiz/question_instances/question_instance")
    places = {
        slot.get("id"): (slot.findtext("slot"), slot.findtext("page"), slot.findtext("maxmark"))
        for slot in slots
    }
    assert places == {"5": ("1", "1", "1"), "4": ("2", "2", "2.5"), "6": ("3", "2", "3")}
    assert root.findtext("quiz/sections/section/shufflequestions") == "1"


def test_before_3_5_a_category_at_the_top_gets_one_above_it(fixtures: Path) -> None:
    root = modern(fixtures / "older" / "question_category_34_format.mbz", "questions.xml")
    categories = {one.get("id"): one for one in root.findall("question_category")}
    tops = {number for number, one in categories.items() if one.findtext("name") == "top"}
    assert len(tops) == len(categories) - len(tops) == 2
    for one in categories.values():
        parent = one.findtext("parent")
        if one.findtext("name") != "top":
            assert parent in tops
            assert categories[parent].findtext("contextid") == one.findtext("contextid")
        assert one.findtext("idnumber") == "$@NULL@$"
        assert one.find("question_bank_entries") is not None


@pytest.mark.parametrize(("version", "changes"), [(2022041900, True), (2024100700, False)])
def test_the_conditions_of_4_0_to_4_2_become_filters(tmp_path: Path, version: int, changes: bool) -> None:
    told = json.dumps({"questioncategoryid": "5", "includingsubcategories": "1", "tags": []})
    quiz = (
        '<activity id="1" contextid="30"><quiz id="1"><question_instances><question_instance id="4">'
        f'<question_set_reference id="9"><filtercondition>{told}</filtercondition></question_set_reference>'
        "</question_instance></question_instances></quiz></activity>"
    )
    root = modern_of(old(tmp_path, quiz=quiz), version, "activities/quiz_3/quiz.xml")
    condition = json.loads(root.findtext(".//filtercondition") or "")
    expected = {
        "filter": {
            "category": {"jointype": 1, "values": [5], "filteroptions": {"includesubcategories": True}},
        }
    }
    assert condition == (expected if changes else json.loads(told))


def test_conditions_with_tags_keep_the_form_that_moodle_maps(tmp_path: Path) -> None:
    told = json.dumps({"questioncategoryid": "5", "includingsubcategories": "1", "tags": ["7,blue"]})
    quiz = (
        '<activity id="1" contextid="30"><quiz id="1"><question_instances><question_instance id="4">'
        f'<question_set_reference id="9"><filtercondition>{told}</filtercondition></question_set_reference>'
        "</question_instance></question_instances></quiz></activity>"
    )
    root = modern_of(old(tmp_path, quiz=quiz), 2022041900, "activities/quiz_3/quiz.xml")
    assert json.loads(root.findtext(".//filtercondition") or "") == {
        "questioncategoryid": 5,
        "includingsubcategories": True,
        "tags": ["7,blue"],
    }


@pytest.mark.parametrize(("version", "said"), [(2022112800, "69904"), (2023100900, None)])
def test_before_4_3_a_quiz_shows_the_maximum_marks(tmp_path: Path, version: int, said: str | None) -> None:
    quiz = '<activity id="1" contextid="30"><quiz id="1"><name>Q</name></quiz></activity>'
    root = modern_of(old(tmp_path, quiz=quiz), version, "activities/quiz_3/quiz.xml")
    assert root.findtext("quiz/reviewmaxmarks") == said


@pytest.mark.parametrize(
    ("name", "version", "said"),
    [
        ("quiz", "2014111000", "2024100700"),
        ("forum", "2013110500.02", "2024100700"),
        ("quiz", "2025041400", "2025041400"),
        ("quiz", "soon", "soon"),
        ("attendance", "2014111000", "2014111000"),
    ],
)
def test_an_older_activity_of_moodle_has_the_version_of_4_5(
    tmp_path: Path, name: str, version: str, said: str
) -> None:
    path = f"activities/{name}_3/module.xml"
    text = f'<module id="3" version="{version}"><modulename>{name}</modulename></module>'
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text(text)
    assert modern_of(tmp_path, 2014111000, path).get("version") == said


def test_an_archive_of_today_is_read_as_it_is(fixtures: Path) -> None:
    with open_archive(fixtures / "rich1-activity-forum.mbz") as archive:
        versions.modernise(archive, read_manifest(archive).backup_version)
        assert archive.through is None
    with open_archive(fixtures / "rich1-section.mbz") as archive:
        version = read_manifest(archive).backup_version
        versions.modernise(archive, version)
        assert [c.rewriting for c in versions.CHANGES if version < c.before] == [activities.Markers]
        for path in archive.members:
            if path.endswith(".xml") and not path.endswith("/assign.xml"):
                with archive.open(path) as read, archive.open_raw(path) as written:
                    assert read.read() == written.read(), path


def test_every_change_says_until_when_it_is_needed() -> None:
    for change in versions.CHANGES:
        assert change.says.endswith(".")
        assert change.until[0].isdigit()
        assert change.before > 2010072300


@pytest.mark.parametrize(("people", "reads"), [(True, 1), (False, 0)])
def test_an_assignment_without_markers_is_searched_once_and_not_without_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, people: bool, reads: int
) -> None:
    member = "activities/assign_3/assign.xml"
    (tmp_path / member).parent.mkdir(parents=True)
    (tmp_path / member).write_text('<activity><assign id="1"><name>Essay</name></assign></activity>')
    (tmp_path / "moodle_backup.xml").write_text("<moodle_backup/>")
    if people:
        (tmp_path / "users.xml").write_text("<users/>")
    searched = []

    def found_in(stream: object, pattern: object) -> bool:
        searched.append(stream)
        return False

    monkeypatch.setattr(activities, "found_in", found_in)
    with open_archive(tmp_path) as archive:
        versions.modernise(archive, 2026100500)
        for _ in range(3):
            assert b"Essay" in archive.read(member)
    assert len(searched) == reads
