"""The registry of archived models and of activity, question and block types, of all installed apps.

A model enters when its class is created, a question type and a block type when its object is created. This module imports
nothing of `courses`, so any module there can import it.
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
    from courses.questions import HiddenIds, QuestionType

P = ParamSpec("P")
T = TypeVar("T")

_models: dict[str, type[ArchivedModel]] = {}
_question_types: dict[str, QuestionType] = {}
_block_types: dict[str, BlockType] = {}
_derived: list[Any] = []


def derived(function: Callable[P, T]) -> Callable[P, T]:
    """Decorator: cache the results of a function of the registry until something enters or leaves."""
    cached = lru_cache(maxsize=4096)(function)
    _derived.append(cached)
    return cast(Callable[P, T], cached)


def clear_derived() -> None:
    """Clear the caches of all functions decorated with `derived`."""
    for cached in _derived:
        cached.cache_clear()


def enter(model: type[ArchivedModel]) -> None:
    """Enter an archived model; a class of the same label replaces the one before."""
    _models[model._meta.label_lower] = model
    clear_derived()


def leave(*models: type[Model]) -> None:
    """Remove archived models; for tests that add some."""
    for model in models:
        _models.pop(model._meta.label_lower, None)
    clear_derived()


def enter_question_type(question_type: QuestionType) -> None:
    """Enter a question type under its name."""
    _question_types[question_type.name] = question_type
    clear_derived()


def enter_block_type(block_type: BlockType) -> None:
    """Enter a block type under its name."""
    _block_types[block_type.name] = block_type
    clear_derived()


def archived_models() -> list[type[ArchivedModel]]:
    """Return all archived models in the order of their declaration."""
    return list(_models.values())


def item_type_of(model: type[ArchivedModel]) -> str:
    """Return the format's name for the ids of a model's rows."""
    return model.archive_meta.item_type or model._meta.model_name or ""


@derived
def model_of_item_type(item_type: str) -> type[ArchivedModel] | None:
    """Return the model whose rows have ids of an item type; None if there is none."""
    return next((model for model in _models.values() if item_type_of(model) == item_type), None)


@derived
def item_types(declared_in: str) -> dict[tuple[str, str], str]:
    """Return the item type of each (component, area) that models declare in `ArchiveMeta.files` or `.comments`.

    `declared_in` is "files" or "comments".
    """
    found: dict[tuple[str, str], str] = {}
    for model in _models.values():
        for declared in model.items(declared_in):
            component, area = declared.split("/")
            found[component, area] = item_type_of(model)
    return found


@derived
def graded_item_types() -> dict[str, str]:
    """Return the item type of the graded records by grading area (`ArchiveMeta.graded`)."""
    return {area: item_type_of(model) for model in _models.values() for area in model.archive_meta.graded}


@derived
def activity_types() -> dict[str, type[Content]]:
    """Return the content model of each described activity type, by the type's name in archives."""
    return {
        model._meta.model_name or "": cast("type[Content]", model)
        for model in _models.values()
        if hasattr(model, "activity_type")
    }


def activity_type(modulename: str) -> ActivityType | None:
    """Return the declarations of an activity type; None if no installed app describes it."""
    model = activity_types().get(modulename)
    return model.activity_type if model else None


def activity_label(modulename: str) -> str:
    """Return the name of an activity type on pages: Assignment, URL, Forum; for an undescribed type its name with a
    capital.
    """
    declared = activity_type(modulename)
    return (declared.label if declared else "") or modulename.capitalize()


def uses_questions(modulename: str) -> bool:
    """True for an activity type that makes no sense without the question bank."""
    declared = activity_type(modulename)
    return declared is not None and declared.uses_questions


@derived
def type_of_banks() -> str:
    """Return the activity type whose activities are question banks; "" if no installed app describes one."""
    return next((name for name, model in activity_types().items() if model.activity_type.holds_questions), "")


def owns_section(modulename: str) -> bool:
    """True for an activity type each of whose activities owns a section of the course."""
    declared = activity_type(modulename)
    return declared is not None and declared.owns_section


PLUGIN = "mod_"
"""The format's prefix of an activity type's component: the component of `forum` is `mod_forum`."""


def component_of(modulename: str) -> str:
    """Return the component of an activity type: `mod_forum` of `forum`."""
    return f"{PLUGIN}{modulename}"


def modulename_of(component: str | None) -> str:
    """Return the activity type of a component: `forum` of `mod_forum`; "" if it is not an activity type's component."""
    return component.removeprefix(PLUGIN) if component and component.startswith(PLUGIN) else ""


@derived
def userdata_areas() -> frozenset[str]:
    """Return the "component/area" of userdata files that activity types declare, because their item is no row of a model."""
    return frozenset(
        area for model in activity_types().values() for area in model.activity_type.userdata_files
    )


@derived
def logged_ids(component: str) -> dict[str, str]:
    """Return the item types of the ids in the details of a component's log entries, by the name of the id.

    A declaration for one component ("mod_wiki/pageid") takes precedence over one for all ("wid").
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
    """Return the item type of each of Moodle's tables in log entries that is not named after its item type."""
    return {
        table: item_type
        for model in activity_types().values()
        for table, item_type in model.activity_type.logged_tables.items()
    }


def question_types() -> dict[str, QuestionType]:
    """Return the described question types by their name in archives."""
    return _question_types


@derived
def hidden_ids(qtype: str, name: str) -> HiddenIds | None:
    """Return the rule for the ids in a step variable `name` of a question of the type `qtype`; None if there are none."""
    described = _question_types.get(qtype)
    return next((one for one in described.hidden if one.pattern.fullmatch(name)), None) if described else None


def block_ids(blockname: str) -> dict[str, str]:
    """Return the item types of the ids in a block type's configuration, by property; empty for an undescribed type."""
    described = _block_types.get(blockname)
    return dict(described.ids) if described else {}
