"""The activities of a course whose content is replaced, before and after: which come back, changed or not, go, and are new."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from django.conf import settings as site

from courses import registry, structure
from courses.models import Course
from courses.structure import Model
from restore.match.compared import SOME, hashed
from restore.match.values import ComparedColumns, ComparedReference, Value, copied

NAMED = 20
"""So many activities are named; the others are counted."""


class NamedActivity(NamedTuple):
    """The type and the title of an activity, by which activities of two courses are compared."""

    modulename: str
    title: str


class ActivityState(NamedTuple):
    """An activity with a hash of its own record: settings and texts, without ids, people and moments of changes."""

    name: NamedActivity
    said: bytes


@dataclass(frozen=True)
class CourseActivities:
    """The activities of a course at one moment, each as often as it is there."""

    states: Counter[ActivityState]

    @classmethod
    def of(cls, course: Course) -> CourseActivities:
        """Return the activities that a course has now; a query for each type of activity."""
        rows = list(course.activities.order_by("pk").values_list("pk", "modulename", "title"))
        said: dict[int, bytes] = {}
        for modulename in {modulename for _, modulename, _ in rows} & registry.activity_types().keys():
            said.update(_said(registry.activity_types()[modulename], course))
        return cls(
            Counter(ActivityState(NamedActivity(*name), said.get(number, b"")) for number, *name in rows)
        )

    def compared_with(self, after: CourseActivities) -> dict[str, Any]:
        """Return, as numbers and titles, the activities that `return` under the same name, those of them that are `changed`,
        and those that are `gone` or `added`."""
        before_names, after_names = self._names(self.states), self._names(after.states)
        returning = before_names & after_names
        changed = returning - self._names(self.states & after.states)
        found: dict[str, Any] = {"return": returning.total()}
        for name, ones in (
            ("changed", changed),
            ("gone", before_names - after_names),
            ("added", after_names - before_names),
        ):
            found[name] = ones.total()
            found[f"{name}_titles"] = [one.title for one in ones.elements()][:NAMED]
        return found

    @staticmethod
    def _names(states: Counter[ActivityState]) -> Counter[NamedActivity]:
        found: Counter[NamedActivity] = Counter()
        for state, number in states.items():
            found[state.name] += number
        return found


def _said(model: Model, course: Course) -> Iterator[tuple[int, bytes]]:
    """Yield the ids of a course's activities of one type, each with the hash of its own record."""
    element = structure.element(model)
    columns = ComparedColumns(element, (str(site.SITE_URL),), frozenset({element.item_type}))
    fields = (*element.attributes, *element.leaves)
    names = [field.attname for field in fields]
    rows = cast(Any, model._base_manager).filter(owner__course=course).values_list("owner_id", *names)
    for owner, *values in rows:
        texts = [None if value is None else str(value) for value in values]
        said = columns.values(
            {field.tag: text for field, text in zip(fields, texts, strict=True)},
            {field.name: copied(text) for field, text in zip(fields, texts, strict=True)},
        )
        yield owner, hashed(*map(_without_target, said))


def _without_target(value: Value) -> str | None:
    """Return a value to compare; of a reference only that there is one, as ids change."""
    return SOME if isinstance(value, ComparedReference) else value
