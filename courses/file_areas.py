"""File areas: whether the files in them are the course's own or people's work."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from courses import structure
from courses.fields import Within
from courses.structure import Model

PEOPLES = frozenset(
    {
        "user/icon",
        "user/profile",
        "grade/feedback",
        "grade/historyfeedback",
        "mod_quiz/response_attachments",
        "question/response_attachments",
        "question/response_answer",
        "question/response_bf_comment",
        "mod_bigbluebuttonbn/recordings",
        "mod_feedback/item_file",
        "mod_wiki/attachments",
    }
)
"""Areas of people's work in what no model describes."""

OPTIONS = {
    "contentbank": "contentbankcontent",
    "badges": "badges",
    "calendar": "calendarevents",
    "group": "groups",
    "grouping": "groups",
}
"""The options that govern the files of whole components."""


def is_bank(component: str, area: str) -> bool:
    """Whether an area is of questions, and not of what somebody answered: its files go where the questions go."""
    return (component == "question" and not area.startswith("response_")) or component.startswith("qtype_")


Held = Callable[[Model, int], bool]


def option_of(component: str, area: str) -> str:
    """The option of backups and restores that governs the files of an area; empty when none but `files` does."""
    if (component, area) == ("course", "legacy"):
        return "legacyfiles"
    return OPTIONS.get(component, "")


def is_userdata(component: str, area: str, item: int, *, held: Held) -> bool:
    """Whether a file is people's work, by the record that its item is.

    `held` tells whether a model has a record of an id. It is asked only of an area that holds both, as a workshop's
    submissions, some of which are the teacher's examples.
    """
    models = models_of_area(component, area)
    own = [model for model in models if not model.archive_meta.userdata]
    if not models:
        return f"{component}/{area}" in PEOPLES
    if len(own) in (0, len(models)):
        return not own
    return not any(held(model, item) for model in own)


def models_of_area(component: str, area: str) -> tuple[Model, ...]:
    """The models whose records are the items of a file area; more than one when they share their ids."""
    if (component, area) not in structure.item_types("files"):
        return ()
    return tuple(
        model for model in structure.archived_models() if f"{component}/{area}" in model.items("files")
    )


def way_to_content(model: Model) -> str:
    """The query path from a record to the activity's own record that it is in: `discussion__forum`."""
    names = []
    up = _nesting(model)
    while up is not None:
        names.append(up.name)
        up = _nesting(cast(Model, up.related_model))
    return "__".join(names)


def _nesting(model: Model) -> Within | None:
    columns = model._meta.concrete_fields
    return next((column for column in columns if isinstance(column, Within) and column.path), None)
