"""The reference table: `archive/references.json`, generated from the models: references by record, links, activity types,
and what versions of Moodle after 4.5 added.

`archive/` has no models and reads that file. It describes only the models of this project, not those of other installed
apps.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from archive.references import Form, Reference, is_plugin_part
from courses import activities
from courses.fields import (
    ArchiveField,
    ConditionTree,
    ForeignRef,
    Ref,
    RefList,
    RefPath,
    ScaleOrMaximum,
    SiblingRef,
)
from courses.fields.grading import GradeItemInstance
from courses.fields.references import InstanceRef
from courses.members import Described, described
from courses.structure import Element, Model, item_type_of

APP = "courses"

FORMS: tuple[tuple[type[ArchiveField], Form], ...] = (
    (SiblingRef, "neighbour"),
    (ScaleOrMaximum, "scale"),
    (RefList, "list"),
    (RefPath, "path"),
    (Ref, "id"),
    (ForeignRef, "id"),
)


@dataclass(slots=True)
class _Gathered:
    """The forms, item types and elements of one name in one record, gathered from all models."""

    forms: set[Form] = field(default_factory=set)
    item_types: set[str] = field(default_factory=set)
    elements: set[str] = field(default_factory=set)


def document() -> str:
    """Return the content of `archive/references.json`, one line for each entry, in alphabetical order."""
    parts = {
        "references": [json.dumps([*each]) for each in references()],
        "instances": [json.dumps(each) for each in sorted(_instances())],
        "conditions": [
            json.dumps([*names, item_type]) for names, item_type in sorted(ConditionTree.ITEM_TYPES.items())
        ],
        "added": sorted(json.dumps([*each]) for each in set(_added())),
        "links": [json.dumps(row) for row in sorted(_links())],
        "activities": [
            json.dumps(name) for name, model in sorted(activities.types().items()) if _is_own(model)
        ],
    }
    listed = [f' "{name}": [\n  ' + ",\n  ".join(lines) + "\n ]" for name, lines in parts.items()]
    return "{\n" + ",\n".join(listed) + "\n}\n"


def references() -> list[Reference]:
    """Return the references that the models describe, by record and name."""
    found: dict[tuple[str, str], _Gathered] = {}
    for member in described():
        for element in _own(member):
            for name, form, item_type in _references_of(element):
                gathered = found.setdefault((element.tag, name), _Gathered())
                gathered.forms.add(form)
                if item_type:
                    gathered.item_types.add(item_type)
                    gathered.elements |= _elements(member, item_type)
    return [_reference(record, name, gathered) for (record, name), gathered in sorted(found.items())]


def _reference(record: str, name: str, gathered: _Gathered) -> Reference:
    """Return the entry for a name in a record. If models disagree on the form, it is "neighbour"."""
    if len(gathered.forms) > 1:
        return Reference(record, name, "neighbour", (), ())
    [form] = gathered.forms
    return Reference(record, name, form, tuple(sorted(gathered.item_types)), tuple(sorted(gathered.elements)))


def _references_of(element: Element) -> Iterator[tuple[str, Form, str]]:
    """Yield the name, form and item type of each reference of a record; an echo without an expression repeats the parent's
    id.
    """
    for column in (*element.attributes, *element.leaves):
        form = next((form for field_class, form in FORMS if isinstance(column, field_class)), None)
        if form is not None and column.tag != "id":
            yield column.tag, form, column.refers or ""
    for echo in element.echoes:
        if not echo.expression and element.parent is not None:
            yield echo.tag, "id", item_type_of(element.parent)


def _elements(member: Described, item_type: str) -> set[str]:
    """Return the tags of the records of an item type in a member, if they have ids there; without the outermost record."""
    return {
        element.tag
        for element in _own(member)
        if element.item_type == item_type
        and element.parent is not None
        and element.model.archive_meta.numbered
    }


def _own(member: Described) -> Iterator[Element]:
    return (element for element in member.elements() if element.model._meta.app_label == APP)


def _instances() -> Iterator[tuple[str, str]]:
    """Yield the names of instance ids of activities, each with the name of the neighbour that has the type."""
    for member in described():
        for element in _own(member):
            for column in element.leaves:
                if isinstance(column, InstanceRef | GradeItemInstance):
                    yield column.tag, column.by


def _added() -> Iterator[tuple[str, str]]:
    """Yield the record and name of each value that archives have since a version after 4.5; "" and the name of each list."""
    for member in described():
        for element in _own(member):
            yield from ((element.tag, column.tag) for column in element.leaves if column.since)
            if element.since and len(element.path) > 1 and not is_plugin_part(element.path[0]):
                yield "", element.path[0]


def _links() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for model in activities.types().values():
        if _is_own(model):
            yield from model.links


def _is_own(model: Model) -> bool:
    return bool(model._meta.app_label == APP)
