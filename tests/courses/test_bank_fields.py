"""Ids that hide in what belongs to questions: conditions of random questions, and the steps of attempts."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.comparison import canonical
from courses import questions
from courses.fields import ContextInstance, FilterConditions, Reading, RefList, StepName, StepValue

GONE = 99
"""The one thing that did not come."""
TYPES = {
    1: "multichoice",
    2: "match",
    3: "randomsamatch",
    4: "ordering",
    5: "multianswer",
    6: "of_a_third_party",
}


class Moved:
    """New ids are old ids and a thousand; each kind adds its own tenth of a million."""

    KINDS = ("question", "question_answer", "qtype_match_subquestions", "question_category", "tag", "context")

    def mention(self, kind: str, old: int) -> int | None:
        return old + 1000 + 100_000 * (self.KINDS.index(kind) if kind in self.KINDS else 9)

    def known(self, kind: str, old: int) -> int | None:
        return None if old == GONE else self.mention(kind, old)


READING = Reading(Moved(), type_of=lambda kind, old: TYPES.get(old))


def step(question: int, name: str, value: str) -> tuple[str | None, str | None]:
    """A variable of a step in an attempt at a question, as it comes in."""
    texts = {"name": name, "value": value, "question_attempt/questionid": str(question)}
    return StepName(32).parse_in_row(name, texts, READING), StepValue().parse_in_row(value, texts, READING)


@pytest.mark.parametrize(
    ("question", "name", "value", "expected"),
    [
        (1, "_order", "8,6,7,5", ("_order", "101008,101006,101007,101005")),
        (1, "_order", "8,99", ("_order", "101008,99")),
        (1, "answer", "2", ("answer", "2")),
        (2, "_stemorder", "3,2", ("_stemorder", "201003,201002")),
        (2, "_choiceorder", "3", ("_choiceorder", "201003")),
        (3, "_stemorder", "29,27", ("_stemorder", "1029,1027")),
        (3, "_choiceorder", "62,68", ("_choiceorder", "101062,101068")),
        (3, "_stem_27", "<p>12, 13</p>", ("_stem_1027", "<p>12, 13</p>")),
        (3, "_stemformat_27", "1", ("_stemformat_1027", "1")),
        (3, "_choice_62", "frog", ("_choice_101062", "frog")),
        (3, "_right_27", "62", ("_right_1027", "101062")),
        (4, "_currentresponse", "37,40", ("_currentresponse", "101037,101040")),
        (4, "response_14", "ordering_item_0ba2", ("response_1014", "ordering_item_0ba2")),
        (5, "_sub2_order", "27,28", ("_sub2_order", "101027,101028")),
        (5, "_sub2_separators", ".$,", ("_sub2_separators", ".$,")),
        (6, "_order", "8,6", ("_order", "8,6")),
        (7, "_order", "8,6", ("_order", "8,6")),
    ],
)
def test_the_type_of_the_question_says_which_ids_are_in_a_step(
    question: int, name: str, value: str, expected: tuple[str, str]
) -> None:
    assert step(question, name, value) == expected


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=32))
def test_what_somebody_answered_stays_as_it_is(text: str) -> None:
    plain = text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    assert step(1, "answer", text) == ("answer", plain)


def test_a_course_that_did_not_come_is_no_other_course_of_this_site() -> None:
    class Nobody:
        def mention(self, kind: str, old: int) -> int | None:
            return None

    parse = FilterConditions().parser(Reading(Nobody()))
    assert json.loads(parse('{"courseid": 12, "cmid": "7"}') or "") == {"courseid": 0, "cmid": "0"}


def test_a_random_slot_draws_from_the_category_and_the_tags_that_came() -> None:
    old = {
        "filter": {
            "category": {"jointype": 1, "values": [5, "6"], "filteroptions": {"includesubcategories": True}},
            "qtagids": {"jointype": 2, "values": ["7"]},
            "of_a_plugin": {"values": [8]},
        },
        "cat": "5,1741",
        "qperpage": "100",
        "sortdata": [],
    }
    new = json.loads(FilterConditions().parser(READING)(json.dumps(old)) or "")
    assert new["filter"]["category"]["values"] == [301005, "301006"]
    assert new["filter"]["category"]["filteroptions"] == {"includesubcategories": True}
    assert new["filter"]["qtagids"]["values"] == ["401007"]
    assert new["filter"]["of_a_plugin"]["values"] == [8]
    assert (new["cat"], new["qperpage"], new["sortdata"]) == ("301005,502741", "100", [])


def test_a_random_slot_of_before_4_3_draws_from_the_category_and_names_its_tags() -> None:
    old = {"questioncategoryid": 5, "includingsubcategories": True, "tags": ["7,blue, light", "x", 3]}
    new = json.loads(FilterConditions().parser(READING)(json.dumps(old)) or "")
    assert new == {
        "questioncategoryid": 301005,
        "includingsubcategories": True,
        "tags": ["401007,blue, light", "x", 3],
    }


@pytest.mark.parametrize(
    "text", ["", "[]", "no JSON", '{"filter":[]}', '{"filter":{"category":{"values":5}}}', '{"cat":""}']
)
def test_conditions_of_another_form_stay_as_they_are(text: str) -> None:
    assert FilterConditions().parser(READING)(text) == text


@pytest.mark.parametrize(
    ("level", "kind"), [("40", "course_category"), ("50", "course"), ("70", "course_module"), ("10", None)]
)
def test_the_level_of_a_context_says_what_it_is_of(level: str, kind: str | None) -> None:
    assert ContextInstance().item_type_of({"contextlevel": level}) == kind


def test_a_place_without_a_question_stays_empty_in_a_text_with_questions() -> None:
    assert RefList("question").parser(READING)("11,0,12") == "1011,0,1012"


def test_archives_are_compared_by_the_same_names_of_variables() -> None:
    """The comparison reads archives without the models, and so has patterns of its own."""
    names = ("_order", "_sub2_order", "_currentresponse", "_correctresponse", "_stemorder", "_choiceorder")
    named = ("_stem_7", "_stemformat_7", "_choice_7", "_right_7", "response_7")
    for told in questions.types().values():
        for rule in told.hidden:
            matching = [name for name in (*names, *named) if rule.pattern.fullmatch(name)]
            assert matching
            for name in matching:
                listed = canonical.ANSWERS_NAME.fullmatch(name) or canonical.OTHERS_NAME.fullmatch(name)
                assert bool(canonical.STEP_NAME.fullmatch(name)) == bool(rule.name)
                assert bool(listed) == bool(rule.value)
