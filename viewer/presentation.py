"""Presentations: how the content of each activity type, and each page of a course, is shown.

`activities/TYPE.py` presents an activity type, `course/NAME.py` a page of the course; both are found by their names.
Another app presents its types in its module `viewer`: a dictionary `PRESENTATIONS` by type name.
Content without a presentation is shown from the descriptions of its models alone (`records`).
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
"""The text for each value of a column, or a function that returns it ("" for none)."""


@dataclass(frozen=True, slots=True)
class Presentation:
    """How an activity type or a page of a course is shown.

    `present` yields the panels; `details` are the sheets of single records, by their names in addresses.

    `covers` are the models whose records the panels show, `own` the columns of the type's own record that they show.
    `locations` has for an item type a function that returns the location of a record, for links to it; it raises
    ObjectDoesNotExist if there is no such record. `labels` are names for columns, by column name; `meanings` are texts for
    values, by "model.column". `title` and `order` are for pages of the course; `holds` returns a queryset that, filtered by
    `course`, finds whether the course has content for the page (None: the page is always listed).
    """

    present: Callable[[PageContext], Iterable[Panel]]
    details: Mapping[str, Detail] = field(default_factory=dict)
    covers: tuple[Any, ...] = ()
    own: frozenset[str] = frozenset()
    locations: Mapping[str, Callable[[PageContext, int], Location]] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    meanings: Mapping[str, Meaning] = field(default_factory=dict)
    title: str = ""
    order: int = 100
    holds: Callable[[], Any] | None = None


@cache
def presentations() -> dict[str, Presentation]:
    """Return the presentations of activity types by type name: those of `viewer.activities`, then those of other apps."""
    found = _presentations_in(activities)
    for app in apps.get_app_configs():
        if module_has_submodule(app.module, "viewer"):
            found |= importlib.import_module(f"{app.name}.viewer").PRESENTATIONS
    return found


@cache
def labels() -> dict[str, str]:
    """Return the column labels that presentations declare, by column name."""
    return {name: label for each in presentations().values() for name, label in each.labels.items()}


@cache
def meanings() -> dict[str, Meaning]:
    """Return the meanings of values that presentations declare, by "model.column"."""
    return {name: said for each in presentations().values() for name, said in each.meanings.items()}


@cache
def course_presentations() -> dict[str, Presentation]:
    """Return the pages of a course by name, in their order."""
    return dict(sorted(_presentations_in(course).items(), key=lambda item: item[1].order))


def _presentations_in(package: ModuleType) -> dict[str, Presentation]:
    """Return the `PRESENTATION` of each module of a package, by module name."""
    found = (module.name for module in pkgutil.iter_modules(package.__path__))
    return {name: importlib.import_module(f"{package.__name__}.{name}").PRESENTATION for name in found}
