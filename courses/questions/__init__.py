"""The question types, one file each; a new type is a new file here.

A file holds the models that only this type has, and its `QuestionType`: the models that it shares with other types, the ids
in the steps of its attempts, and the file areas whose item is the question.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from courses import registry
from courses.archived import ArchivePath
from courses.discovery import import_all

if TYPE_CHECKING:
    from courses.models.answers import Shared


@dataclass(frozen=True, slots=True)
class HiddenIds:
    """The rule for ids in step variables whose name matches `pattern`.

    `name` is the item type of the id in the name (the pattern's group), `value` that of the comma-separated ids in the
    value; "" for none.
    """

    pattern: re.Pattern[str]
    name: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class QuestionType:
    """The declarations of a question type; creating one enters it into the registry.

    `name` is the name in archives (`qtype`). `shares` are the models that it has in common with other types, `hidden` the
    rules for ids in the steps of attempts, `files` the "component/area" whose item is the question.
    """

    name: str
    shares: tuple[type[Shared], ...] = ()
    hidden: tuple[HiddenIds, ...] = ()
    files: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        registry.enter_question_type(self)


types = registry.question_types


def hidden(pattern: str, *, name: str = "", value: str = "") -> HiddenIds:
    """Make a `HiddenIds` from a regular expression of the variable's whole name and the item types of the ids."""
    return HiddenIds(re.compile(pattern), name, value)


def discover() -> None:
    """Import every module of this package, so that its models exist."""
    import_all(__name__, __path__)


def part(qtype: str, path: str) -> str:
    """Return the path of a question type's own element inside a question: `part("match", "matches/match")`."""
    return f"plugin_qtype_{qtype}_question/{path}"


def shared_paths(model: type[Shared], path: str) -> tuple[ArchivePath, ...]:
    """Return the paths of a shared model: one in the part of each question type that shares it."""
    return tuple(
        ArchivePath(
            "courses.Question",
            part(name, path),
            column="question_id",
            parent_column="id",
            where=f"{{parent}}.qtype = '{name}'",
        )
        for name, one in types().items()
        if model in one.shares
    )
