"""References: the elements and attributes of an archive that hold ids of other records.

Most of them come from the models and are read from `references.json`, one line for each name in each record:

    ["post",  "parent",  "id",    ["forum_post"],  ["post"]]
      record   name       form     item types       elements of the same member that are such records

After a change of the models: `manage.py describe --references > archive/references.json`.

The others are below, since no model declares them: names that are references in the records of plugins as well. `by_name()`
joins both: `userid` is a person in any record, while `parent` is a post in a `post` only.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from archive.links import Link, links_of
from archive.xml import NULL

DATA = Path(__file__).with_name("references.json")

Form = Literal["id", "list", "path", "scale", "neighbour"]
"""The form in which a value holds ids.

id: one id. list: ids with commas between. path: ids with slashes between. scale: minus the id of a scale, or a maximum grade.
neighbour: an id whose item type depends on another element of the record.
"""


class Reference(NamedTuple):
    """An element or attribute, called `name` in the record `record`, that holds ids of records of `item_types`.

    `item_types` is empty for the form "neighbour".
    `elements` are the names of the elements that are records of these item types in the same member.
    """

    record: str
    name: str
    form: Form
    item_types: tuple[str, ...]
    elements: tuple[str, ...]


SHARED = frozenset(
    {
        "user", "group", "grouping", "role", "course", "course_module", "course_section", "context", "enrol",
        "grade_item", "scale", "outcome", "badge",
    }
)  # fmt: skip
"""Item types that every plugin may refer to, since they belong to the course and the site.

A name that refers to one of them in all described records that have it means the same in records of plugins.
"""

OWNING = frozenset({"group"})
"""Item types to whose records a record belongs that refers to one: the submission, the exception, the event of a group.

Without that record it is left out: it would be nobody's or everybody's. Source: `restore_assign_activity_structure_step`
(`process_assign_submission`, `process_assign_override`), `restore_calendarevents_structure_step`, and the like of quiz, lesson
and wiki, which skip it too.
"""

NEVER_BY_NAME = frozenset({"activitylink", "moduleinstance"})
"""Names that are references in their described record only; in a plugin's record they may mean anything.

Source: format facts, activity-lesson-lesson.txt and root-completion.txt; `moduleinstance` see `MODULE_OF`.
"""

CONVENTIONS: dict[str, str] = {
    "graderid": "user",
    "moduleid": "course_module",
    "cmid": "course_module",
    "coursemoduleid": "course_module",
    "parentcmid": "course_module",
}
"""Names without a column in any model, or with a computed one only, that are references in any record.

Source: format facts, root-moodle_backup.txt (`moduleid`, `parentcmid`), activity-quiz-quiz.txt (`cmid`); `coursemoduleid` is a
column of Moodle's table course_modules_completion. `graderid` is in no fact; nothing but a person can be meant.
"""

SHARED_RECORDS = frozenset({"question_attempt", "question_reference", "question_set_reference", "rating"})
"""Records that Moodle itself writes into members of plugins, where their elements are the same references as elsewhere.

Source: format facts, activity-quiz-quiz.txt and activity-forum-forum.txt.
"""

MODULE_OF: dict[str, str] = {"moduleinstance": "module"}
"""Names that are course modules where a neighbour names the activity type. Source: format facts, root-completion.txt."""


@lru_cache(maxsize=1)
def _data() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DATA.read_text(encoding="utf-8"))
    return found


@lru_cache(maxsize=1)
def described() -> dict[tuple[str, str], Reference]:
    """Return the references in described records by record and name."""
    rows = (
        Reference(record, name, form, tuple(item_types), tuple(elements))
        for record, name, form, item_types, elements in _data()["references"]
    )
    return {(row.record, row.name): row for row in rows}


@lru_cache(maxsize=1)
def described_activities() -> frozenset[str]:
    """Return the types of activity that the models describe, all of them Moodle's own: "forum"."""
    return frozenset(_data()["activities"])


@lru_cache(maxsize=1)
def by_name() -> dict[str, str]:
    """Return the item types of the names that are references in any record, by name."""
    targets: defaultdict[str, set[str]] = defaultdict(set)
    for reference in described().values():
        if reference.form in {"id", "neighbour"}:
            targets[reference.name] |= set(reference.item_types) or {""}
    derived = {
        name: next(iter(item_types))
        for name, item_types in targets.items()
        if len(item_types) == 1 and item_types <= SHARED and name not in NEVER_BY_NAME
    }
    return {**derived, **CONVENTIONS}


@lru_cache(maxsize=4096)
def in_opaque(record: str, name: str) -> Reference | None:
    """Return the reference of an element in an opaque record, which no model describes; None if it is no reference."""
    if record in SHARED_RECORDS and (reference := described().get((record, name))) is not None:
        return reference
    if (item_type := by_name().get(name)) is not None:
        return Reference(record, name, "id", (item_type,), ())
    if name in instances() or name in MODULE_OF:
        return Reference(record, name, "neighbour", (), ())
    return None


def item_type_by_neighbour(name: str, siblings: Mapping[str, str]) -> str:
    """Return the item type of a reference of form "neighbour"; "" if the neighbour is missing or does not name one.

    `siblings` has the texts of the elements before it in the same record.
    """
    if (by := instances().get(name)) is not None:
        return siblings.get(by, "")
    return "course_module" if siblings.get(MODULE_OF.get(name, ""), NULL) != NULL else ""


@lru_cache(maxsize=1)
def names_of_records() -> dict[str, frozenset[str]]:
    """Return the names, without "id", by which described records refer to one of their member, each with its elements.

    In a part of a plugin they are references only if the value is the id of the record around it: `submission`, `grade`.
    """
    found: defaultdict[str, set[str]] = defaultdict(set)
    for reference in described().values():
        if reference.form == "id" and reference.elements and not reference.name.endswith("id"):
            found[reference.name].update(reference.elements)
    return {name: frozenset(elements) for name, elements in found.items() if name not in by_name()}


def is_plugin_part(name: str) -> bool:
    """Whether an element of this name holds what a plugin adds to a record: `subplugin_assignsubmission_x_submission`."""
    return name.startswith(("plugin_", "subplugin_"))


@lru_cache(maxsize=1)
def scale_names() -> frozenset[str]:
    """Return the names of references of form "scale" that are not in `by_name()`."""
    names = {reference.name for reference in described().values() if reference.form == "scale"}
    return frozenset(names - by_name().keys())


@lru_cache(maxsize=1)
def instances() -> dict[str, str]:
    """Return the names of ids of activity instances, each with the name of the neighbour that holds the activity type."""
    return dict(_data()["instances"])


@lru_cache(maxsize=1)
def conditions() -> dict[tuple[str, str], str]:
    """Return the item types of the ids in availability conditions, by the condition's type and the id's key."""
    return {(condition, key): item_type for condition, key, item_type in _data()["conditions"]}


@lru_cache(maxsize=1)
def added() -> frozenset[tuple[str, str]]:
    """Return the record and name of each value that archives have since a version after 4.5; "" and the name of each list.

    One without a value says the same as none.
    """
    return frozenset((record, name) for record, name in _data()["added"])


@lru_cache(maxsize=1)
def links() -> dict[str, Link]:
    """Return the links of the course and of the described activity types by token."""
    return links_of((token, address, tuple(item_types)) for token, address, item_types in _data()["links"])


@lru_cache(maxsize=1)
def elements() -> frozenset[str]:
    """Return the names of elements that other records of their member refer to: `post`, `option` and so on."""
    return frozenset(name for reference in described().values() for name in reference.elements)
