"""Settings: the options of one operation with the value that each got, and why it cannot be changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from archive.findings import Finding
from courses.registry import uses_questions
from selection.option import Option, Value
from selection.table import ROOT

Lock = Literal["permission", "site", "archive", "dependency", "hierarchy"]


@dataclass(frozen=True, slots=True)
class Item:
    """A section or an activity of the course or the archive.

    `owner` is its name in the manifest (`section_12`, `forum_7`), `parent` that of what it lies in: the
    section of an activity, the subsection activity (`subsection_3`) of a subsection's section; or None.
    """

    owner: str
    parent: str | None = None
    title: str = ""

    @property
    def level(self) -> Literal["section", "activity"]:
        """Whether it is a section or an activity."""
        return "section" if self.modulename == "section" else "activity"

    @property
    def modulename(self) -> str:
        """The kind of activity: `forum` of `forum_7`."""
        return self.owner.rpartition("_")[0]

    @property
    def made_of_questions(self) -> bool:
        """Whether it makes no sense without the question bank."""
        return uses_questions(self.modulename)

    @property
    def label(self) -> str:
        """What people call it."""
        return self.title or self.owner


@dataclass(frozen=True, slots=True)
class SiteDefault:
    """What the administrator has set for an option; locked, nobody else changes it."""

    value: str | bool | int
    locked: bool = False


@dataclass(frozen=True, slots=True)
class Setting:
    """One option with its value. `name` is the whole one (`forum_7_userinfo`), `owner` its item or "".

    `lock` says what keeps it from being changed and `reason` is the sentence for it; `shown` is false where
    asking would make no sense. `choices` are the values that can be chosen here.
    """

    name: str
    option: Option
    owner: str
    value: Value
    lock: Lock | None = None
    reason: str = ""
    shown: bool = True
    choices: tuple[tuple[str, str], ...] = ()

    @property
    def label(self) -> str:
        """The option in a sentence: “Comments” (comments); an item's by its bare name."""
        return self.name if self.owner else f"“{self.option.label}” ({self.name})"

    @property
    def fixed(self) -> bool:
        """Whether it stays as it is whatever else is chosen: a right, the site or the archive says so."""
        return self.lock in ("permission", "site", "archive")

    @property
    def text(self) -> str:
        """The value as the manifest and the command line write it."""
        return written(self.value)


@dataclass(frozen=True, slots=True)
class Settings(Mapping[str, Setting]):
    """Every option of an operation, settled. `refused` is what was asked for and is not so."""

    by_name: Mapping[str, Setting]
    refused: tuple[Finding, ...] = field(default=())

    def __getitem__(self, name: str) -> Setting:
        return self.by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.by_name)

    def __len__(self) -> int:
        return len(self.by_name)

    def on(self, name: str) -> bool:
        """Whether a switch is on. KeyError if the operation has no such option."""
        return bool(self.by_name[name].value)

    def text(self, name: str) -> str:
        """The value of an option, as text. KeyError if the operation has no such option."""
        return self.by_name[name].text

    def allows(self, name: str) -> bool:
        """Whether what the option governs comes along; what has no option in this operation does.

        KeyError for a name that is in no table, so that a misspelling is noticed.
        """
        setting = self.by_name.get(name)
        if setting is None:
            if name not in ROOT:
                raise KeyError(name)
            return True
        return bool(setting.value)

    def of(self, owner: str) -> tuple[Setting, ...]:
        """The settings of one section or activity; of the whole with ""."""
        return tuple(setting for setting in self.by_name.values() if setting.owner == owner)

    def as_asked(self) -> dict[str, str]:
        """All values as text: kept in a job, asked for again in the worker, they settle to the same."""
        return {name: setting.text for name, setting in self.by_name.items()}


def written(value: Value) -> str:
    """A value as the manifest and the command line write it: 1 and 0 for a switch."""
    if isinstance(value, bool):
        return "1" if value else "0"
    return value
