"""Matching the records of a course: in linear work, in any order, and so that a job can be cancelled meanwhile."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from courses import structure
from courses.models.grades import Scale
from courses.models.groups import Group
from courses.models.people import UserEnrolment
from courses.models.questions import QuestionBankEntry, QuestionVersion
from courses.structure import Model
from restore import steps
from restore.context import RestoreContext
from restore.loader import TICK
from restore.match import course_members
from restore.match.archived_rows import RowReader
from restore.match.banks import SameQuestions
from restore.match.candidates import PORTION, outer_first
from restore.match.compared import ComparedSide, Row, resolved_here
from restore.match.matches import Matches
from restore.match.rows import RecordComparison
from restore.match.values import ComparedColumns
from tests.archives_made import Change
from tests.restore.test_second_time import Twice, bank, entry, group, groups, question


class CountedRow(Row):
    """A row that counts how often it is compared with another one, as a search through a list does."""

    compared = 0

    def __eq__(self, other: object) -> bool:
        CountedRow.compared += 1
        return self is other

    __hash__ = object.__hash__


class Counted(RecordComparison):
    """A comparison of rows without an archive and a database; `keys` counts how often a key was looked at."""

    def __init__(self) -> None:
        context: Any = SimpleNamespace(
            ids=SimpleNamespace(given=lambda _type, _old: None, give=lambda _type, _ids: None),
            matches=Matches(),
        )
        files: Any = SimpleNamespace(archived={}, stored={})
        super().__init__(context, files)
        self.keys = 0
        for side in (self.archive, self.here):
            setattr(side, "key", self._counting(side.key))  # noqa: B010

    def _counting(self, key: Callable[[Row], Any]) -> Callable[[Row], Any]:
        def counting(row: Row) -> Any:
            self.keys += 1
            return key(row)

        return counting


def rows_of(model: Model, *texts: dict[str, str]) -> list[Row]:
    """Rows of a model with these texts of columns; all others say nothing."""
    element = structure.element(model)
    columns = ComparedColumns(element, (), frozenset({element.item_type}))
    found: list[Row] = []
    for number, named in enumerate(texts, 1):
        values = tuple(named.get(name) for name in columns.names)
        row = CountedRow(columns, number, str(number))
        row.say(values, (), resolved_here)
        found.append(row)
    return found


def work(comparison: Counted, archived: list[Row], stored: list[Row]) -> int:
    """Pair rows, and return how many comparisons that took."""
    CountedRow.compared = 0
    list(comparison.pair(archived, stored))
    return CountedRow.compared + comparison.keys


def enrolments(number: int) -> list[Row]:
    return rows_of(UserEnrolment, *({"userid": str(one)} for one in range(number)))


def groups_of_one_name(number: int) -> list[Row]:
    return rows_of(Group, *({"name": "Red", "idnumber": "", "description": ""} for _ in range(number)))


@pytest.mark.parametrize("made", [enrolments, groups_of_one_name])
def test_rows_in_another_order_are_paired_with_a_few_comparisons_each(
    made: Callable[[int], list[Row]],
) -> None:
    """Also where the archive is turned round or shuffled, and where all rows say the same."""
    number = 300
    for order in ("same", "turned round", "shuffled"):
        archived, stored = made(number), made(number)
        if order == "turned round":
            stored.reverse()
        elif order == "shuffled":
            random.Random(1).shuffle(stored)
        comparison = Counted()
        assert work(comparison, archived, stored) <= 8 * number, order
        assert len(comparison.same) == number
        assert len(set(comparison.same.values())) == number


def test_rows_of_which_nothing_is_here_take_a_few_comparisons_each() -> None:
    number = 300
    others = rows_of(UserEnrolment, *({"userid": str(one)} for one in range(number, 2 * number)))
    comparison = Counted()
    assert work(comparison, enrolments(number), others) <= 8 * number
    assert comparison.same == {}


def test_of_rows_that_say_the_same_the_one_of_the_same_key_is_taken() -> None:
    there = rows_of(Scale, {"name": "Stars", "scale": "a,b"}, {"name": "Points", "scale": "a,b"})
    archived = rows_of(Scale, {"name": "Points", "scale": "a,b"}, {"name": "Dots", "scale": "a,b"})
    comparison = Counted()
    list(comparison.pair(archived, there))
    assert comparison.same == {1: 2, 2: 1}


def test_records_come_after_those_to_which_they_refer_and_a_circle_comes_too() -> None:
    above = {"a": "b", "b": "c", "d": "d", "e": "f", "f": "e"}
    names = list("abcdef")
    assert outer_first(names, above.get) == ["c", "b", "a", "d", "f", "e"]


def test_many_equal_questions_are_looked_for_once() -> None:
    """They differ in their ID numbers only."""
    number = 2000
    entries = rows_of(QuestionBankEntry, *({"idnumber": str(one)} for one in range(number)))
    looked_at = 0

    class Bucket(dict[int, Row]):
        def items(self) -> Any:
            nonlocal looked_at
            looked_at += len(self)
            return super().items()

    candidates = SameQuestions({b"same": Bucket({id(one): one for one in entries})})
    for one in reversed(entries):
        assert candidates.take(frozenset({b"same"}), one.value("idnumber")) is one
    assert candidates.take(frozenset({b"same"}), None) is None
    assert looked_at == number


def test_a_question_of_several_versions_is_one_that_has_them_all() -> None:
    [first, second] = rows_of(QuestionBankEntry, {"idnumber": "1"}, {"idnumber": "2"})
    there = {b"x": {id(first): first, id(second): second}, b"y": {id(second): second}}
    candidates = SameQuestions(there)
    assert candidates.take(frozenset({b"x", b"y"}), "1") is second
    assert candidates.take(frozenset({b"x", b"z"}), "1") is None
    assert candidates.take(frozenset({b"x"}), "2") is first


@pytest.fixture
def done_at_a_time(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the rows that are read, compared and paired between two moments at which the comparison can be cancelled."""
    found = [0]

    def count(of: type, name: str) -> None:
        method = getattr(of, name)

        def counting(*args: Any, **named: Any) -> Any:
            found[-1] += 1
            return method(*args, **named)

        monkeypatch.setattr(of, name, counting)

    count(RowReader, "new_id")
    count(Row, "say")
    count(ComparedSide, "digest")
    count(RecordComparison, "note")
    same_in_course = course_members.same_in_course

    def watched(context: RestoreContext) -> Any:
        steps_of_it = same_in_course(context)
        while True:
            try:
                event = next(steps_of_it)
            except StopIteration as end:
                return end.value
            found.append(0)
            yield event

    monkeypatch.setattr(steps, "same_in_course", watched)
    return found


@pytest.mark.django_db(transaction=True)
def test_a_comparison_can_be_cancelled_at_every_moment(tmp_path: Path, done_at_a_time: list[int]) -> None:
    """Between two moments only some hundred records are read or compared, however many there are."""
    number = 2500
    members: dict[str, Change] = {
        "questions": bank(*(entry(one, question(one, f"Question {one}")) for one in range(1, number + 1))),
        "groups": groups(group(41 + one, f"Group {one}", 11) for one in range(number)),
    }
    twice = Twice(tmp_path, **members)
    del done_at_a_time[1:]
    twice.again(**members)
    assert QuestionVersion.objects.count() == number
    most = 4 * max(TICK, 10 * PORTION)
    assert sum(done_at_a_time) > 3 * most
    assert max(done_at_a_time) < most
