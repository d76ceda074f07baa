"""Presentations: what came in, as a teacher would recognise it.

`activities/TYPE.py` is the form of a type of activity, `course/NAME.py` a page of the course; both are found by their
names. What has no form yet is shown from its description alone (`records`).
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

from viewer import activities, course

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from viewer.page_context import PageContext
    from viewer.panels import Detail, Location, Panel


@dataclass(frozen=True, slots=True)
class Presentation:
    """What a file here says: `present` makes the panels, `details` the sheets of single records by their names in addresses.

    `covers` are the models whose records the panels show, `own` the columns of the type's own record that they show.
    `places` tell where a record of a kind stands, for links that lead to it; ObjectDoesNotExist when there is none.
    `title` and `order` are for pages of the course, and `holds` tells which courses have something there.
    """

    present: Callable[[PageContext], Iterable[Panel]]
    details: Mapping[str, Detail] = field(default_factory=dict)
    covers: tuple[Any, ...] = ()
    own: frozenset[str] = frozenset()
    places: Mapping[str, Callable[[PageContext, int], Location]] = field(default_factory=dict)
    title: str = ""
    order: int = 100
    holds: Callable[[], Any] | None = None


@cache
def presentations() -> dict[str, Presentation]:
    """The forms of activities by the names of their types."""
    return _found(activities)


@cache
def course_presentations() -> dict[str, Presentation]:
    """The pages of a course by their names, in their order."""
    return dict(sorted(_found(course).items(), key=lambda item: item[1].order))


def _found(package: ModuleType) -> dict[str, Presentation]:
    found = (module.name for module in pkgutil.iter_modules(package.__path__))
    return {name: importlib.import_module(f"{package.__name__}.{name}").PRESENTATION for name in found}
