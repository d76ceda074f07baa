"""Values that are an id sometimes: jumps of a lesson, sort orders, answers that somebody chose, people whom a log names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courses.fields import FieldError, Reading
from courses.fields.answers import ChosenAnswers
from courses.fields.logged import LoggedUserRef
from courses.fields.special import SpecialRef

GONE = 13
"""The one record that never comes."""


class Moved:
    """New ids are old ids and a thousand, and one record has none."""

    def mention(self, kind: str, old: int) -> int | None:
        return None if old == GONE else old + 1000


READING = Reading(Moved())
SEVERAL = {"page/qtype": "3", "page/qoption": "1"}


@given(st.integers(1, 10**17).filter(lambda number: number != GONE))
def test_a_number_above_zero_is_a_record(number: int) -> None:
    assert SpecialRef("lesson_page").parser(READING)(str(number)) == str(number + 1000)


@given(st.integers(-(10**17), 0))
def test_zero_and_below_have_a_meaning_of_their_own(number: int) -> None:
    assert SpecialRef("lesson_page").parser(READING)(str(number)) == str(number)


def test_a_record_that_does_not_come_is_none() -> None:
    assert SpecialRef("data_field").parser(READING)(str(GONE)) == "0"


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(FieldError, match="whole number"):
        SpecialRef("data_field").parser(READING)("title")


def test_the_ids_of_chosen_answers_are_those_of_the_new_ones() -> None:
    assert ChosenAnswers().parse_in_row("4,15", SEVERAL, READING) == "1004,1015"


@given(st.text(st.characters(exclude_characters="\\\t\n\r", exclude_categories=["Cs"])))
def test_what_people_wrote_elsewhere_stays_as_it_is(text: str) -> None:
    for qtype, qoption in (("3", "0"), ("1", "1"), ("10", "0"), (None, None)):
        texts = {"page/qtype": qtype, "page/qoption": qoption}
        assert ChosenAnswers().parse_in_row(text, texts, READING) == text


@pytest.mark.parametrize("text", ["", ",", "4,", "x", "-4", "9" * 30, "٣"])
def test_odd_lists_of_answers_come_through(text: str) -> None:
    expected = {"4,": "1004,"}.get(text, text)
    assert ChosenAnswers().parse_in_row(text, SEVERAL, READING) == expected


def test_an_answer_that_is_gone_is_none_and_never_another_lessons() -> None:
    assert ChosenAnswers().parse_in_row(f"4,{GONE}", SEVERAL, READING) == "1004,0"


@pytest.mark.parametrize(
    ("text", "stored"), [("4", "1004"), (str(GONE), "-1"), ("-1", "-1"), ("0", "0"), ("", None)]
)
def test_a_log_entry_about_a_person_who_is_not_here_stays_one_about_a_person(
    text: str, stored: str | None
) -> None:
    assert LoggedUserRef(null=True).parser(READING)(text) == stored
