"""Registry of the archived models and of the types of activity, question and block, of all installed apps.

A model enters when its class is made, a question type and a block type when its value is made. Fields, links and whoever
else needs them ask here. This module imports nothing of `courses`, so that anything in it can.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

if TYPE_CHECKING:
    from django.db.models import Model

    from courses.archived import ArchivedModel
    from courses.blocks import BlockType
    from courses.content import ActivityType, Content
    from courses.questions import Hidden, QuestionType

P = ParamSpec("P")
T = TypeVar("T")

_models: dict[str, type[ArchivedModel]] = {}
_question_types: dict[str, QuestionType] = {}
_block_types: dict[str, BlockType] = {}
_derived: list[Any] = []


def derived(function: Callable[P, T]) -> Callable[P, T]:
    """Cache what a function computes from the registry, until another class enters or leaves."""
    cached = lru_cache(maxsize=4096)(function)
    _derived.append(cached)
    return cast(Callable[P, T], cached)


def forget() -> None:
    """Clear everything that was computed from the registry."""
    for cached in _derived:
        cached.cache_clear()


def enter(model: type[ArchivedModel]) -> None:
    """Enter an archived model; a class of the same label replaces the one before."""
    _models[model._meta.label_lower] = model
    forget()


def leave(*models: type[Model]) -> None:
    """Take archived models out again; for tests that add some."""
    for model in models:
        _models.pop(model._meta.label_lower, None)
    forget()


def enter_question_type(question_type: QuestionType) -> None:
    """Enter a question type under its name."""
    _question_types[question_type.name] = question_type
    forget()


def enter_block_type(block_type: BlockType) -> None:
    """Enter a block type under its name."""
    _block_types[block_type.name] = block_type
    forget()


def archived_models() -> list[type[ArchivedModel]]:
    """All models whose rows travel, in the order of their declaration."""
    return list(_models.values())


def item_type_of(model: type[ArchivedModel]) -> str:
    """The format's name for the ids of a model's rows."""
    return model.archive_meta.item_type or model._meta.model_name or ""


@derived
def model_of_item_type(item_type: str) -> type[ArchivedModel] | None:
    """The model that gives out ids of an item type; None if no model does."""
    return next((model for model in _models.values() if item_type_of(model) == item_type), None)


@derived
def item_types(trait: str) -> dict[tuple[str, str], str]:
    """The item type of each (component, area) that a model declares as `files` or `comments`."""
    found: dict[tuple[str, str], str] = {}
    for model in _models.values():
        for declared in model.items(trait):
            component, area = declared.split("/")
            found[component, area] = item_type_of(model)
    return found


@derived
def graded_item_types() -> dict[str, str]:
    """The item type of the records that the forms of each grading area are filled in for."""
    return {area: item_type_of(model) for model in _models.values() for area in model.archive_meta.graded}


@derived
def activity_types() -> dict[str, type[Content]]:
    """The model of each described activity type, by the name that archives give the type."""
    return {
        model._meta.model_name or "": cast("type[Content]", model)
        for model in _models.values()
        if hasattr(model, "activity_type")
    }


def activity_type(modulename: str) -> ActivityType | None:
    """What is declared of an activity type; None if no installed app describes it."""
    model = activity_types().get(modulename)
    return model.activity_type if model else None


def activity_label(modulename: str) -> str:
    """What people call an activity type: Assignment, URL, Forum; a type that nobody describes has its name with a capital."""
    declared = activity_type(modulename)
    return (declared.label if declared else "") or modulename.capitalize()


def uses_questions(modulename: str) -> bool:
    """True for an activity type that makes no sense without the question bank."""
    declared = activity_type(modulename)
    return declared is not None and declared.uses_questions


def owns_section(modulename: str) -> bool:
    """True for an activity type each of whose activities owns a section of the course."""
    declared = activity_type(modulename)
    return declared is not None and declared.owns_section


PLUGIN = "mod_"
"""The format's prefix of an activity type's component: the component of `forum` is `mod_forum`."""


def component_of(modulename: str) -> str:
    """The component of an activity type: `mod_forum` of `forum`."""
    return f"{PLUGIN}{modulename}"


def modulename_of(component: str | None) -> str:
    """The activity type of a component: `forum` of `mod_forum`; "" if the component is no activity type's."""
    return component.removeprefix(PLUGIN) if component and component.startswith(PLUGIN) else ""


@derived
def userdata_areas() -> frozenset[str]:
    """The "component/area" of people's files that activity types declare and no model has as item."""
    return frozenset(
        area for model in activity_types().values() for area in model.activity_type.userdata_files
    )


@derived
def logged_ids(component: str) -> dict[str, str]:
    """The item type of each id in the details of a component's log entries, by the name of the id.

    What a type says of one component ("mod_wiki/pageid") goes before what is said of all ("wid").
    """
    general: dict[str, str] = {}
    own: dict[str, str] = {}
    for model in activity_types().values():
        for name, item_type in model.activity_type.logged_ids.items():
            where, slash, bare = name.rpartition("/")
            if not slash:
                general[name] = item_type
            elif where == component:
                own[bare] = item_type
    return {**general, **own}


@derived
def logged_tables() -> dict[str, str]:
    """The item type of the rows of Moodle's tables that log entries name, where it is not the table's own name."""
    return {
        table: item_type
        for model in activity_types().values()
        for table, item_type in model.activity_type.logged_tables.items()
    }


def question_types() -> dict[str, QuestionType]:
    """The described question types by the name that archives give them."""
    return _question_types


@derived
def hidden_ids(qtype: str, name: str) -> Hidden | None:
    """The rule for the ids in a variable of that name, in an attempt at a question of that type; None if there are none."""
    described = _question_types.get(qtype)
    return next((one for one in described.hidden if one.pattern.fullmatch(name)), None) if described else None


def block_ids(blockname: str) -> dict[str, str]:
    """The item types of the ids in a block type's configuration, by property; empty for a type that nobody describes."""
    described = _block_types.get(blockname)
    return dict(described.ids) if described else {}
