"""The activities of a course whose content is replaced, compared with those that come: which come back, go, and are new."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from archive.manifest import ActivityEntry
from courses.models import Course

NAMED = 20
"""So many activities are named; the others are counted."""


class NamedActivity(NamedTuple):
    """The type and the title of an activity, by which activities of two courses are compared."""

    modulename: str
    title: str


@dataclass(frozen=True)
class ReplacedActivities:
    """The activities that a course had before its content was replaced, each as often as it was there."""

    before: Counter[NamedActivity]

    @classmethod
    def of(cls, course: Course) -> ReplacedActivities:
        """Return the activities of a course, which still has its content."""
        rows = course.activities.order_by("pk").values_list("modulename", "title")
        return cls(Counter(NamedActivity(*row) for row in rows))

    def as_json(self, entries: Iterable[ActivityEntry]) -> dict[str, Any]:
        """Return how many activities `return` under the same name, and which are `gone` or `added`: numbers, and titles."""
        after = Counter(NamedActivity(one.modulename, one.title) for one in entries)
        gone, added = self.before - after, after - self.before
        return {
            "return": (self.before & after).total(),
            "gone": gone.total(),
            "gone_titles": [one.title for one in gone.elements()][:NAMED],
            "added": added.total(),
            "added_titles": [one.title for one in added.elements()][:NAMED],
        }
