"""File areas: the option that governs their files, and whether these are content or userdata."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from archive.layout import Member
from courses import members, registry, structure
from courses.fields import Within
from courses.models import Course
from courses.structure import Model

USERDATA_AREAS = frozenset(
    {
        "user/icon",
        "user/profile",
        "grade/feedback",
        "grade/historyfeedback",
        "question/response_attachments",
        "question/response_answer",
        "question/response_bf_comment",
    }
)
"""Areas ("component/area") of userdata files whose item is no row of a model and that no activity type declares."""


def is_bank(component: str, area: str) -> bool:
    """True for file areas of the question bank, False for those of responses."""
    return (component == "question" and not area.startswith("response_")) or component.startswith("qtype_")


OF_COURSE = frozenset(
    {"course", "calendar", "contentbank", "user", "question", "badges", "grade", "group", "grouping"}
)
"""Components of Moodle itself whose files belong to the course, its people or its questions."""


def has_known_owner(component: str) -> bool:
    """Whether a file's component and context tell who lists it; a plugin's file in the course's context is anybody's."""
    if component in OF_COURSE or component.startswith(("customfield_", "qtype_")):
        return True
    return component in {one for one, _area in registry.item_types("files")}


Held = Callable[[Model, int], bool]


def option_of(component: str, area: str) -> str:
    """Return the option that governs the files of an area, or "" when only `files` does.

    It is the option of the member that holds the records of the files. For an area that no model declares it is the option
    of the component's other areas, if they all have the same one (`badges/userbadge`).
    """
    options = _options()
    return options.get(f"{component}/{area}", options.get(component, ""))


@registry.derived
def _options() -> dict[str, str]:
    """Return the options by "component/area" and, where all areas of a component have the same one, by component."""
    found: dict[str, str] = {}
    by_component: dict[str, set[str]] = {}
    for one in members.described():
        for element in one.elements():
            for area in element.model.items("files"):
                option = found.setdefault(area, one.member.option or element.model.archive_meta.option)
                by_component.setdefault(area.partition("/")[0], set()).add(option)
            found.update(element.model.archive_meta.file_options)
    found |= {component: options.pop() for component, options in by_component.items() if len(options) == 1}
    return {name: option for name, option in found.items() if option}


def members_of_area(component: str, area: str) -> tuple[Member, ...]:
    """Return the members of the archive's top folder that hold the records of a file area; none if other members do."""
    return _members_of_areas().get(f"{component}/{area}", ())


@registry.derived
def _members_of_areas() -> dict[str, tuple[Member, ...]]:
    """Return the members that hold the records of a file area, by "component/area", if all are in the top folder."""
    found: dict[str, list[Member]] = {}
    for one in members.described():
        for element in one.elements():
            for area in element.model.items("files"):
                found.setdefault(area, []).append(one.member)
    return {
        area: tuple(those)
        for area, those in found.items()
        if all(member.scope == "archive" for member in those)
    }


def is_userdata(component: str, area: str, item: int, *, held: Held) -> bool:
    """True for a file that is userdata, decided by the record whose id is the file's item.

    `held` tells whether a model has a record with an id. It is called only for an area that holds both, such as a
    workshop's submissions, some of which are the teacher's examples.
    """
    models = models_of_area(component, area)
    own = [model for model in models if not model.archive_meta.userdata]
    if not models:
        declared = USERDATA_AREAS | registry.userdata_areas()
        return f"{component}/{area}" in declared or component in _components_of_userdata()
    if len(own) in (0, len(models)):
        return not own
    return not any(held(model, item) for model in own)


@registry.derived
def _components_of_userdata() -> frozenset[str]:
    """Return the components of plugins all of whose declared areas are userdata, so that an area that nobody declares is too.

    Activity types are not among them: the areas of their descriptions are declared nowhere.
    """
    found: dict[str, bool] = {}
    for model in structure.archived_models():
        for one in model.items("files"):
            component = one.partition("/")[0]
            found[component] = found.get(component, True) and model.archive_meta.userdata
    return frozenset(
        component for component, all_are in found.items() if all_are and not registry.modulename_of(component)
    )


def models_of_area(component: str, area: str) -> tuple[Model, ...]:
    """Return the models whose ids are the items of a file area; more than one if they share their ids."""
    if (component, area) not in structure.item_types("files"):
        return ()
    return tuple(
        model for model in structure.archived_models() if f"{component}/{area}" in model.items("files")
    )


def path_to_content(model: Model) -> str:
    """Return the query path from a model to the content that its rows are in: `discussion__forum`."""
    names = []
    up = _parent_column(model)
    while up is not None:
        names.append(up.name)
        up = _parent_column(cast(Model, up.related_model))
    return "__".join(names)


def path_to_course(model: Model) -> str:
    """Return the query path from a model to the course that its rows are in: `discussion__forum__owner__course`; "" if there
    is none."""
    names = []
    outer = model
    while (up := _parent_column(outer)) is not None:
        names.append(up.name)
        outer = cast(Model, up.related_model)
    if outer is Course:
        return "__".join(names) or "pk"
    known = {one.name for one in outer._meta.concrete_fields}
    way = next((way for name, way in (("course", "course"), ("owner", "owner__course")) if name in known), "")
    return "__".join((*names, way)) if way else ""


def _parent_column(model: Model) -> Within | None:
    columns = model._meta.concrete_fields
    return next((column for column in columns if isinstance(column, Within) and column.path), None)
