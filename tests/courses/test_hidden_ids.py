"""Ids inside values: each kind of field that has some, whole and damaged, known and gone."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from courses.fields import (
    ArchiveField,
    CriterionText,
    Formula,
    GradedItemRef,
    GradeItemInstance,
    InstanceRef,
    ItemRef,
    Reading,
    RefPath,
    SiblingRef,
)
from courses.fields.answers import ChosenAnswers
from courses.fields.banks import ContextInstance
from courses.fields.configuration import BlockConfiguration
from courses.fields.logged import LoggedAddress, LoggedDetails, LoggedObject
from courses.fields.participants import MeetingDetails
from courses.fields.special import MethodGroup

GONE = 13
"""The one record that never comes."""


class Moved:
    """New ids are old ids and a thousand, and one record has none; what was asked for is noted."""

    def __init__(self) -> None:
        self.kinds: list[str] = []

    def mention(self, kind: str, old: int) -> int | None:
        self.kinds.append(kind)
        return None if old == GONE else old + 1000


def in_row(one: ArchiveField, text: str, **texts: str) -> tuple[str | None, list[str]]:
    """The value as COPY gets it, by the other texts of its row, and the kinds that were asked for."""
    moved = Moved()
    return one.parse_in_row(text, texts, Reading(moved)), moved.kinds


def alone(one: ArchiveField, text: str) -> str | None:
    return one.parser(Reading(Moved()))(text)


def packed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("=max(##gi12##; ##gi5##) * 2", "=max(##gi1012##; ##gi1005##) * 2"),
        ("=##gi12##+##gi12##", "=##gi1012##+##gi1012##"),
        ("=[[number]] + 12", "=[[number]] + 12"),
        ("=##gi##", "=##gi##"),
    ],
)
def test_a_calculation_names_the_grade_items_of_here(text: str, value: str) -> None:
    assert alone(Formula(), text) == value


@pytest.mark.parametrize(("text", "value"), [("/4/5/", "/1004/1005/"), ("", ""), ("/13/5/", "/0/1005/")])
def test_a_path_leads_through_the_ancestors_of_here(text: str, value: str) -> None:
    assert alone(RefPath("grade_category"), text) == value


COMPONENT_AREA = ("component", "area")


@pytest.mark.parametrize(
    ("one", "texts", "kind"),
    [
        (GradeItemInstance(), {"itemtype": "course"}, "grade_category"),
        (GradeItemInstance(), {"itemtype": "category"}, "grade_category"),
        (GradeItemInstance(), {"itemtype": "mod", "itemmodule": "quiz"}, "quiz"),
        (GradeItemInstance(), {"itemtype": "manual"}, None),
        (GradeItemInstance(), {"itemtype": "mod", "itemmodule": "no name"}, None),
        (InstanceRef(), {"modulename": "assign"}, "assign"),
        (InstanceRef(), {"modulename": "0"}, None),
        (GradedItemRef(), {"area/areaname": "submissions"}, "grade"),
        (GradedItemRef(), {"area/areaname": "forum"}, "forum_grade"),
        (GradedItemRef(), {"area/areaname": "nobody knows"}, None),
        (ItemRef(by=COMPONENT_AREA), {"component": "mod_forum", "area": "post"}, "forum_post"),
        (ItemRef(by=COMPONENT_AREA), {"component": "mod_forum", "area": "intro"}, None),
        (ItemRef(by=COMPONENT_AREA, declared_in="comments"), {"component": "mod_wiki", "area": "wiki_page"}, "wiki_page"),
        (ItemRef(by=COMPONENT_AREA, declared_in="comments"), {"component": "block_comments", "area": "page_comments"}, None),
        (MethodGroup(), {"enrol": "cohort"}, "group"),
        (MethodGroup(), {"enrol": "meta"}, "group"),
        (MethodGroup(), {"enrol": "self"}, None),
        (LoggedObject(), {"objecttable": "forum_posts"}, "forum_post"),
        (LoggedObject(), {"objecttable": "quiz"}, "quiz"),
        (LoggedObject(), {"objecttable": "glossary_entries"}, "glossary_entry"),
        (LoggedObject(), {"objecttable": "course_modules"}, "course_module"),
        (LoggedObject(), {"objecttable": "assign_submission"}, "submission"),
        (LoggedObject(), {"objecttable": "quiz_slots"}, "quiz_question_instance"),
        (LoggedObject(), {"objecttable": "groups"}, "group"),
        (LoggedObject(), {"objecttable": "feedback_completed"}, "feedback_completed"),
        (LoggedObject(), {"objecttable": "messages"}, None),
        (LoggedObject(), {}, None),
    ],
)  # fmt: skip
def test_a_neighbour_says_of_which_kind_an_id_is(
    one: SiblingRef, texts: dict[str, str], kind: str | None
) -> None:
    if isinstance(one, MethodGroup):
        texts = {**texts, "customint2": "5"}
    expected = ("1005", [kind]) if kind else ("5", [])
    assert in_row(one, "5", **texts) == expected
    assert in_row(one, "0", **texts) == ("0", [])


@pytest.mark.parametrize(("text", "value"), [("-1", "-1"), ("0", "0"), ("5", "1005"), ("13", "0")])
def test_a_way_into_a_course_that_makes_a_group_of_its_own_goes_on_doing_so(text: str, value: str) -> None:
    assert in_row(MethodGroup(), text, enrol="cohort", customint2=text)[0] == value


@pytest.mark.parametrize(
    ("criteriatype", "name", "text", "value"),
    [
        ("1", "module_687", "module_687", "module_1687"),
        ("1", "module_687", "687", "1687"),
        ("1", "bydate_687", "bydate_687", "bydate_1687"),
        ("1", "bydate_687", "1700000000", "1700000000"),
        ("1", "bydate_687", "687", "687"),
        ("2", "role_3", "3", "1003"),
        ("4", "course_2", "course_2", "course_1002"),
        ("5", "course_2", "2", "1002"),
        ("5", "grade_2", "50", "50"),
        ("7", "badge_3", "badge_3", "badge_1003"),
        ("6", "field_firstname", "firstname", "firstname"),
        ("6", "field_5", "5", "5"),
        ("8", "cohort_5", "cohort_5", "cohort_5"),
        ("9", "competency_5", "5", "5"),
        ("2", "role_13", "role_13", "role_0"),
        ("2", "role_13", "13", "0"),
        ("1", "module", "687", "687"),
    ],
)
def test_a_criterion_names_what_is_here_and_what_belongs_to_the_site_stays(
    criteriatype: str, name: str, text: str, value: str
) -> None:
    assert in_row(CriterionText(255), text, criteriatype=criteriatype, name=name)[0] == value


@pytest.mark.parametrize(
    ("block", "said", "becomes"),
    [
        ("activity_results", '16:"activityparentid";i:5;s:14:"activityparent";s:4:"quiz"', "i:1005"),
        ("activity_results", '19:"activitygradeitemid";s:1:"5"', 's:4:"1005"'),
        ("glossary_random", '8:"glossary";s:1:"5"', 's:4:"1005"'),
        ("glossary_random", '8:"courseid";s:1:"5"', 's:4:"1005"'),
        ("rss_client", '5:"rssid";a:1:{i:0;s:1:"5";}', 'a:1:{i:0;s:4:"1005";}'),
        ("html", '8:"glossary";s:1:"5"', 's:1:"5"'),
    ],
)
def test_a_blocks_configuration_names_what_is_here(block: str, said: str, becomes: str) -> None:
    text = packed(f'O:8:"stdClass":1:{{s:{said};}}')
    value, _ = in_row(BlockConfiguration(), text, blockname=block)
    assert becomes in base64.b64decode(value or "").decode()


@pytest.mark.parametrize(
    ("module", "text", "page"),
    [
        ("forum", "view.php?id=12", "view.php?id=1012"),
        ("forum", "discuss.php?d=5&parent=6", "discuss.php?d=1005&parent=1006"),
        ("course", "view.php?id=2#section-3", "view.php?id=1002#section-3"),
        ("nobody", "view.php?id=12", "view.php?id=1012"),
        ("forum", "report.php?x=12", "report.php?x=12"),
        ("forum", "view.php?id=13", "view.php?id=13"),
        ("", "", ""),
    ],
)
def test_a_page_that_somebody_was_on_is_a_page_of_here(module: str, text: str, page: str) -> None:
    assert in_row(LoggedAddress(100), text, module=module)[0] == page


def test_a_page_whose_address_would_not_fit_stays() -> None:
    assert in_row(LoggedAddress(14), "view.php?id=12", module="forum")[0] == "view.php?id=12"


SAID: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "mod_forum",
        {"forumid": 5, "discussionid": "6", "x": 7},
        {"forumid": 1005, "discussionid": "1006", "x": 7},
    ),
    ("mod_wiki", {"pageid": 5}, {"pageid": 1005}),
    ("mod_other", {"pageid": 5, "attemptid": 6}, {"pageid": 5, "attemptid": 6}),
    ("mod_quiz", {"attemptid": 6, "quizid": GONE}, {"attemptid": 1006, "quizid": 0}),
    (
        "core",
        {"relateduserid": 4, "courseid": 0, "group": True},
        {"relateduserid": 1004, "courseid": 0, "group": True},
    ),
]


@pytest.mark.parametrize(("component", "said", "becomes"), SAID)
def test_what_an_event_said_names_what_is_here(
    component: str, said: dict[str, Any], becomes: dict[str, Any]
) -> None:
    value, _ = in_row(LoggedDetails(), packed(json.dumps(said)), component=component)
    assert json.loads(base64.b64decode(value or "")) == becomes


def test_what_an_event_said_may_be_serialised() -> None:
    text = packed('a:2:{s:7:"forumid";i:5;s:12:"discussionid";s:1:"6";}')
    value, kinds = in_row(LoggedDetails(), text, component="mod_forum")
    assert base64.b64decode(value or "") == b'a:2:{s:7:"forumid";i:1005;s:12:"discussionid";s:4:"1006";}'
    assert kinds == ["forum", "forum_discussion"]


@pytest.mark.parametrize(
    "text", ["", "no base64!", packed("N;"), packed("[1, 2]"), packed("{"), packed("null")]
)
def test_what_says_nothing_stays(text: str) -> None:
    assert in_row(LoggedDetails(), text, component="core") == (text, [])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"data":{"ext_user_id":"5","name":"Anna"}}', '{"data":{"ext_user_id":"1005","name":"Anna"}}'),
        ('{"data":{"ext_user_id":5}}', '{"data":{"ext_user_id":1005}}'),
        ('{"data":{"ext_user_id":"13"}}', '{"data":{"ext_user_id":"0"}}'),
        ('{"data":{"ext_user_id":"guest"}}', '{"data":{"ext_user_id":"guest"}}'),
        ('{"record": true}', '{"record": true}'),
        ('{"ext_user_id"', '{"ext_user_id"'),
        ('["ext_user_id"]', '["ext_user_id"]'),
    ],
)
def test_who_was_in_a_meeting_is_a_person_of_here(text: str, value: str) -> None:
    assert alone(MeetingDetails(), text) == value


@pytest.mark.parametrize(
    ("one", "text", "texts", "mapped"),
    [
        (MethodGroup(), "5.0", {"enrol": "cohort", "customint2": "5.0"}, "1005"),
        (ContextInstance(), "5", {"contextlevel": "50.0"}, "1005"),
        (CriterionText(), "module_5", {"criteriatype": "1.0", "name": "module_5"}, "module_1005"),
        (ChosenAnswers(), "5", {"page/qtype": "3.0", "page/qoption": "1.00"}, "1005"),
    ],
)
def test_a_neighbour_decides_by_the_number_that_is_stored(
    one: ArchiveField, text: str, texts: dict[str, str], mapped: str
) -> None:
    assert in_row(one, text, **texts)[0] == mapped
