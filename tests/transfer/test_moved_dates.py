"""A copy with another start date: each field that is declared to move has moved, and no other one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.apps import apps
from django.db.models import F, Max

from courses.archived import ArchivedModel
from courses.fields import Moment
from courses.fields.conditions import ConditionTree
from courses.fields.numbers import LATEST_MOMENT
from courses.models import Course
from jobs import runner
from tests.exhaustive import Exhaustive
from transfer.copies import WEEK, Choices, request_copy

pytestmark = pytest.mark.django_db(transaction=True)
DAYS = 24 * 3600
Rows = dict[type[ArchivedModel], int]
FieldName = tuple[str, str]


@dataclass
class Copied:
    """A copy and the newest id of each table before it was made."""

    source: Course
    copy: Course
    newest: Rows
    moved: set[FieldName] = field(default_factory=set)

    @property
    def shift(self) -> int:
        """The seconds by which the copy begins later."""
        return int(self.copy.startdate) - int(self.source.startdate)


def models() -> Iterator[type[ArchivedModel]]:
    """Yield all models whose rows travel."""
    yield from (model for model in apps.get_models() if issubclass(model, ArchivedModel))


def copied(course: Course, days: int, *, keep_weekdays: bool = False) -> Copied:
    """Copy a course with people to a start date that many days later."""
    newest = {model: model._default_manager.aggregate(newest=Max("pk"))["newest"] or 0 for model in models()}
    start = course.startdate + days * DAYS
    choices = Choices(category=course.category_id, people=True, startdate=start, keep_weekdays=keep_weekdays)
    job = request_copy(course, choices, by=None, notify=False)
    runner.run(job.pk, raising=True)
    job.refresh_from_db()
    return Copied(course, Course.objects.get(pk=job.result["course_id"]), newest)


def moments(found: Copied, model: type[ArchivedModel], column: Any, *, new: bool) -> Counter[int]:
    """Return the moments of a column and how often each is there, in the copy's rows or in those from before."""
    rows = model._default_manager.filter(**{"pk__gt" if new else "pk__lte": found.newest[model]})
    values = rows.values_list(column.attname, flat=True)
    if isinstance(column, ConditionTree):
        return Counter(moment for text in values if text for moment in dates_in(json.loads(text)))
    return Counter(value for value in values if value)


def dates_in(tree: Any) -> Iterator[int]:
    """Yield the moments of the conditions on the date in a tree of conditions."""
    if isinstance(tree, dict):
        if tree.get("type") == "date":
            yield tree["t"]
        yield from (moment for node in tree.get("c", ()) for moment in dates_in(node))


def faults(found: Copied) -> Iterator[str]:
    """Yield each field of a copied table whose moments are not those of the course, moved if it is declared to move."""
    for model in models():
        if not model._default_manager.filter(pk__gt=found.newest[model]).exists():
            continue
        for column in model._meta.concrete_fields:
            if not isinstance(column, Moment | ConditionTree):
                continue
            shift = found.shift if isinstance(column, ConditionTree) or column.shifts else 0
            old, new = (moments(found, model, column, new=new) for new in (False, True))
            expected = Counter[int]()
            for moment, times in old.items():
                expected[moment + shift if 0 < moment <= LATEST_MOMENT - shift else moment] += times
            # What does not move may also be of a record that a copy has no second one of, such as a file of a person.
            if expected != new if shift else new - expected:
                wrong = f"{dict((expected - new).most_common(3))}, and not {dict((new - expected).most_common(3))}"
                yield f"{model.__name__}.{column.name}: expected {wrong}"
            elif shift and any(moment > 0 for moment in old):
                found.moved.add((model.__name__, column.name))


@pytest.mark.parametrize("keep_weekdays", [False, True])
def test_every_date_that_is_declared_to_move_has_moved(rich: Course, keep_weekdays: bool) -> None:
    found = copied(rich, 100, keep_weekdays=keep_weekdays)
    assert found.shift == (14 * WEEK if keep_weekdays else 100 * DAYS)
    wrong = list(faults(found))
    assert not wrong, "\n".join(wrong)
    assert ("Activity", "availability") in found.moved


@pytest.fixture
def exhaustive(transactional_db: None) -> Course:
    """The course of the exhaustive test, which has rows of every model; its values are the hardest ones."""
    course = Exhaustive(seed=1).make()
    course.startdate, course.enddate = 1_725_235_200, 1_733_097_600
    course.save(update_fields=["startdate", "enddate"])
    return course


def declared() -> Iterator[tuple[type[ArchivedModel], Any]]:
    """Yield each field that is declared to move, with its model."""
    for model in models():
        for column in model._meta.concrete_fields:
            if isinstance(column, ConditionTree) or (isinstance(column, Moment) and column.shifts):
                yield model, column


def test_dates_that_cannot_be_moved_stop_no_copy(exhaustive: Course) -> None:
    wrong = list(faults(copied(exhaustive, 100)))
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("days", [100, -100])
def test_every_field_that_is_declared_to_move_moves(exhaustive: Course, days: int) -> None:
    for model, column in declared():
        if model is not Course:
            conditions = '{"op":"&","c":[{"type":"date","d":">=","t":1700000000}],"showc":[true]}'
            moment = conditions if isinstance(column, ConditionTree) else 1_600_000_000 + F("pk") % 1000
            model._default_manager.update(**{column.attname: moment})
    found = copied(exhaustive, days)
    wrong = list(faults(found))
    assert not wrong, "\n".join(wrong)
    assert {(model.__name__, column.name) for model, column in declared()} - found.moved == set()
