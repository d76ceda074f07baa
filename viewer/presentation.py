"""Presentations: what came in, as a teacher would recognise it.

`activities/TYPE.py` presents an activity type, `course/NAME.py` is a page of the course; both are found by their names.
Another app presents its types in its module `viewer`: `PRESENTATIONS`, by the types' names.
What has no presentation is shown from its description alone (`records`).
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.utils.module_loading import module_has_submodule

from viewer import activities, course

if TYPE_CHECKING:
    from collections.abc import Iterable

    from viewer.page_context import PageContext
    from viewer.panels import Detail, Location, Panel

Meaning = Mapping[Any, str] | Callable[[Any], str]
"""The words for each value of a column, or a function that finds them and returns "" for none."""


@dataclass(frozen=True, slots=True)
class Presentation:
    """What a file here says: `present` makes the panels, `details` the sheets of single records by their names in addresses.

    `covers` are the models whose records the panels show, `own` the columns of the type's own record that they show.
    `places` tell where a record of a kind stands, for links that lead to it; ObjectDoesNotExist when there is none.
    `labels` are what people call columns of the type, by the columns' names; `meanings` what values of a column mean, by
    "model.column". `title` and `order` are for pages of the course, and `holds` tells which courses have something there.
    """

    present: Callable[[PageContext], Iterable[Panel]]
    details: Mapping[str, Detail] = field(default_factory=dict)
    covers: tuple[Any, ...] = ()
    own: frozenset[str] = frozenset()
    places: Mapping[str, Callable[[PageContext, int], Location]] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    meanings: Mapping[str, Meaning] = field(default_factory=dict)
    title: str = ""
    order: int = 100
    holds: Callable[[], Any] | None = None


@cache
def presentations() -> dict[str, Presentation]:
    """The presentations of activity types by the types' names: those of `viewer.activities`, then those of other apps."""
    found = _found(activities)
    for app in apps.get_app_configs():
        if module_has_submodule(app.module, "viewer"):
            found |= importlib.import_module(f"{app.name}.viewer").PRESENTATIONS
    return found


@cache
def labels() -> dict[str, str]:
    """What people call columns, by the columns' names, as presentations say it."""
    return {name: label for each in presentations().values() for name, label in each.labels.items()}


@cache
def meanings() -> dict[str, Meaning]:
    """What values mean, by "model.column", as presentations say it."""
    return {name: said for each in presentations().values() for name, said in each.meanings.items()}


@cache
def course_presentations() -> dict[str, Presentation]:
    """The pages of a course by their names, in their order."""
    return dict(sorted(_found(course).items(), key=lambda item: item[1].order))


def _found(package: ModuleType) -> dict[str, Presentation]:
    """The `PRESENTATION` of each module of a package, by the module's name."""
    found = (module.name for module in pkgutil.iter_modules(package.__path__))
    return {name: importlib.import_module(f"{package.__name__}.{name}").PRESENTATION for name in found}
